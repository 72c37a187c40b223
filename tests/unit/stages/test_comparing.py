"""A day is compared with others the same way however often it is judged, and whatever has expired since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.quality import COMPARING, QualityPolicy, Suite, load_quality, load_suite
from governance.quality.policy import Spread, Threshold
from orchestration.lake import Lake
from orchestration.stages.gating import judge_dataset

Records = Callable[..., pl.DataFrame]
DAY = date(2026, 1, 29)
NEXT = datetime(2026, 1, 30, 3, tzinfo=UTC)
EVENTS, TICKETS = "zendesk/ticket_events", "zendesk/tickets"
USUAL, REFERS = "ticket_events_are_as_many_as_usual", "ticket_events_refer_to_tickets"


@dataclass
class World:
    """A lake of anonymised ticket events and tickets; a day of two events is enough to say something."""

    lake: Lake
    records: Records
    suite: Suite
    policy: QualityPolicy

    def put(self, count: int, day: date = DAY, at: datetime = NEXT, dataset: str = EVENTS, ticket: str = "1") -> None:
        rows = self.records(dataset.split("/")[1], str(day), *[{"ticket_id": ticket}] * count)
        with self.lake.replace(f"anonymized/{dataset}/{day}", as_of=at) as out:
            out.write("records", rows)
            out.counts = {"landed": count, "anonymized": count, "held": 0}

    def put_weeks(self, *counts: int) -> None:
        """So many events on the same weekday of the weeks before, the last one first."""
        for number, count in enumerate(counts, start=1):
            self.put(count, weeks_ago(number))

    def is_judged_again(self, day: date = DAY) -> bool:
        """Whether the gate, asked now, judges the day again."""
        tally = judge_dataset(self.lake, EVENTS, [str(day)], self.suite, self.policy, NEXT, 1)
        return str(day) in tally.days

    def told(self, expectation: str) -> tuple[int, int, bool]:
        """Evaluated and failed rows, and whether that passed."""
        self.is_judged_again()
        results = self.lake.read(f"quarantine/{EVENTS}/{DAY}", "results").filter(expectation=expectation)
        return results.select("evaluated", "failed", "is_passed").row(0)


def weeks_ago(number: int) -> date:
    return DAY - timedelta(weeks=number)


@pytest.fixture
def world(tmp_path: Path, records: Records) -> World:
    shipped = load_quality()
    volume = shipped.volume.model_copy(update={"default": Spread(min_ratio=0.5, max_ratio=2)})
    limits = {"default": Threshold(max_quarantined_ratio=1, min_rows=2), "volume": volume}
    suite = load_suite(EVENTS)
    comparing = tuple(one for one in suite.expectations if one.type in COMPARING)
    only_those = suite.model_copy(update={"expectations": comparing})  # the others would take seconds
    return World(Lake(tmp_path), records, only_those, shipped.model_copy(update=limits))


@pytest.mark.parametrize(
    ("rows", "before", "told"),
    [
        (4, (4, 4, 4, 4), (4, 0, True)),
        (2, (4, 4, 4, 4), (2, 0, True)),  # exactly half
        (1, (4, 4, 4, 4), (1, 1, False)),
        (9, (4, 4, 4, 4), (9, 1, False)),
        (4, (4, 90, 4, 4), (4, 0, True)),  # one bad week says nothing
        (4, (9, 9, 9, 9, 4), (4, 1, False)),  # the fifth week is not looked at
        (9, (4,), (0, 0, True)),  # too few weeks: unknown
        (9, (), (0, 0, True)),
        (9, (1, 1, 1, 1), (0, 0, True)),  # too few records
    ],
)
def test_a_day_is_compared_with_the_same_weekday(
    world: World, rows: int, before: tuple[int, ...], told: tuple[int, int, bool]
) -> None:
    world.put_weeks(*before)
    world.put(40, DAY - timedelta(days=6))  # another weekday
    world.put(rows)
    assert world.told(USUAL) == told


def test_a_day_that_is_not_over_is_neither_usual_nor_unusual(world: World) -> None:
    world.put_weeks(4, 4, 4, 4)
    world.put(1, at=datetime(2026, 1, 29, 20, tzinfo=UTC))
    assert world.told(USUAL) == (0, 0, True)
    world.put(4, DAY + timedelta(days=1))
    assert world.told(USUAL) == (1, 1, False)


def test_a_late_record_of_a_week_before_makes_nothing_stale_unless_it_tells_something_else(world: World) -> None:
    world.put_weeks(4, 4, 4, 4)
    world.put(4)
    assert world.is_judged_again()
    world.put(6, weeks_ago(1))
    assert not world.is_judged_again()
    world.put_weeks(40, 40, 40, 40)
    assert world.is_judged_again()
    assert world.told(USUAL) == (4, 1, False)


def test_what_was_told_stays_told_once_the_weeks_before_have_expired(world: World) -> None:
    world.put_weeks(40, 40, 40, 4)
    world.put(4)
    assert world.told(USUAL) == (4, 1, False)
    for number in (1, 2, 3, 4):
        world.lake.remove(f"anonymized/{EVENTS}/{weeks_ago(number)}")
        assert not world.is_judged_again()
    assert world.told(USUAL) == (4, 1, False)


def test_an_unusual_day_is_withheld_only_where_the_suite_says_so(world: World) -> None:
    world.put_weeks(40, 40)
    world.put(4)
    assert world.told(USUAL) == (4, 1, False)
    assert world.lake.exists(f"checked/{EVENTS}/{DAY}")
    blocking = [
        one.model_copy(update={"blocking": one.blocking or one.name == USUAL}) for one in world.suite.expectations
    ]
    world.suite = world.suite.model_copy(update={"expectations": tuple(blocking)})
    assert world.is_judged_again()
    assert not world.lake.exists(f"checked/{EVENTS}/{DAY}")


@pytest.mark.parametrize(
    ("tickets", "told"),
    [
        ([(0, "1")], (4, 0, True)),
        ([(1, "1"), (0, "2")], (4, 0, True)),  # seen for the last time the day before
        ([(2, "1"), (0, "2")], (4, 4, False)),
        ([(0, "2")], (4, 4, False)),
        ([], (0, 0, True)),  # no ticket at all: nothing to tell by
    ],
)
def test_events_refer_to_tickets_of_the_day_or_the_day_before(
    world: World, tickets: list[tuple[int, str]], told: tuple[int, int, bool]
) -> None:
    for ago, ticket in tickets:
        world.put(1, DAY - timedelta(days=ago), dataset=TICKETS, ticket=ticket)
    world.put(4)
    assert world.told(REFERS) == told


def test_other_tickets_make_the_day_stale_and_expired_ones_do_not(world: World) -> None:
    world.put(1, dataset=TICKETS)
    world.put(4)
    assert world.is_judged_again()
    assert not world.is_judged_again()
    world.put(1, dataset=TICKETS, ticket="2")
    assert world.is_judged_again()
    world.lake.remove(f"anonymized/{TICKETS}/{DAY}")
    assert not world.is_judged_again()
