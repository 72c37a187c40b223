"""Fields, headers, files and folders can be called anything: what is written loads, what is told can be copied."""

from io import StringIO

import pytest
from rich.console import Console

from governance.privacy import load_privacy
from governance.sources import load_sources
from orchestration.discovery import discover
from tests.unit.discovery.conftest import AS_OF, span, table


@pytest.mark.parametrize("name", ["null", "true", "False", "on", "y", "e1"])
def test_a_field_may_have_a_name_that_yaml_reads_as_something_else(tell, put, monkeypatch, name):
    told = tell(put("otel/a.jsonl", span(1, "cart", {name: "3"})))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    assert load_privacy().attribute(name).action == "keep"


@pytest.mark.parametrize(
    "header",
    ["Status \U0001f6a6", "Status\u2028", "Sta\x85tus", '"Status"', "Status\\", "Status\x7f", "#Status"],
)
def test_a_header_and_a_text_may_hold_any_character(tell, put, monkeypatch, header):
    rows = table(["Subject", "Priority", header], ["it is\u2028slow", "low", "open"], ["it is\x85slow", "low", "open"])
    told = tell(put("desk/a.csv", rows))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    columns = load_sources()["tickets_csv"].columns
    assert (columns["subject"], columns["priority"]) == ("Subject", "Priority")
    assert columns.get("status", header.strip()) == header.strip()
    assert told.found.sources[0].sample.records == 2


def test_the_next_commands_can_be_copied_whatever_the_folders_are_called(tell, put):
    put("otel/a.jsonl", span(1, "cart", {}))
    told = tell(put("otel/b.jsonl", span(2, "cart", {})), "my proposals [new]")
    folder = str(told.out)
    assert f"export FEEDBACK_CONFIG='{folder}'" in told.printed
    assert f"Written to {folder}:" in told.printed


def test_the_command_that_writes_the_proposals_can_be_copied(put):
    printed = StringIO()
    put("my exports/[a].jsonl", span(1, "cart", {}))
    folder = put("my exports/b.jsonl", span(2, "cart", {})) / "my exports"
    discover(Console(file=printed, width=200, highlight=False), str(folder), folder, None, 10, AS_OF)
    assert f"feedback source discover '{folder}' --out my-config" in printed.getvalue()


def test_a_source_whose_files_have_names_that_may_not_be_shown_reads_none_until_they_are_renamed(
    tell, put, monkeypatch
):
    """Their pattern, `*.jsonl`, would name the others as well."""
    log = {"time": "2026-05-01T00:00:00Z", "message": "slow", "level": "info"}
    put("gwen.abernathy@canary.example.com.jsonl", log, log)
    told = tell(put("4111111111111111.jsonl", span(1, "cart", {})))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(told.out))
    sources = load_sources()
    assert (sources["otel"].files.patterns, sources["logs_jsonl"].files.patterns) == ((), ())
    assert told.printed.count("1 with names that may not be shown: rename them") == 2
