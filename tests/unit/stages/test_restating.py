"""A figure of the past that changes is told with how much and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from governance.metrics import Metric, about
from orchestration.lake import Lake
from orchestration.stages.restating import Published, changes, judged_days, restate

DAY, NEXT, TODAY = date(2026, 3, 14), date(2026, 3, 15), date(2026, 3, 16)
JUDGED = {
    "anonymized": "a",
    "rulings": "",
    "policy": "p",
    "landed": 9,
    "released": 0,
    "discarded": 0,
    "is_withheld": False,
}
DAYS = {("zendesk", "tickets", DAY): JUDGED, ("zendesk", "tickets", NEXT): JUDGED, ("otel", "logs", DAY): JUDGED}
THEN = Published({("created", DAY): 8.0, ("created", TODAY): 1.0}, DAYS, {"created": "formula:models"}, "policies")
NOW = {("created", DAY): 9.0, ("created", TODAY): 2.0}
SIGNALS = {"created": ["tickets"]}


def moved(day: date, signal: str = "tickets", **what: object) -> dict[tuple[str, str, date], dict[str, object]]:
    source = "zendesk" if signal == "tickets" else "otel"
    return {**DAYS, (source, signal, day): {**JUDGED, **what}}


@pytest.mark.parametrize(
    ("days", "definition", "policies", "reason", "datasets"),
    [
        (moved(DAY, anonymized="b", landed=10), "formula:models", "policies", "late data", "zendesk/tickets"),
        (moved(DAY, rulings="r", released=1), "formula:models", "policies", "release", "zendesk/tickets"),
        (moved(DAY, rulings="r", discarded=1), "formula:models", "policies", "discard", "zendesk/tickets"),
        (moved(DAY, rulings="r"), "formula:models", "policies", "waiver", "zendesk/tickets"),
        (moved(DAY, policy="q"), "formula:models", "other", "new policy", "zendesk/tickets"),
        (moved(DAY, anonymized="b"), "formula:models", "other", "new policy", "zendesk/tickets"),
        (DAYS, "other:models", "policies", "new definition", ""),
        (DAYS, "formula:other", "policies", "new definition", ""),
        (DAYS, "formula:other", "other", "new policy", ""),  # the models' hash has the policies that they read
        # a ticket of the day that was solved on another one
        (moved(NEXT, anonymized="b", landed=10), "formula:models", "policies", "data of other days", "zendesk/tickets"),
        (moved(NEXT, rulings="r", released=1), "formula:models", "policies", "release", "zendesk/tickets"),
        # what it is not made of is no reason
        (moved(DAY, "logs", anonymized="b", landed=10), "formula:models", "policies", "other", ""),
    ],
)
def test_a_past_figure_that_changes_has_a_reason(
    days: dict[tuple[str, str, date], dict[str, object]], definition: str, policies: str, reason: str, datasets: str
) -> None:
    now = Published(NOW, days, {"created": definition}, policies)
    assert list(changes(THEN, now, SIGNALS, TODAY)) == [("created", DAY, 8.0, 9.0, reason, datasets)]


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (0.1 + 0.2, 0.3, []),  # sums of threads differ in their last digits
        (8.0, None, [(8.0, None)]),  # a day that is withheld again
        (None, 8.0, [(None, 8.0)]),  # one that is let in
    ],
)
def test_values_are_compared_as_figures(
    then: float | None, now: float | None, told: list[tuple[float | None, float | None]]
) -> None:
    before, after = ({("created", DAY): value} for value in (then, now))
    made = changes(Published(before, {}, THEN.definitions, ""), Published(after, {}, THEN.definitions, ""), {}, TODAY)
    assert [row[2:4] for row in made] == told


def test_a_day_that_expired_and_a_metric_that_was_not_published_are_no_change() -> None:
    now = Published({("created", NEXT): 1.0, ("new", DAY): 1.0}, DAYS, {**THEN.definitions, "new": "f:m"}, "policies")
    then = Published({("created", DAY): 8.0, ("created", NEXT): 1.0}, DAYS, THEN.definitions, "policies")
    assert list(changes(then, now, SIGNALS, TODAY)) == []


CREATED = Metric(
    name="created",
    label="Created",
    description="Tickets",
    about=about(
        "created",
        {"unit": "tickets", "owner": "a@b.c", "direction": "down", "review": "weekly", "version": 1, "figure": "exact"}
        | {"no_data": "none", "do_not_use_for": "x"},
    ),
    table="fct_days",
    time="day",
    dimensions=(),
    columns=("day", "n"),
    query='select {keys}, sum(n) as value from (select {select_keys}, * from "fct_days" where {where}) group by {keys}',
)
AS_OF = datetime(2026, 3, 20, tzinfo=UTC)


def test_publications_remember_what_they_said_and_tell_each_change_once(tmp_path: Path) -> None:
    lake, warehouse = Lake(tmp_path / "lake"), tmp_path / "feedback.duckdb"

    def publish(count: int, landed: int, as_of: datetime) -> list[tuple[object, ...]]:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("create schema if not exists marts")
            connection.execute(
                "create or replace table marts.fct_days as"
                f" select date '{DAY}' as day, {count} as n, 'd' as definition_hash"
            )
        inputs = {f"anonymized/zendesk/tickets/{DAY}": f"digest of {landed}"}
        with lake.replace(f"quarantine/zendesk/tickets/{DAY}", as_of=as_of, inputs=inputs, policy="p") as out:
            out.counts = {"landed": landed, "released": 0, "discarded": 0}
            out.facts = {"blocked": "false"}
        told = restate(lake, warehouse, [CREATED], SIGNALS, judged_days(lake), as_of)
        return told.select("metric", "event_date", "value_before", "value_after", "reason").rows()

    late = [("created", DAY, 8.0, 9.0, "late data")]
    assert publish(8, 8, AS_OF) == []
    assert publish(9, 9, AS_OF + timedelta(hours=1)) == late
    assert publish(9, 9, AS_OF + timedelta(hours=2)) == late
    # a run for an earlier time knows less
    assert publish(8, 8, AS_OF - timedelta(days=1)) == late
    assert publish(9, 9, AS_OF + timedelta(hours=3)) == late
