"""Weighted counts and totals."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import FeedbackError
from governance.estimates.limits import LEAST_TRACES, skew_shift, spread, student_t, trace_limits
from governance.estimates.traces import given, per_trace, residual_moments, summed, with_stratum


def totals(
    rows: pl.DataFrame, by: Sequence[str], value: pl.Expr | None = None, within: Sequence[str] = ()
) -> pl.DataFrame:
    """Sum of `value` over all rows, sampled or not; one row per distinct `by`.

    Args:
        rows: sampled rows, see `governance.estimates.traces`.
        by: the columns to group by.
        value: a number of at least 0 for each row; None counts rows.
        within: those of `by` that say what was sampled together, such as the day: where no trace of it has a weight
            above 1 nothing was dropped, and the limits are the estimate. None of them: all of `rows`.

    Returns:
        `by`, estimate, low, high (in the value's unit; 95 %; null with a reason), drawn_traces (traces with a weight
        above 1 and a value above 0), reason.

    Raises:
        FeedbackError: see `per_trace`; or a value is negative.
    """
    traces = per_trace(rows, by, pl.lit(1.0) if value is None else value, pl.lit(1.0))
    if traces.select((pl.col("part") < 0).any()).item():
        raise FeedbackError("estimates: a total of negative values has no limits; expected values of at least 0")
    # A trace without a part of the sum says nothing of its error: only the others are among the drawn.
    parts = summed(traces.filter(pl.col("part") != 0), by)
    groups = traces.select(by).unique(maintain_order=True)
    sums = groups.join(parts, on=list(by), how="left", nulls_equal=True, maintain_order="left").fill_null(0)
    sums = residual_moments(traces.filter(pl.col("part") != 0), sums.with_columns(slope=pl.lit(0.0)), by)
    sums = with_stratum(sums, traces, within)
    low, high = trace_limits()
    mean = pl.col("drawn_part") / pl.col("weights")
    certain, drawn, error = pl.col("certain_part"), pl.col("drawn_part"), student_t() * spread()
    centre = certain + drawn + skew_shift()
    estimated = sums.with_columns(
        estimate=certain + drawn,
        low=pl.max_horizontal(
            centre - ((drawn - low * mean) ** 2 + error**2).sqrt(), certain + pl.col("seen_part")
        ),
        high=centre + ((high * mean - drawn) ** 2 + error**2).sqrt(),
    )
    return given(estimated, by, pl.col("drawn_traces") >= LEAST_TRACES)
