"""The last screen of a run: what it says, and that it survives everything that can be missing."""

import io
from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest
from rich.console import Console

from orchestration.reporting.data import MARTS
from orchestration.reporting.summary import show_summary
from orchestration.settings import Home

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
LAST = date(2026, 11, 20)
ORIGIN = {"run_id": "run-1f2e3d", "as_of": AS_OF, "definition_hash": "abc"}

CHECKOUT = {
    "rank": 1,
    "pain_point_id": "p1",
    "title": "Checkout slow since deployment 4711",
    "reason": "rank 1 because 312 accounts waited +380 ms at p95",
    "owner_team": "payments",
    "age_days": 12.4,
    "status": "ongoing",
    "accounts": 312,
    "tickets": 41,
    "minutes_lost": 5400.0,
    "trend": "rising",
}
DAY = {
    "source": "otel",
    "signal": "spans",
    "event_date": LAST,
    "pulled": 110,
    "malformed": 4,
    "duplicates": 3,
    "held": 3,
    "anonymized": 100,
    "checked": 95,
    "quarantined": 5,
    "withheld": 0,
    "sampled": 20,
    "sampled_out": 75,
    "is_balanced": True,
    "is_withheld": False,
}
TICKETS = {**DAY, "source": "zendesk", "signal": "tickets", "sampled": None, "sampled_out": None}
FAILED = {"source": "otel", "signal": "spans", "event_date": LAST, "expectation": "duration_is_plausible"}


@pytest.fixture
def shown(tmp_path):
    """Publishes rows by field of ReportData, and returns the screen."""

    def show(width=100, **rows):
        home = Home(tmp_path)
        for role in ("lead", "steward"):
            write(home.published / f"{role}.duckdb", rows)
        return screen(home, width)

    return show


def screen(home, width=100):
    out = io.StringIO()
    show_summary(Console(file=out, width=width, highlight=False), home)
    return out.getvalue()


def write(file, rows):
    file.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(file)) as connection:
        for field, of_field in rows.items():
            name, columns = MARTS[field]
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table {name} ({declared})")
            for row in of_field:
                values = [{**ORIGIN, **row}.get(column) for column in columns]
                connection.execute(f"insert into {name} values ({', '.join('?' * len(values))})", values)


def days(pain_point_id, values):
    return [
        {"pain_point_id": pain_point_id, "event_date": LAST - timedelta(days=back), "value": float(value), "unit": "ms"}
        for back, value in enumerate(reversed(values))
    ]


def test_worst_pain_point_is_told_with_its_evidence_owner_age_and_reason(shown):
    text = shown(pain_points=[CHECKOUT], pain_point_days=days("p1", range(28)), ledger=[DAY], gate_results=[])
    for said in ("Checkout slow", "312 accounts", "41 tickets", "payments", "12 days", "▲ rising", "▁"):
        assert said in text
    assert "1. Checkout slow since deployment 4711. Rank 1 because 312 accounts waited +380 ms at p95." in text
    assert "as of 2026-11-21 00:00 UTC" in text


def test_days_without_a_value_are_gaps_in_the_trend(shown):
    spark = days("p1", [9, 9])
    text = shown(pain_points=[CHECKOUT], pain_point_days=spark, ledger=[DAY])
    assert text.count("█") == 1  # two days of 28 are the last of fourteen characters


def test_every_stage_is_accounted_for(shown):
    text = " ".join(shown(pain_points=[CHECKOUT], ledger=[DAY, TICKETS]).split())
    assert "received 220 200 anonymized + 8 malformed + 6 duplicates + 6 held" in text
    assert "judged 200 190 checked + 10 quarantined + 0 withheld" in text
    assert "sampled 95 20 sampled + 75 sampled out" in text  # tickets are never sampled
    assert "balanced to the row on all 2 days" in text


def test_day_out_of_balance_is_named(shown):
    text = shown(ledger=[{**DAY, "is_balanced": False}])
    assert "1 of 1 days do not balance, otel/spans/2026-11-20 first" in text


def test_withheld_days_and_what_failed_are_told(shown):
    gate = [
        {**FAILED, "severity": "row", "failed": 5, "evaluated": 100},
        {**FAILED, "severity": "aggregate", "expectation": "rows_are_enough", "failed": 1},
    ]
    text = shown(ledger=[DAY, {**TICKETS, "is_withheld": True}], gate_results=gate)
    assert "1 day let in, 1 withheld" in text
    assert "zendesk/tickets/2026-11-20 withheld" in text
    assert "5 spans failed duration_is_plausible on 1 day" in text
    assert "rows_are_enough" not in text  # an aggregate puts no row into quarantine


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal(shown, width):
    long = {**CHECKOUT, "title": "Checkout " + "very " * 30 + "slow", "owner_team": "a-team-with-a-very-long-name"}
    text = shown(width=width, pain_points=[long] * 12, ledger=[DAY])
    assert max(map(len, text.splitlines())) <= width
    assert "and 2 more in the report" in text


def test_nothing_published_names_the_command_that_publishes(tmp_path):
    assert "feedback run" in screen(Home(tmp_path))


@pytest.mark.parametrize(
    "rows",
    [
        {},  # a role without any of the tables
        {"pain_points": [], "pain_point_days": [], "ledger": [], "gate_results": []},
        {"pain_points": [{"rank": 1}], "ledger": [{"source": "otel"}], "gate_results": [{"signal": "spans"}]},
    ],
)
def test_what_is_missing_is_no_error(shown, rows):
    text = shown(**rows)
    assert "no data because" in text
    assert "make ui" in text


def test_text_of_records_is_neither_markup_nor_a_control_sign(shown):
    text = shown(pain_points=[{**CHECKOUT, "title": "[red]x[/red] \x1b[2J"}], ledger=[DAY])
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def test_column_a_steward_took_away_is_unknown_not_fatal(tmp_path):
    home = Home(tmp_path)
    write(home.published / "lead.duckdb", {"pain_points": [CHECKOUT], "ledger": [DAY]})
    with duckdb.connect(str(home.published / "lead.duckdb")) as connection:
        connection.execute("alter table rpt_pain_points drop column owner_team")
    assert "Checkout slow" in screen(home)


def test_first_sentences_follow_the_rank(shown):
    points = [{**CHECKOUT, "rank": rank, "title": f"Problem {rank}"} for rank in (3, 1, 2)]
    text = shown(pain_points=points, ledger=[DAY])
    assert pl.Series([text.index(f"{rank}. Problem {rank}.") for rank in (1, 2, 3)]).is_sorted()
