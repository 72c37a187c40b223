"""What holds of every estimate: on average right, exact where nothing was dropped, the same in any order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from governance.errors import FeedbackError
from governance.estimates import means, quantiles, rates, totals

VALUE, FLAG = pl.col("value"), pl.col("flag")
ESTIMATORS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "count": lambda rows: totals(rows, ["group"]),
    "total": lambda rows: totals(rows, ["group"], VALUE),
    "mean": lambda rows: means(rows, ["group"], VALUE),
    "rate": lambda rows: rates(rows, ["group"], FLAG),
    "median": lambda rows: quantiles(rows, ["group"], VALUE, 0.5),
}
TRUTHS: dict[str, pl.Expr] = {
    "count": pl.len().cast(pl.Float64),
    "total": VALUE.sum().cast(pl.Float64),
    "mean": VALUE.mean(),
    "rate": FLAG.mean(),
    "median": VALUE.sort().get((pl.len() - 1) // 2).cast(pl.Float64),
}
WEIGHTS = st.sampled_from((1.0, 2.0, 4.0))
TRACES = st.lists(
    st.tuples(WEIGHTS, st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=3)), max_size=5
)


def frame(traces: list[tuple[float, list[tuple[int, bool]]]], *, is_complete: bool = False) -> pl.DataFrame:
    rows = [
        ("all", number, weight, is_complete, value, flag)
        for number, (weight, records) in enumerate(traces)
        for value, flag in records
    ]
    names = ("group", "trace_id", "weight", "is_complete", "value", "flag")
    types = (pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Int64, pl.Boolean)
    return pl.DataFrame(rows, dict(zip(names, types, strict=True)), orient="row")


@settings(deadline=None, max_examples=30)
@given(traces=TRACES)
def test_totals_are_right_on_average_over_all_samples_there_are(
    traces: list[tuple[float, list[tuple[int, bool]]]],
) -> None:
    for value in (None, VALUE):
        expected = 0.0
        for kept in product((True, False), repeat=len(traces)):
            draws = list(zip(traces, kept, strict=True))
            probability = prod(1 / weight if is_kept else 1 - 1 / weight for (weight, _), is_kept in draws)
            sample = [trace for trace, is_kept in draws if is_kept]
            if probability and sample:
                expected += probability * totals(frame(sample), ["group"], value)["estimate"].sum()
        rows = frame(traces)
        assert expected == pytest.approx(rows.height if value is None else rows["value"].sum())


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(deadline=None, max_examples=30)
@given(traces=TRACES.filter(bool))
def test_what_was_kept_whole_is_exact(name: str, traces: list[tuple[float, list[tuple[int, bool]]]]) -> None:
    rows = frame([(1.0, records) for _, records in traces], is_complete=True)
    found = ESTIMATORS[name](rows).row(0, named=True)
    assert found["estimate"] == pytest.approx(rows.select(TRUTHS[name]).item())
    assert (found["low"], found["high"], found["reason"]) == (found["estimate"], found["estimate"], None)


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(deadline=None, max_examples=20)
@given(traces=TRACES.filter(bool), copies=st.integers(1, 30), seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(
    name: str, traces: list[tuple[float, list[tuple[int, bool]]]], copies: int, seed: int
) -> None:
    rows = frame(traces * copies)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    assert_frame_equal(ESTIMATORS[name](rows), ESTIMATORS[name](shuffled), rel_tol=1e-12)


@settings(deadline=None, max_examples=20)
@given(traces=TRACES.filter(bool), copies=st.integers(1, 40))
def test_limits_are_around_the_estimate_or_there_is_a_reason(
    traces: list[tuple[float, list[tuple[int, bool]]]], copies: int
) -> None:
    for estimator in ESTIMATORS.values():
        found = estimator(frame(traces * copies)).row(0, named=True)
        assert (found["low"] is None, found["high"] is None) == ((found["reason"] is not None),) * 2
        assert found["low"] is None or found["low"] <= found["estimate"] + 1e-9 <= found["high"] + 2e-9


def test_a_trace_is_one_draw_however_many_rows_it_has() -> None:
    single, double = (
        totals(frame([(10.0, [(1, False)] * rows)] * 100), ["group"]).row(0, named=True) for rows in (1, 2)
    )
    assert (double["low"], double["high"]) == pytest.approx((2 * single["low"], 2 * single["high"]))


def test_a_median_is_the_nearest_rank() -> None:
    found = quantiles(frame([(1.0, [(value, False)]) for value in (9, 1, 7, 3)]), ["group"], VALUE, 0.5)
    assert found["estimate"].item() == 3


@pytest.mark.parametrize(
    ("drawn", "is_given"),
    [(29, False), (30, True)],
)
def test_an_interval_needs_thirty_drawn_traces(drawn: int, *, is_given: bool) -> None:
    rows = frame([(4.0, [(1, False)])] * drawn + [(1.0, [(1, True)])] * 50)
    assert (totals(rows, ["group"])["low"].item() is not None) == is_given


def test_certain_traces_alone_are_exact_only_where_nothing_was_dropped() -> None:
    traces = [(1.0, [(5, True)])] * 50
    assert totals(frame(traces), ["group"])["reason"].item() == "too_few_traces"
    assert totals(frame(traces, is_complete=True), ["group"])["reason"].item() is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trace_id": pl.lit(None, pl.Int64)}, "1 rows without trace_id"),
        ({"weight": pl.lit(0.5)}, "weight below 1"),
        ({"value": pl.lit(-1)}, "negative values"),
    ],
)
def test_rows_that_are_no_sample_are_refused(change: dict[str, pl.Expr], message: str) -> None:
    with pytest.raises(FeedbackError, match=message):
        totals(frame([(2.0, [(1, False)])]).with_columns(**change), ["group"], VALUE)


def test_a_trace_with_two_weights_is_refused() -> None:
    rows = pl.concat([frame([(2.0, [(1, False)])]), frame([(4.0, [(1, False)])])])
    with pytest.raises(FeedbackError, match="different weights"):
        totals(rows, ["group"])
