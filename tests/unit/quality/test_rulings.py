"""What a steward decides about a row or a failure holds whenever the gate judges, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.audit import Decision, Recorded
from governance.quality import DayRulings, Rulings, Verdict, conclude, judge_rows, load_quality, load_suite
from governance.signals import SIGNALS

Records = Callable[..., pl.DataFrame]
DAY, DATASET = "2026-01-01", "otel/spans"
NOW = datetime(2026, 2, 1, tzinfo=UTC)
NO_SERVICE, NO_TIME = {"service": None}, {"event_at": None}


def decided(number: int, kind: str, **what: Any) -> Recorded:
    return Recorded(number, Decision(kind, "eva@example.com", "looked at", NOW, what), "")


def ruled(kind: str, *rows: int, number: int = 1, day: str = DAY) -> Recorded:
    return decided(number, kind, dataset=DATASET, day=day, records=[f"{DAY}-{row}" for row in rows])


def waived(expectation: str, number: int = 1, **what: str) -> Recorded:
    scope = {"dataset": "otel/*", "first": DAY, "last": DAY, "expires": "2026-02-08T00:00:00+00:00", "asked_by": "ada"}
    return decided(number, "waive", expectation=expectation, **{**scope, **what})


def judge(frame: pl.DataFrame, rulings: DayRulings) -> tuple[Verdict, list[str], list[str]]:
    """The verdict, the ids that passed the row expectations and those in quarantine."""
    suite = load_suite("spans")
    (judged,) = judge_rows([(DAY, frame)], SIGNALS["spans"], suite, rulings={DAY: rulings})
    verdict = conclude(judged.counts, [0] * len(suite.day_expectations), suite, load_quality(), waived=rulings.waived)
    return verdict, *(rows["record_id"].to_list() for rows in (judged.passed, judged.quarantined))


def result(verdict: Verdict, expectation: str) -> dict[str, Any]:
    return verdict.results.row(by_predicate=pl.col("expectation") == expectation, named=True)


def test_a_released_row_is_counted_though_it_failed(records: Records) -> None:
    frame = records("spans", DAY, {}, NO_SERVICE, NO_SERVICE)
    verdict, passed, quarantined = judge(frame, Rulings([ruled("release", 1)]).of(DATASET, DAY))
    assert (passed, quarantined) == ([f"{DAY}-0", f"{DAY}-1"], [f"{DAY}-2"])
    assert (verdict.counts["checked"], verdict.counts["released"]) == (2, 1)
    failure = result(verdict, "spans_have_a_service")
    assert (failure["failed"], failure["ruled"], failure["is_passed"]) == (2, 1, False)


def test_a_discarded_row_is_in_neither_and_in_the_ledger(records: Records) -> None:
    frame = records("spans", DAY, {}, NO_SERVICE)
    verdict, passed, quarantined = judge(frame, Rulings([ruled("discard", 1)]).of(DATASET, DAY))
    assert (passed, quarantined, verdict.counts["discarded"]) == ([f"{DAY}-0"], [], 1)
    assert result(verdict, "spans_have_a_service")["is_passed"]


def test_a_row_without_its_time_can_be_discarded_but_not_released(records: Records) -> None:
    frame = records("spans", DAY, {}, NO_TIME)
    assert judge(frame, DayRulings())[0].is_blocked
    released, _, quarantined = judge(frame, DayRulings(released=frozenset({f"{DAY}-1"})))
    assert released.is_blocked
    assert quarantined == [f"{DAY}-1"]
    discarded, passed, _ = judge(frame, DayRulings(discarded=frozenset({f"{DAY}-1"})))
    assert not discarded.is_blocked
    assert passed == [f"{DAY}-0"]


def test_a_decision_about_a_row_that_meets_everything_changes_nothing(records: Records) -> None:
    frame = records("spans", DAY, {}, {})
    verdict, passed, _ = judge(frame, DayRulings(frozenset({f"{DAY}-0"}), frozenset({f"{DAY}-1"})))
    assert len(passed) == 2
    assert (verdict.counts["released"], verdict.counts["discarded"]) == (0, 0)


def test_a_waived_failure_withholds_nothing_and_is_told_with_its_number(records: Records) -> None:
    rulings = Rulings([waived("spans_have_an_id", number=7)], NOW).of(DATASET, DAY)
    verdict, _, quarantined = judge(records("spans", DAY, {}, {"record_id": None}), rulings)
    assert not verdict.is_blocked
    assert quarantined == [None]
    failure = result(verdict, "spans_have_an_id")
    assert (failure["is_passed"], failure["waiver"]) == (False, 7)
    assert verdict.results["waiver"].drop_nulls().len() == 1


def test_a_waiver_of_one_failure_lets_no_other_pass(records: Records) -> None:
    rulings = Rulings([waived("spans_have_an_id")], NOW).of(DATASET, DAY)
    assert judge(records("spans", DAY, {}, NO_TIME), rulings)[0].is_blocked


@pytest.mark.parametrize(
    ("scope", "is_in_force"),
    [
        ({}, True),
        ({"dataset": "otel/logs"}, False),
        ({"first": "2026-01-02", "last": "2026-01-02"}, False),
        ({"expires": "2026-02-01T00:00:00+00:00"}, False),
        ({"expires": "2026-02-01T00:00:01+00:00"}, True),
    ],
)
def test_a_waiver_holds_for_its_data_its_days_and_until_it_expires(scope: dict[str, str], *, is_in_force: bool) -> None:
    rulings = Rulings([waived("spans_have_a_time", **scope)], NOW).of(DATASET, DAY)
    assert bool(rulings.waived) is is_in_force
    assert bool(rulings.digest) is is_in_force


@pytest.mark.parametrize("expectation", ["ledger_balances", "canaries_are_masked"])
def test_no_waiver_covers_lost_records_or_leaks(records: Records, expectation: str) -> None:
    frame, suite = records("spans", DAY, {}, {}), load_suite("spans")
    (judged,) = judge_rows([(DAY, frame)], SIGNALS["spans"], suite)
    known = {"anonymized": 3, "canaries": 1, "canaries_leaked": 1, "canaries_masked": 0, "canaries_held": 0}
    offending, waivers = [0] * len(suite.day_expectations), dict.fromkeys(("ledger_balances", "canaries_are_masked"), 1)
    verdict = conclude(judged.counts, offending, suite, load_quality(), known, "EMAIL in body", waivers)
    assert verdict.is_blocked
    assert result(verdict, expectation)["waiver"] is None


def test_a_revoked_decision_is_in_force_no_more() -> None:
    decisions = [ruled("release", 1), waived("spans_have_a_time", number=2)]
    revoked = [decided(3, "revoke", decision=1), decided(4, "revoke", decision=2)]
    assert Rulings([*decisions, *revoked], NOW).of(DATASET, DAY).digest == ""


def test_decisions_about_other_days_and_data_leave_a_day_as_it_is() -> None:
    rulings = Rulings([ruled("release", 1, day="2026-01-02")], NOW)
    assert rulings.of(DATASET, DAY).digest == rulings.of("otel/logs", "2026-01-02").digest == ""
    assert rulings.of(DATASET, "2026-01-02").digest


_ROWS = st.lists(st.sampled_from([{}, NO_SERVICE, NO_TIME, {"trace_id": "no hex"}]), min_size=1, max_size=12)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS, released=st.sets(st.integers(0, 11)), discarded=st.sets(st.integers(0, 11)))
def test_every_row_is_in_one_place_whatever_is_decided(
    records: Records, rows: list[dict[str, Any]], released: set[int], discarded: set[int]
) -> None:
    frame = records("spans", DAY, *rows)
    rulings = Rulings([ruled("release", *released), ruled("discard", *discarded, number=2)]).of(DATASET, DAY)
    verdict, passed, quarantined = judge(frame, rulings)
    counts = verdict.counts
    assert len({*passed, *quarantined}) == len(passed) + len(quarantined) == frame.height - counts["discarded"]
    assert counts["checked"] + counts["quarantined"] + counts["discarded"] + counts["withheld"] == frame.height
    assert not {f"{DAY}-{row}" for row in released - discarded} & {
        one for one, row in zip(frame["record_id"], rows, strict=True) if one in quarantined and row is NO_SERVICE
    }
