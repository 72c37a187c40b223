"""Of a file only its beginning is read, cut behind a whole record, whatever the file is."""

import gzip
import os

import orjson
import pytest

from orchestration.discovery.heads import read_head, walk
from orchestration.discovery.recognising import recognise

ISSUES = [
    {"number": n, "title": 'a } in a " text', "state": "open", "created_at": "2026-01-01", "x": [{}]}
    for n in range(500)
]


@pytest.mark.parametrize(
    ("content", "kind", "records"),
    [
        (b"".join(orjson.dumps(issue) + b"\n" for issue in ISSUES), "github", None),
        (orjson.dumps(ISSUES), "github", None),
        (orjson.dumps(ISSUES, option=orjson.OPT_INDENT_2), "github", None),
        (gzip.compress(orjson.dumps(ISSUES)), "github", None),
        (
            orjson.dumps({"incidents": [{"incident_number": n, "created_at": "2026"} for n in range(500)]}),
            "pagerduty",
            None,
        ),
        (b"time,message\n" + b'2026-01-01,"two\nlines"\n' * 1000, "csv", None),
    ],
    ids=["lines", "array on a line", "printed array", "gzip", "page", "table with line ends in quotes"],
)
def test_a_longer_file_is_cut_behind_a_whole_record(content, kind, records, tmp_path):
    (tmp_path / "file").write_bytes(content)
    head = read_head(tmp_path / "file", 2_000)
    assert not head.is_whole
    assert recognise(head).type == kind
    if kind != "csv":
        parsed = [orjson.loads(line) for line in head.content.splitlines()] if content[:1] == b"{" else None
        assert parsed is None or all(parsed)
    else:
        assert head.content.endswith(b'lines"\n')


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"\x7fELF\x00\x01", "binary"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b"\x1f\x8bnothing", "gzip"),
        (b"Jun 14 15:16:01 combo sshd: session opened\n" * 3, "plain text"),
        (b'{"resourceMetrics": []}', "metrics"),
        (b'{"data": [{"traceID": "1", "spans": []}]}', "Jaeger"),
        (b'{"issues": [{"key": "AR-1", "fields": {}}]}', "Jira"),
        (b'{"some": {"settings": 1}}', "no records"),
        (b'{"message": "Bad credentials", "documentation_url": "u"}', "an error answer"),
        (b"{broken", "nothing in it can be parsed"),
        (b"a,b\n", "without rows"),
        (b"bob@example.com,12\nann@example.com,13\n", "first line is no header"),
        (b"\xff\xfa,b\nc,d\n", "no text in UTF-8"),
        (b"[" * 100_000, "nothing in it can be parsed"),
    ],
)
def test_what_cannot_be_read_says_why_and_nothing_of_its_content(content, reason, tmp_path):
    (tmp_path / "file").write_bytes(content)
    kind = recognise(read_head(tmp_path / "file", 2**20))
    assert kind.type is None
    assert reason in kind.reason


def test_a_file_of_ten_gigabytes_is_told_from_its_beginning(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.write(b'{"trace_id": 1}\n' * 10)
        file.truncate(10 * 2**30)
    assert len(read_head(tmp_path / "huge", 2**20).content) < 2**20


def test_linked_loops_pipes_and_hidden_files_are_passed_over(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "good.jsonl").write_text("{}")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "itself").symlink_to(tmp_path / "a" / "itself")
    (tmp_path / ".hidden").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    assert [path.name for path in walk(tmp_path)] == ["good.jsonl"]
