"""Bytes become lines and values in bounded memory, whatever the file is."""

import gzip

import orjson
import pytest

from orchestration.sources import reading
from orchestration.sources.reading import document, json_values, lines, page


def contents(found):
    return [line.reason or line.content.strip() for line in found]


def test_a_line_over_the_limit_goes_alone():
    limit = 2**20
    body = b"a\n" + b"x" * (3 * limit) + b"\nb\n" + b"y" * (2 * limit)
    assert contents(lines(page("p", body), limit)) == [b"a", "longer than 1 MiB", b"b", "longer than 1 MiB"]


def test_a_gzip_that_is_cut_off_keeps_what_was_whole_before():
    body = gzip.compress(b"".join(b"%d\n" % number for number in range(50_000)))
    found = contents(lines(page("p", body[: len(body) // 2])))
    assert found[:3] == [b"0", b"1", b"2"]
    assert found[-1].startswith("gzip is cut off")


def test_another_encoding_is_one_reason():
    assert contents(lines(page("p", "a\nb\n".encode("utf-16")))) == ["UTF-16; expected UTF-8"]


def test_a_file_that_grows_while_it_is_read_is_read_as_it_was(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"1\n2\n")
    found = document(path, "a.jsonl")
    path.write_bytes(b"1\n2\n3\n")
    assert contents(lines(found)) == [b"1", b"2"]
    assert document(path, "a.jsonl").id != found.id


@pytest.mark.parametrize(
    ("body", "values"),
    [
        (b'{"a":1}\n\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        (b'{\n "a": 1\n}', [{"a": 1}]),
        (b'{\n "a": \n', ["invalid JSON"]),  # one document, one reason
        (b'{"a":\n{"a":2}\n', ["invalid JSON", {"a": 2}]),
        (b"\xff\n1\n", ["invalid UTF-8", 1]),
        (rb'"\ud83d\ude00 \ud83d \\ud83d"', ["\U0001f600 \ufffd \\ud83d"]),
        (b"[" * 2000, ["invalid JSON"]),
        (b"9007199254740993", [9007199254740993]),
    ],
)
def test_a_document_is_one_value_a_line_or_one_over_many(body, values):
    assert [value.reason or value.content for value in json_values(page("p", body))] == values


def test_a_large_document_over_many_lines_is_not_taken_into_memory(monkeypatch):
    monkeypatch.setattr(reading, "DOCUMENT_LIMIT", 1_000)
    body = orjson.dumps([{"n": number} for number in range(500)], option=orjson.OPT_INDENT_2)
    assert [value.reason for value in json_values(page("p", body))] == ["invalid JSON"]
