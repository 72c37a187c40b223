"""Rows to traces, traces to sums: what every estimate is made of.

A frame of sampled rows has `trace_id` (what was drawn together; where a record belongs to no trace, its own id),
`weight` (1 / the probability of the draw; 1: kept for certain), `is_complete` (nothing of the row's day was dropped:
the ledger says so, the rows cannot) and the columns that the estimate is about.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.errors import FeedbackError
from governance.estimates.limits import LEAST_TRACES, TOO_FEW, effective_traces

# What the estimates are, beside the keys.
ESTIMATE_COLUMNS = ("estimate", "low", "high", "drawn_traces", "reason")
# Below this share of the number's own part, a spread is rounding: all traces are alike.
_ROUNDING = 1e-9


def per_trace(rows: pl.DataFrame, keys: Sequence[str], part: pl.Expr, certain: pl.Expr | None = None) -> pl.DataFrame:
    """Sum of `part` and number of rows (whole) of a trace; one row per distinct `keys` and trace.

    `certain`: whether every trace with a part is kept for certain, on each row; None: not.

    Raises:
        FeedbackError: a row has no trace_id, no weight, or one below 1; or rows of one trace have different weights.
    """
    weights = pl.col("weight").cast(pl.Float64)
    bad = rows.select((pl.col("trace_id").is_null() | weights.is_null() | weights.is_nan() | (weights < 1)).sum())
    if bad.item():
        raise FeedbackError(
            f"estimates: {bad.item()} rows without trace_id or with a weight below 1; expected an id (the record's own "
            "where it has no trace) and 1 / probability; pass sampled rows"
        )
    is_certain = pl.lit(value=False) if certain is None else certain
    traces = (
        rows.lazy()
        .select(*keys, "trace_id", "is_complete", weight=weights, part=part.cast(pl.Float64), is_certain=is_certain)
        .group_by(*keys, "trace_id")
        .agg(
            pl.col("weight").min(),
            pl.col("part").sum(),
            pl.col("is_complete", "is_certain").all(),
            heaviest=pl.col("weight").max(),
            whole=pl.len().cast(pl.Float64),
        )
        .sort(*keys, "trace_id", nulls_last=True)
        .collect()
    )
    if traces.select((pl.col("heaviest") > pl.col("weight")).any()).item():
        raise FeedbackError("estimates: rows of one trace have different weights; expected one; sample the day again")
    return traces.drop("heaviest")


def summed(traces: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The sums over traces that estimates and limits need; one row per distinct `keys`.

    Sums named certain_ are over traces kept for certain; the others over drawn ones, weighted.
    """
    drawn = pl.col("weight") > 1
    weight = pl.when(drawn).then("weight").otherwise(0.0)
    certain = pl.when(drawn).then(0.0).otherwise(1.0)
    part, whole = pl.col("part"), pl.col("whole")
    return traces.group_by(*keys, maintain_order=True).agg(
        certain_part=(certain * part).sum(),
        certain_whole=(certain * whole).sum(),
        drawn_part=(weight * part).sum(),
        drawn_whole=(weight * whole).sum(),
        seen_part=pl.when(drawn).then("part").otherwise(0.0).sum(),
        drawn_traces=drawn.sum().cast(pl.Int64),
        traces_with=(drawn & (part != 0)).sum().cast(pl.Int64),
        traces_without=(drawn & (part != whole)).sum().cast(pl.Int64),
        weights=weight.sum(),
        squared_weights=(weight**2).sum(),
        variances=(weight * (weight - 1)).sum(),
        is_complete=pl.col("is_complete").all() & ~drawn.any(),
        is_certain=pl.col("is_certain").all(),
        squared_wholes=((weight * whole) ** 2).sum(),
        whole_variances=(weight * (weight - 1) * whole**2).sum(),
    )


def residual_moments(traces: pl.DataFrame, sums: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """`sums` with the moments of part - slope * whole over drawn traces, around their mean; `sums` has the slope.

    spread: variance of the weighted sum, without what the number of traces adds; cubes and cubes_with_error: its third
    moment, and its covariance with the estimated variance. Each is an unbiased sum over draws with probability
    1 / weight: w (w - 1) e^2, w (w - 1) (w - 2) e^3, w (w - 1)^2 e^3.
    """
    weight, residual = pl.col("weight"), pl.col("part") - pl.col("slope") * pl.col("whole")
    mean = (pl.col("drawn_part") - pl.col("slope") * pl.col("drawn_whole")) / pl.col("weights")
    apart, lost = pl.col("apart"), pl.col("weight") - 1
    own = pl.col("variances").first() * pl.col("mean").first() ** 2
    raw = (weight * lost * apart * (apart + 2 * pl.col("mean"))).sum()
    moments = (
        traces.filter(weight > 1)
        .select(*keys, "weight", "part", "whole")
        .join(sums, on=list(keys), nulls_equal=True, maintain_order="left")
        .with_columns(mean=mean, apart=residual - mean)
        .group_by(*keys, maintain_order=True)
        .agg(
            spread=pl.when(raw > _ROUNDING * own).then(raw).otherwise(0.0),
            cubes=(weight * lost * (weight - 2) * apart**3).sum(),
            cubes_with_error=(weight * lost**2 * apart**3).sum(),
        )
    )
    return sums.join(moments, on=list(keys), how="left", nulls_equal=True, maintain_order="left")


def given(sums: pl.DataFrame, keys: Sequence[str], enough: pl.Expr) -> pl.DataFrame:
    """Keys and ESTIMATE_COLUMNS: the estimate itself where all is complete, limits where there is enough, else none."""
    known = enough & (effective_traces() >= LEAST_TRACES / 2) & pl.col("low").is_finite() & pl.col("high").is_finite()
    limits = [
        pl.when("is_complete").then("estimate").when(known).then(name).cast(pl.Float64).alias(name)
        for name in ("low", "high")
    ]
    reason = pl.when(pl.col("is_complete") | known.fill_null(value=False)).then(None).otherwise(pl.lit(TOO_FEW))
    return sums.with_columns(*limits, reason=reason).select(*keys, *ESTIMATE_COLUMNS).sort(*keys, nulls_last=True)
