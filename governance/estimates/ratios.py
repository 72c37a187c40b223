"""Rates and means: the ratio of two totals over the same traces."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import FeedbackError
from governance.estimates.limits import (
    LEAST_TRACES,
    share_limits,
    skew_shift,
    spread,
    student_t,
    trace_limits,
)
from governance.estimates.traces import given, per_trace, residual_moments, summed, with_stratum


def rates(
    rows: pl.DataFrame, by: Sequence[str], flag: pl.Expr, within: Sequence[str] = (), *, kept_for_certain: bool = False
) -> pl.DataFrame:
    """Share of all rows that have `flag`; one row per distinct `by`.

    Where few drawn traces have it, or few do not, the limits are wider than 95 % asks for, see `share_limits`.

    Args:
        rows, by, within: see `governance.estimates.totals.totals`.
        flag: true or false for each row.
        kept_for_certain: the policy keeps every trace with a flagged row (errors). Then none is among what was dropped,
            unless a drawn trace `within` shows that they were drawn too.

    Returns:
        As `totals`; estimate, low and high between 0 and 1; drawn_traces: traces with a weight above 1.

    Raises:
        FeedbackError: see `per_trace`.
    """
    traces = per_trace(rows, by, flag.fill_null(value=False), pl.lit(1.0))
    sums = with_stratum(summed(traces, by), traces, within).with_columns(
        is_certain=pl.col("is_part_complete") & kept_for_certain
    )
    return given(shares(traces, sums, by), by, pl.col("drawn_traces") >= LEAST_TRACES)


def means(rows: pl.DataFrame, by: Sequence[str], value: pl.Expr, within: Sequence[str] = ()) -> pl.DataFrame:
    """Mean of `value` over all rows that have one; one row per distinct `by`.

    Args, Returns, Raises: see `governance.estimates.totals.totals`; the value may be negative; drawn_traces: traces with
    a weight above 1 and a value.
    """
    valued = rows.with_columns(_value=value.cast(pl.Float64)).filter(pl.col("_value").is_not_null())
    if valued.select(~pl.col("_value").is_finite().all()).item():
        raise FeedbackError("estimates: a value is not a finite number; expected numbers, null where there is none")
    traces = per_trace(valued, by, pl.col("_value"), pl.lit(1.0))
    estimated = ratios(traces, with_stratum(summed(traces, by), traces, within), by)
    return given(estimated, by, pl.col("drawn_traces") >= LEAST_TRACES)


def ratios(traces: pl.DataFrame, sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`sums` with estimate, low and high of part / whole.

    Two things are uncertain: how many traces the drawn ones stand for beside those kept for certain, and what an
    average drawn trace is like (by linearisation). Given the number the two are independent, so their distances from
    the estimate are added as squares, each side for itself (MOVER: Zou and Donner 2008).
    """
    sums = sums.with_columns(slope=_ratio())
    sums = residual_moments(traces, sums, by)
    error = student_t() * spread() / _all()
    centre = pl.col("slope") + skew_shift() / _all()
    below, above = _from_the_number()
    return sums.with_columns(
        estimate="slope",
        low=centre - (below**2 + error**2).sqrt(),
        high=centre + (above**2 + error**2).sqrt(),
    )


def shares(traces: pl.DataFrame, sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """As `ratios`, for a part that is at most the whole; `sums` has is_certain (no dropped trace has a part)."""
    estimated = ratios(traces, sums, by)
    share = pl.col("drawn_part") / pl.col("drawn_whole")
    count = pl.col("drawn_whole") ** 2 / pl.col("squared_wholes")
    narrowing = (pl.col("whole_variances") / pl.col("squared_wholes")).sqrt()
    low, high = share_limits(share, count, narrowing)
    drawn = pl.col("drawn_whole") / _all()
    below, above = _from_the_number()
    is_rare = (~pl.col("is_certain") & (pl.col("traces_with") < LEAST_TRACES)) | (
        pl.col("traces_without") < LEAST_TRACES
    )
    rare_low = pl.col("slope") - (below**2 + (drawn * (share - low)) ** 2).sqrt()
    rare_high = pl.col("slope") + (above**2 + (drawn * (high - share)) ** 2).sqrt()
    return estimated.with_columns(
        low=pl.max_horizontal(pl.when(is_rare).then(rare_low).otherwise("low"), pl.lit(0.0)),
        high=pl.min_horizontal(pl.when(is_rare).then(rare_high).otherwise("high"), pl.lit(1.0)),
    )


def _all() -> pl.Expr:
    return pl.col("certain_whole") + pl.col("drawn_whole")


def _ratio(traces: pl.Expr | None = None) -> pl.Expr:
    """Part / whole if the drawn traces stood for so many; None: for as many as their weights say."""
    part, whole = pl.col("drawn_part"), pl.col("drawn_whole")
    if traces is not None:
        part, whole = traces * part / pl.col("weights"), traces * whole / pl.col("weights")
    return (pl.col("certain_part") + part) / (pl.col("certain_whole") + whole)


def _from_the_number() -> tuple[pl.Expr, pl.Expr]:
    """How far below and above the estimate the ratio gets by the number of traces alone."""
    fewest, most = trace_limits()
    few, many = _ratio(fewest), _ratio(most)
    below = pl.col("slope") - pl.min_horizontal(few, many, "slope")
    return below, pl.max_horizontal(few, many, "slope") - pl.col("slope")
