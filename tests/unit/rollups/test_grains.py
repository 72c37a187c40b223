"""Made coarser, rollups say the same: counts and percentiles of every hour and day, whatever the records were."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import FeedbackError
from governance.sampling import SamplingPolicy
from orchestration.rollups.grains import GRAINS, Grain, coarsen, is_coarser
from orchestration.rollups.histogram import percentile_buckets
from orchestration.rollups.spans import SpanRollup
from tests.days import span_rollup

Frame = Callable[..., pl.DataFrame]
MINUTE = 60 * 10**9
COUNTS = ("span_count", "error_count", "origin_error_count")
# A span: its minute of the day, operation, duration and status.
SPANS = st.lists(
    st.tuples(
        st.integers(0, 24 * 60 - 1),
        st.sampled_from("ab"),
        st.one_of(st.none(), st.integers(0, 10**12)),
        st.sampled_from(["ok", "error", "unset", None]),
    ),
    min_size=1,
    max_size=40,
)


def rolled_up(spans: Frame, traits: Frame, policy: SamplingPolicy, rows: Sequence[tuple[object, ...]]) -> SpanRollup:
    names = ("at", "operation", "duration_ns", "status")
    given = [{**dict(zip(names, row, strict=True)), "at": int(str(row[0])) * MINUTE} for row in rows]
    return span_rollup(spans(*given), traits(), policy.rollups)


def counts(requests: pl.DataFrame, every: str) -> pl.DataFrame:
    keys = [pl.col("period_start_at").dt.truncate(every), "service", "operation", "status"]
    return requests.group_by(keys).agg(pl.col(COUNTS).sum()).sort("period_start_at", "operation", "status")


def percentiles(latency: pl.DataFrame, every: str, p: float) -> pl.DataFrame:
    keys = ["measure", "period_start_at", "operation"]
    found = percentile_buckets(latency.with_columns(pl.col("period_start_at").dt.truncate(every)), keys, p)
    return found.sort(keys)


@settings(deadline=None, max_examples=60)
@given(rows=SPANS, p=st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
@pytest.mark.parametrize(("grain", "every"), [("hour", "1h"), ("hour", "1d"), ("day", "1d")])
def test_counts_and_percentiles_of_hours_and_days_stay(
    spans: Frame,
    traits: Frame,
    policy: SamplingPolicy,
    grain: Grain,
    every: str,
    rows: list[tuple[object, ...]],
    p: float,
) -> None:
    fine = rolled_up(spans, traits, policy, rows)
    requests, latency = coarsen(fine.requests, grain), coarsen(fine.latency, grain)
    assert counts(requests, every).equals(counts(fine.requests, every))
    assert percentiles(latency, every, p).equals(percentiles(fine.latency, every, p))
    assert requests["duration_ms"].sum() == pytest.approx(fine.requests["duration_ms"].sum(), rel=1e-12)


@settings(deadline=None, max_examples=40)
@given(rows=SPANS)
def test_the_way_there_changes_nothing(
    spans: Frame, traits: Frame, policy: SamplingPolicy, rows: list[tuple[object, ...]]
) -> None:
    """By way of hours or at once, in any order of the rows, once or twice."""
    fine = rolled_up(spans, traits, policy, rows)
    for table in (fine.requests, fine.latency):
        at_once = coarsen(table, "day")
        assert coarsen(coarsen(table, "hour"), "day").equals(at_once)
        assert coarsen(table.reverse(), "day").equals(at_once)
        assert coarsen(at_once, "day").equals(at_once)
        assert coarsen(at_once, "hour").equals(at_once)
        assert at_once.filter(pl.col("grain") != "day").is_empty()


def test_a_coarser_rollup_has_fewer_rows_and_the_same_columns(
    spans: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    fine = rolled_up(spans, traits, policy, [(minute, "a", 1000, "ok") for minute in range(180)])
    heights = [coarsen(fine.requests, grain).height for grain in GRAINS]
    assert heights == [180, 3, 1]
    assert coarsen(fine.requests, "hour").schema == fine.requests.schema


def test_own_times_are_by_the_hour_from_the_start(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    fine = rolled_up(spans, traits, policy, [(minute, "a", 1000, "ok") for minute in range(60)])
    rows = fine.latency.group_by("measure", "grain").agg(pl.len(), pl.col("span_count").sum()).sort("measure").rows()
    assert rows == [("duration", "minute", 60, 60), ("self", "hour", 1, 60)]


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("hour", "minute", True), ("day", "hour", True), ("hour", "hour", False)]
)
def test_grains_have_an_order(one: str, other: str, expected: bool) -> None:  # noqa: FBT001
    assert is_coarser(one, other) is expected


def test_an_unknown_grain_is_refused() -> None:
    with pytest.raises(FeedbackError, match="grain is week"):
        is_coarser("week", "hour")


def test_a_rollup_that_does_not_say_its_grain_is_cut_all_the_same(
    spans: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    fine = rolled_up(spans, traits, policy, [(minute, "a", 1000, "ok") for minute in range(120)])
    named = fine.requests.drop("grain").rename({"period_start_at": "minute_start_at"})
    found = coarsen(named, "hour", "minute_start_at")
    assert found["span_count"].to_list() == [60, 60]
    assert found.schema == named.schema
