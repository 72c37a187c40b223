"""The steward's page says what the gate did and what waits, in names and counts, and nothing of any row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from governance.access import load_access
from governance.audit import Decision, Recorded
from governance.privacy import load_privacy
from governance.stewards import load_stewards
from orchestration.desk.quarantine import WAITING_SCHEMA
from orchestration.desk.waivers import waivers
from orchestration.reporting import desk
from orchestration.reporting.data import ReportData
from orchestration.reporting.report import build_desk_page
from orchestration.reporting.unused import unused_fields
from orchestration.signing import Held
from orchestration.stages.field_lineage import Lineage

Make = Callable[[Mapping[str, list[dict[str, Any]]]], ReportData]
FIRST = date(2026, 3, 1)
AS_OF = datetime(2026, 3, 10, 12, tzinfo=UTC)
PLACE = {"source": "otel", "signal": "spans"}
RESULT = {**PLACE, "expectation": "spans_are_unique", "severity": "day", "evaluated": 1, "failed": 0}
PASSED = {"is_passed": True, "is_blocking": True, "is_waived": False}


def judged(made: Make, *days: dict[str, object]) -> ReportData:
    """A day of otel/spans each, from FIRST on: what its one check says, and whether it is withheld."""
    results, ledger = [], []
    for offset, day in enumerate(days):
        told, on = dict(day), {"event_date": FIRST + timedelta(days=offset)}
        ledger.append({**PLACE, **on, "is_withheld": told.pop("is_withheld", False)})
        results.append({**RESULT, **PASSED, **on, **told})
    return made({"gate_results": results, "ledger": ledger})


@pytest.mark.parametrize(
    ("day", "result"),
    [
        ({}, "passed"),
        ({"is_passed": False, "is_blocking": False}, "failed"),
        ({"is_passed": False, "is_waived": True, "waiver": 4}, "waived"),
        ({"is_passed": False, "is_withheld": True}, "withheld"),
    ],
)
def test_each_day_of_a_data_set_has_one_result(made: Make, day: dict[str, object], result: str) -> None:
    (row,) = desk.history(judged(made, day))
    assert (row["dataset"], row["results"], row[result]) == ("otel/spans", [result], 1)


def test_the_history_ends_with_the_latest_day_and_is_no_longer_than_six_weeks(made: Make) -> None:
    data = judged(made, *[{}] * 50)
    assert (len(desk.history_days(data)), desk.history_days(data)[-1]) == (42, FIRST + timedelta(days=49))


def waits(day: int, age: int, rows: int) -> tuple[object, ...]:
    return "otel", "spans", date(2026, 3, day), "e", "o@x", rows, age, date(2026, 4, day), True, day == 1


def test_quarantine_is_by_owner_and_age(made: Make) -> None:
    frame = pl.DataFrame(
        [waits(1, 31, 5), waits(2, 30, 3), waits(3, 8, 2), waits(4, 7, 1)], WAITING_SCHEMA, orient="row"
    )
    (row,) = desk.quarantine(frame)
    assert [row[f"age_{at}"] for at in range(3)] == [1, 5, 5]
    assert (row["days"], row["oldest"], row["expires_on"], row["days_withheld"]) == (
        4,
        date(2026, 3, 1),
        date(2026, 4, 1),
        1,
    )


def recorded(number: int, kind: str, who: str = "ana@example.com", **what: object) -> Recorded:
    return Recorded(number, Decision(kind, who, "<b>said</b>", AS_OF, what), "00")  # type: ignore[arg-type]


def waiver(number: int, expires: int, kind: str = "waive", **more: object) -> Recorded:
    scope = {"dataset": "otel/*", "expectation": "e_is_met", "first": "2026-03-01", "last": "2026-03-02", **more}
    asked = {"request": number - 1, "asked_by": "ana@example.com"} if kind == "waive" else {}
    ends = datetime(2026, 3, expires, tzinfo=UTC).isoformat()
    return recorded(number, kind, "ben@example.com", expires=ends, **scope, **asked)


def test_waivers_that_end_soon_are_told_and_those_that_are_over_come_last() -> None:
    entries = [waiver(2, 30), waiver(4, 12), waiver(6, 9), waiver(7, 20, "waiver_request"), waiver(9, 30)]
    told = waivers([*entries, recorded(10, "revoke", decision=9)], AS_OF)
    states = [(row["waiver"].number, row["state"]) for row in desk.waivers(told, AS_OF)]  # type: ignore[attr-defined]
    over = [(9, "revoked"), (6, "expired")]
    assert states == [(7, "waits for approval"), (4, "expires in 2 days"), (2, "in force"), *over]


def page(made: Make, **other: object) -> str:
    given = {
        "waiting": pl.DataFrame([waits(1, 31, 5)], WAITING_SCHEMA, orient="row"),
        "waivers": waivers([waiver(2, 30)], AS_OF),
        "reviews": load_stewards().review_calendar(AS_OF + timedelta(days=8), [recorded(1, "policy")]),
        "decisions": [recorded(3, "release", dataset="otel/spans", day="2026-03-01", records=["secret-id"])],
        "decision_count": 3,
        "held": [Held("marts/rpt_pain_points", None, AS_OF, "abcd")],
        "unused": {"spans": ["status_message"]},
        **other,
    }
    return build_desk_page(judged(made, {}), desk.DeskData(**given), AS_OF)  # type: ignore[arg-type]


def test_the_page_tells_what_waits_and_loads_nothing(made: Make) -> None:
    text = page(made)
    for told in (
        "waits for sign-off",
        "since 2026-03-10 12:00 UTC",
        "overdue",
        "status_message",
        "1 records",
        "in force",
    ):
        assert told in text
    assert "secret-id" not in text
    assert "<b>said</b>" not in text
    assert re.findall(r"<script|(?:src|href)=\"(?!#|data:|status\.html)", text) == []


def test_an_empty_desk_says_so(made: Make) -> None:
    empty = {"waivers": [], "decisions": [], "held": [], "unused": None, "waiting": pl.DataFrame(schema=WAITING_SCHEMA)}
    text = page(made, **empty)
    for told in ("Nothing is in quarantine", "Nobody has asked", "No asset needs", "Nothing was decided", "no lineage"):
        assert told in text


def test_a_field_that_no_published_column_is_made_from_is_unused() -> None:
    lineage = {
        "marts.fct_tickets": {"service": [["staging.stg_tickets", "area"]]},
        "staging.stg_tickets": {"area": [["lake.tickets", "service"]], "tags": [["lake.tickets", "tags"]]},
        "marts.rpt_pain_points": {"title": [["lake.log_templates", "template"], ["lake.text_themes", "theme"]]},
    }
    used = Lineage(lineage).published_fields(load_access())
    assert used is not None
    unused = unused_fields(used, load_privacy())
    assert "tags" in unused["tickets"]  # a model reads it, no published column is made from it
    assert not {"service", "subject"} & set(unused["tickets"])
    assert ("body" in unused["logs"], "severity_number" in unused["logs"]) == (False, True)
    assert "record_id" not in unused["spans"]
