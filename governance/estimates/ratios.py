"""Rates and means: the ratio of two totals over the same traces."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import FeedbackError
from governance.estimates.limits import (
    LEAST_OF_A_KIND,
    LEAST_TRACES,
    Z,
    margin,
    share_limits,
    skew_shift,
    standard_error,
    trace_limits,
    whole_traces,
)
from governance.estimates.traces import given, per_trace, residual_moments, summed


def rates(
    rows: pl.DataFrame, by: Sequence[str], flag: pl.Expr, kept_for_certain: pl.Expr | None = None
) -> pl.DataFrame:
    """Share of all rows that have `flag`; one row per distinct `by`.

    Where few drawn traces have it, or few do not, the limits are wider than 95 % asks for, see `share_limits`.

    Args:
        rows, by: see `governance.estimates.totals.totals`.
        flag: true or false for each row.
        kept_for_certain: whether every trace with a flagged row was kept (errors are), for each row; None: no.

    Returns:
        As `totals`; estimate, low and high between 0 and 1; drawn_traces: traces with a weight above 1.

    Raises:
        FeedbackError: see `per_trace`.
    """
    traces = per_trace(rows, by, flag.fill_null(value=False), kept_for_certain)
    return given(shares(traces, summed(traces, by), by), by, pl.col("drawn_traces") >= LEAST_TRACES)


def means(rows: pl.DataFrame, by: Sequence[str], value: pl.Expr) -> pl.DataFrame:
    """Mean of `value` over all rows that have one; one row per distinct `by`.

    Args, Returns: see `governance.estimates.totals.totals`; the value may be negative; drawn_traces: traces with a
    weight above 1 and a value.

    Raises:
        FeedbackError: see `per_trace`; or a value is no finite number.
    """
    valued = rows.with_columns(_value=value.cast(pl.Float64)).filter(pl.col("_value").is_not_null())
    if not valued.select(pl.col("_value").is_finite().all()).item():
        raise FeedbackError("estimates: a value is no finite number; expected numbers, null where there is none")
    traces = per_trace(valued, by, pl.col("_value"))
    return given(ratios(traces, summed(traces, by), by), by, pl.col("drawn_traces") >= LEAST_TRACES)


def ratios(traces: pl.DataFrame, sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`sums` with estimate, low and high of part / whole.

    Two things are uncertain: how many traces the drawn ones stand for beside those kept for certain, and what an
    average drawn trace is like (by linearisation). Given the number the two are independent, so their distances from
    the estimate are added as squares, each side for itself (MOVER: Zou and Donner 2008).
    """
    sums = sums.with_columns(slope=ratio())
    sums = residual_moments(traces, sums, by)
    error = margin() / everything()
    centre = pl.col("slope") + skew_shift() / everything()
    below, above = from_the_number()
    return sums.with_columns(
        estimate="slope",
        low=centre - (below**2 + error**2).sqrt(),
        high=centre + (above**2 + error**2).sqrt(),
    )


def shares(traces: pl.DataFrame, sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """As `ratios`, for a part that is at most the whole; where is_certain, no dropped trace has a part.

    A share's error has no long tails, so the normal quantile is enough; but traces with a flag are whole, as in
    `trace_limits`. Exact binomial coverage of both ways together: at least 0.942 for any share and number of traces.
    """
    estimated = ratios(traces, sums, by)
    share = pl.col("drawn_part") / pl.col("drawn_whole")
    count = pl.col("drawn_whole") ** 2 / pl.col("squared_wholes")
    narrowing = (pl.col("whole_variances") / pl.col("squared_wholes")).sqrt()
    low, high = share_limits(share, count, narrowing)
    drawn = pl.col("drawn_whole") / everything()
    below, above = from_the_number()
    is_rare = pl.min_horizontal("traces_without", pl.when(~pl.col("is_certain")).then("traces_with")) < LEAST_OF_A_KIND
    rare_low = pl.col("slope") - (below**2 + (drawn * (share - low)) ** 2).sqrt()
    rare_high = pl.col("slope") + (above**2 + (drawn * (high - share)) ** 2).sqrt()
    error, step = Z * standard_error() / everything(), whole_traces() / everything()
    centre = pl.col("slope") + skew_shift() / everything()
    usual_low = centre - (below**2 + error**2).sqrt() - step
    usual_high = centre + (above**2 + error**2).sqrt() + step
    own_low = pl.when(is_rare).then(rare_low).when("is_certain").then("low").otherwise(usual_low)
    own_high = pl.when(is_rare).then(rare_high).when("is_certain").then("high").otherwise(usual_high)
    return estimated.with_columns(
        low=pl.max_horizontal(own_low, pl.lit(0.0)), high=pl.min_horizontal(own_high, pl.lit(1.0))
    )


def everything() -> pl.Expr:
    """The whole: of traces kept for certain and of those that the drawn ones stand for."""
    return pl.col("certain_whole") + pl.col("drawn_whole")


def ratio(traces: pl.Expr | None = None) -> pl.Expr:
    """Part / whole if the drawn traces stood for so many; None: for as many as their weights say."""
    part, whole = pl.col("drawn_part"), pl.col("drawn_whole")
    if traces is not None:
        part, whole = traces * part / pl.col("weights"), traces * whole / pl.col("weights")
    return (pl.col("certain_part") + part) / (pl.col("certain_whole") + whole)


def from_the_number() -> tuple[pl.Expr, pl.Expr]:
    """How far below and above the estimate the ratio gets by the number of traces alone."""
    fewest, most = trace_limits()
    few, many = ratio(fewest), ratio(most)
    below = pl.col("slope") - pl.min_horizontal(few, many, "slope")
    return below, pl.max_horizontal(few, many, "slope") - pl.col("slope")
