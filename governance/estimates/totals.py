"""Weighted counts and totals."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import FeedbackError
from governance.estimates.limits import LEAST_TRACES, margin, skew_shift, trace_limits
from governance.estimates.traces import given, per_trace, residual_moments, summed


def totals(rows: pl.DataFrame, by: Sequence[str], value: pl.Expr | None = None) -> pl.DataFrame:
    """Sum of `value` over all rows, sampled or not; one row per distinct `by`.

    Args:
        rows: sampled rows, see `governance.estimates.traces`.
        by: the columns to group by.
        value: a number of at least 0 for each row; None counts rows.

    Returns:
        `by`, estimate, low, high (in the value's unit; 95 %; the estimate itself where nothing was dropped; null with a
        reason), drawn_traces (traces with a weight above 1 and a value above 0), reason.

    Raises:
        FeedbackError: see `per_trace`; or a value is negative.
    """
    traces = per_trace(rows, by, pl.lit(1.0) if value is None else value)
    if traces.select((pl.col("part") < 0).any()).item():
        raise FeedbackError("estimates: a total of negative values has no limits; expected values of at least 0")
    # A trace without a part of the sum says nothing of its error: it is as if it were kept for certain.
    contributing = pl.when(pl.col("part") != 0).then("weight").otherwise(1.0)
    is_complete = pl.col("is_complete") & (pl.col("weight") == 1)
    traces = traces.with_columns(is_complete=is_complete, weight=contributing)
    sums = residual_moments(traces, summed(traces, by).with_columns(slope=pl.lit(0.0)), by)
    low, high = trace_limits()
    mean = pl.col("drawn_part") / pl.col("weights")
    certain, drawn, error = pl.col("certain_part"), pl.col("drawn_part"), margin()
    centre = certain + drawn + skew_shift()
    estimated = sums.with_columns(
        estimate=certain + drawn,
        low=pl.max_horizontal(centre - ((drawn - low * mean) ** 2 + error**2).sqrt(), certain + pl.col("seen_part")),
        high=centre + ((high * mean - drawn) ** 2 + error**2).sqrt(),
    )
    return given(estimated, by, pl.col("drawn_traces") >= LEAST_TRACES)
