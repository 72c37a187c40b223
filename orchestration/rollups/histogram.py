"""Exponential histograms of scale 6: percentiles at most 0.55 % off, from counts that add up across hours and days.

Bucket i holds the values in (2^(i/64), 2^((i+1)/64)]; its representative is 2^((i+0.5)/64), at most
2^(1/128) - 1 = 0.543 % from any of them. Values of 0 and less are in bucket -1 with 1. The formula is that of
OpenTelemetry's exponential histogram: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

BUCKETS_PER_DOUBLING = 64
_BELOW_ONE = -1
# The logarithm of 9 of the 62 powers of two comes out up to 4.6e-13 buckets above its edge; they must not move up.
_HAIR = 1e-12
_PARTS = 1_000_000


def bucket_of(value: pl.Expr) -> pl.Expr:
    """The bucket (Int32) of a value, of null null."""
    position = (value.clip(lower_bound=1).log(2) * BUCKETS_PER_DOUBLING - _HAIR).ceil().cast(pl.Int32) - 1
    return pl.when(value <= 1).then(pl.lit(_BELOW_ONE, pl.Int32)).otherwise(position)


def value_of(bucket: pl.Expr) -> pl.Expr:
    """The representative value (Float64) of a bucket."""
    return pl.lit(2.0).pow((bucket + 0.5) / BUCKETS_PER_DOUBLING)


def upper_bound_of(bucket: pl.Expr) -> pl.Expr:
    """The greatest value (Float64) a bucket holds."""
    return pl.lit(2.0).pow((bucket + 1) / BUCKETS_PER_DOUBLING)


def percentile_buckets(counts: pl.DataFrame, keys: Sequence[str], p: float) -> pl.DataFrame:
    """The bucket that holds the nearest-rank percentile (rank ceil(p * n)); one row per distinct `keys`.

    Args:
        counts: `keys`, bucket and span_count; several rows of one bucket are added up.
        p: in (0, 1], to six decimals: the rank is made of integers, as 0.07 * 100 is above 7 in floating point.
    """
    parts = round(p * _PARTS)
    rank = (pl.col("span_count").sum() * parts + _PARTS - 1) // _PARTS
    return (
        counts.group_by(*keys, "bucket")
        .agg(pl.col("span_count").sum())
        .sort("bucket")
        .group_by(keys, maintain_order=True)
        .agg(pl.col("bucket").filter(pl.col("span_count").cum_sum() >= rank).first())
    )


def percentile_from_buckets(counts: pl.DataFrame, p: float) -> float | None:
    """The nearest-rank percentile of a histogram (bucket, span_count), in the unit of its values; None when empty."""
    if counts.is_empty():
        return None
    whole = counts.select(pl.lit(0).alias("all"), "bucket", "span_count")
    return float(percentile_buckets(whole, ["all"], p).select(value_of(pl.col("bucket"))).item())
