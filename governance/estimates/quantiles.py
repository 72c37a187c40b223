"""Quantiles, nearest rank, by inverting the limits of the share of rows below (Woodruff 1952)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.estimates.limits import LEAST_BEYOND, LEAST_TRACES, share_drift, share_margin, whole_traces
from governance.estimates.ratios import everything, from_the_number, ratio
from governance.estimates.traces import given, per_trace, residual_moments, summed

# Sums of weights are compared with this tolerance: their rounding depends on the order of summation.
_TOLERANCE = 1e-9


def quantiles(rows: pl.DataFrame, by: Sequence[str], value: pl.Expr, quantile: float) -> pl.DataFrame:
    """The smallest value that at least `quantile` of all rows with a value do not exceed; one row per distinct `by`.

    Args:
        rows, by: see `governance.estimates.totals.totals`.
        value: a number for each row; rows without one are left out.
        quantile: between 0 and 1, both excluded.

    Returns:
        As `totals`, in the value's unit; drawn_traces: traces with a weight above 1 and a value. Beside LEAST_TRACES of
        them, an interval needs LEAST_BEYOND times as many as one row beyond the quantile takes (100 for the 95th
        percentile).

    Raises:
        FeedbackError: see `per_trace`.
    """
    keys = list(by)
    valued = rows.with_columns(_value=value.cast(pl.Float64)).filter(pl.col("_value").is_not_null())
    reached = _cumulated(valued, keys)
    at = reached.filter(_reaches(pl.lit(quantile))).group_by(*keys).agg(estimate=pl.col("_value").min())
    placed = valued.join(at, on=keys, nulls_equal=True)
    traces = per_trace(placed, keys, pl.col("_value") <= pl.col("estimate"))
    sums = summed(traces, keys).with_columns(slope=ratio())
    sums = residual_moments(traces, sums, keys)
    # The sample's share below the true quantile errs around a known share. So the error is that of a sum whose variance
    # is known, and a number of traces that makes the share too great is what the lower limit must allow for.
    below, above = from_the_number()
    error, centre = share_margin(quantile) / everything(), quantile + share_drift() / everything()
    step = whole_traces() / everything()
    sums = sums.with_columns(
        share_low=centre - (above**2 + error**2).sqrt() - step, share_high=centre + (below**2 + error**2).sqrt() + step
    )
    limits = reached.join(sums.select(*keys, "share_low", "share_high"), on=keys, nulls_equal=True)
    inverted = limits.group_by(*keys).agg(
        low=pl.col("_value").filter(_reaches(pl.col("share_low"))).min(),
        high=pl.col("_value").filter(_reaches(pl.col("share_high"))).min(),
    )
    found = sums.join(at, on=keys, how="left", nulls_equal=True).join(inverted, on=keys, how="left", nulls_equal=True)
    least = max(LEAST_TRACES, LEAST_BEYOND / min(quantile, 1 - quantile))
    return given(found, keys, pl.col("drawn_traces") >= least * (1 - _TOLERANCE))


def _cumulated(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Weight of all rows up to a value; one row per distinct keys and value."""
    return (
        rows.lazy()
        .group_by(*keys, "_value")
        .agg(weight=pl.col("weight").cast(pl.Float64).sum())
        .sort(*keys, "_value")
        .with_columns(reached=pl.col("weight").cum_sum().over(keys), total=pl.col("weight").sum().over(keys))
        .collect()
    )


def _reaches(share: pl.Expr) -> pl.Expr:
    return pl.col("reached") >= (share - _TOLERANCE) * pl.col("total")
