"""CSV and JSON lines through a mapping."""

from datetime import UTC, datetime

import pytest

MAPPING = {"columns": {"ticket_id": "No", "event_at": ["Updated", "Created"], "subject": "Title"}}
CSV = b"No,Created,Updated,Title,Area\r\n"


def tickets(read, content, kind="csv", **mapping):
    return read(kind, content, signals=("tickets",), **(mapping or MAPPING))


def test_a_row_goes_where_its_mapping_says_and_the_rest_to_attributes(read):
    (row,) = tickets(read, CSV + b'1,2026-05-01,2026-05-02T10:00:00+02:00,"Slow, again",EU\r\n').rows("tickets")
    assert row["event_at"] == datetime(2026, 5, 2, 8, tzinfo=UTC)
    assert (row["record_id"], row["ticket_id"], row["subject"]) == ("1:1777708800", "1", "Slow, again")
    assert row["attributes"] == {"Area": "EU"}


def test_the_first_filled_of_several_headers_counts(read):
    (row,) = tickets(read, CSV + b"1,2026-05-01,,T,EU\n").rows("tickets")
    assert row["event_at"] == datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["1777708800", "1777708800000", "1777708800000000", "1777708800000000000", "2026-05-02 08:00:00"]
)
def test_a_time_comes_in_any_usual_unit(read, text):
    (row,) = tickets(read, CSV + f"1,{text},,T,EU\n".encode()).rows("tickets")
    assert row["event_at"] == datetime(2026, 5, 2, 8, tzinfo=UTC)


def test_rows_without_id_or_time_get_both_and_equal_rows_are_one(read):
    mapping = {"columns": {"subject": "title"}, "constants": {"event_at": "received", "channel": "desk"}}
    rows = tickets(read, b"title;area\na;1\na;1\nb;1\n", **mapping).rows("tickets")
    assert len({row["record_id"] for row in rows}) == 2
    assert {row["event_at"] for row in rows} == {datetime(2026, 6, 1, 12, tzinfo=UTC)}
    assert {row["channel"] for row in rows} == {"desk"}


def test_a_row_with_too_many_fields_goes_alone_with_its_line(read):
    said = tickets(read, CSV + b"1,2026-05-01,,T,EU\n2,2026-05-01,,T\n3,2026-05-01,,T,EU\n")
    assert [row["ticket_id"] for row in said.rows("tickets")] == ["1", "3"]
    assert said.malformed.select("line", "reason").rows() == [(3, "4 fields instead of 5")]


def test_an_open_quote_takes_the_rest_of_the_file_with_it(read):
    said = tickets(read, CSV + b'1,2026-05-01,,T,EU\n2,2026-05-01,,"T,EU\n3,2026-05-01,,T,EU\n')
    assert len(said.rows("tickets")) == 1
    assert said.malformed["line"].to_list() == [3]


def test_a_line_in_another_encoding_goes_alone(read):
    said = tickets(read, CSV + b"1,2026-05-01,,T\xe4,EU\n2,2026-05-01,,T,EU\n")
    assert [row["ticket_id"] for row in said.rows("tickets")] == ["2"]
    assert said.reasons == ["invalid UTF-8"]


def test_json_lines_are_reached_by_dotted_paths(read):
    mapping = {"columns": {"ticket_id": "meta.no", "event_at": "at", "tags": "labels"}}
    line = b'{"meta": {"no": 5}, "at": 1777708800.5, "labels": ["x", "y"]}\n[1]\n'
    said = tickets(read, line, kind="jsonl", **mapping)
    (row,) = said.rows("tickets")
    assert (row["ticket_id"], row["tags"], row["event_at"].microsecond) == ("5", ["x", "y"], 500_000)
    assert said.reasons == ["not an object"]


def test_a_table_of_spans_and_one_of_logs_need_no_python(read):
    spans = b"trace_id,span_id,service,operation,event_at,duration_ns\nAB,CD,api,GET,2026-05-01T00:00:00Z,1500\n"
    (span,) = read("csv", spans, signals=("spans",)).rows("spans")
    assert (span["record_id"], span["duration_ns"], span["status"]) == ("ab-cd", 1500, "unset")
    assert span["start_unix_nano"] == 1777593600 * 10**9
    mapping = {"columns": {"event_at": "ts", "body": "message", "severity": "level"}}
    (log,) = read(
        "jsonl", b'{"ts":"2026-05-01T00:00:00Z","message":"hi","level":"warning"}', signals=("logs",), **mapping
    ).rows("logs")
    assert (log["severity"], log["service"], log["body"]) == ("WARN", "unknown_service", "hi")


def test_a_row_without_a_time_says_what_to_map(read):
    said = tickets(read, b"No\n1\n", columns={"ticket_id": "No"})
    assert said.reasons == ["event_at is missing"]
