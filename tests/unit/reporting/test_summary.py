"""The last screen of a run, as text."""

import io
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from rich.console import Console

from governance.errors import FeedbackError
from orchestration.reporting.summary import show_summary, summary
from orchestration.settings import Home

DAY = date(2026, 11, 1)
NEXT = ["the report: /somewhere/far/away/status.html", "feedback ui"]


def shown(data, width=100):
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(summary(data, NEXT), crop=False)
    return out.getvalue()


@pytest.fixture(scope="module")
def screen(data):
    return shown(data)


def test_screen_fits_a_hundred_columns_and_needs_no_terminal(screen):
    assert max(map(len, screen.splitlines())) <= 100
    assert "\x1b" not in screen


@pytest.mark.parametrize(
    "words",
    [
        "Checkout is slow since",
        "Rank 1: more accounts",
        "312 accounts",
        "4,096 records",
        "18 days",
        "Nothing is planned; as before.",
        "helped; was open",
        "new on the list",
        "▲ rising",
        "payments",
        "198,408",
        "195,525",
        "Gate: 3 of 5 expectations met on every day",
        "severity is known failed for 959 of 96,600 rows",
        "withheld: otel logs 2026-11-09",
    ],
)
def test_screen_says(screen, words):
    assert words in screen


def test_screen_ends_with_the_next_command(screen):
    assert screen.rstrip().splitlines()[-1] == "  feedback ui"


def test_not_sampled_is_no_count(screen):
    tickets = next(row for row in screen.splitlines() if "zendesk tickets" in row)
    assert tickets.split()[-2] == "-"


def test_empty_warehouse_says_so(made):
    screen = shown(made({}))
    assert "No pain point found" in screen
    assert "No record has been read yet." in screen


def test_what_came_too_late_is_told_by_source_and_signal(data, screen):
    told = screen.split("Not in it, as their day was closed when they came (its raw data had expired):\n")[1]
    assert told.splitlines()[:2] == ["  zendesk tickets: 6 records of 2 days, 2026-10-10 to 2026-10-11", ""]
    one = data.ledger.with_columns(
        too_late=pl.when((pl.col("source") == "otel") & (pl.col("event_date") == DAY)).then(1)
    )
    assert f"  otel spans: 1 record of {DAY}\n" in shown(replace(data, ledger=one))


def test_nothing_is_said_of_late_records_where_there_are_none(data):
    assert "closed when they came" not in shown(replace(data, ledger=data.ledger.with_columns(too_late=None)))


def test_what_the_budget_left_out_of_the_sample_is_told(data, screen):
    assert "budget left out" not in screen
    of_spans = pl.when(signal="spans", source="otel")
    cut = data.ledger.with_columns(cut_error_traces=of_spans.then(2), cut_slow_traces=of_spans.then(1))
    told = "The sampling's budget left out 84 failing and 42 slow traces of 42 days: every figure counts them.\n"
    assert told in shown(replace(data, ledger=cut))


def test_commands_are_not_wrapped(data):
    assert f"  {NEXT[0]}" in shown(data, width=40).splitlines()


def test_screen_comes_from_the_warehouse(warehouse):
    out = io.StringIO()
    show_summary(Console(file=out, width=100), warehouse())
    assert "Checkout is slow since" in out.getvalue()
    assert out.getvalue().rstrip().endswith("feedback ui")


def test_no_warehouse_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(FeedbackError, match="run `feedback run` first"):
        show_summary(Console(file=io.StringIO()), Home(tmp_path))
