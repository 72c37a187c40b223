import math

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.rollups.histogram import (
    bucket_of,
    percentile_buckets,
    percentile_from_buckets,
    upper_bound_of,
    value_of,
)

VALUES = st.lists(st.integers(1, 10**14), min_size=1, max_size=80)
PERCENTILES = st.sampled_from([0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0])


def histogram(values: list[int]) -> pl.DataFrame:
    frame = pl.DataFrame({"value": values}, schema={"value": pl.Int64})
    return frame.group_by(bucket=bucket_of(pl.col("value"))).agg(span_count=pl.len().cast(pl.Int64))


def nearest_rank(values: list[int], p: float) -> int:
    parts = round(p * 10**6)
    return sorted(values)[-(-len(values) * parts // 10**6) - 1]


@settings(deadline=None)
@given(VALUES, PERCENTILES)
def test_percentile_is_at_most_055_percent_off_the_nearest_rank(values: list[int], p: float) -> None:
    found = percentile_from_buckets(histogram(values), p)
    assert found is not None
    assert abs(found / nearest_rank(values, p) - 1) <= 0.0055


@settings(deadline=None)
@given(VALUES, VALUES)
def test_merged_histograms_equal_the_histogram_of_the_union(one: list[int], other: list[int]) -> None:
    merged = pl.concat([histogram(one), histogram(other)]).group_by("bucket").agg(pl.col("span_count").sum())
    assert merged.sort("bucket").equals(histogram(one + other).sort("bucket"))


@settings(deadline=None)
@given(st.integers(2, 10**13))
@example(2**37 + 1)  # as near above an edge as an integer gets
def test_a_value_lies_in_its_bucket(value: int) -> None:
    bucket = pl.DataFrame({"v": [value]}).select(b=bucket_of(pl.col("v")))
    edges = bucket.select(low=upper_bound_of(pl.col("b") - 1), high=upper_bound_of(pl.col("b"))).row(0)
    assert edges[0] * (1 - 1e-12) < value <= edges[1] * (1 + 1e-12)


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        (-5, -1),  # no time at all
        (0, -1),
        (1, -1),  # (2^(-1/64), 1]
        (2, 63),  # a power of two closes its bucket
        (1024, 639),
        (2**62, 64 * 62 - 1),
        (None, None),  # unknown is not zero
    ],
)
def test_edges_are_in_the_lower_bucket(value: int | None, bucket: int | None) -> None:
    frame = pl.DataFrame({"v": [value]}, schema={"v": pl.Int64})
    assert frame.select(bucket_of(pl.col("v"))).item() == bucket


def test_a_power_of_two_is_the_last_value_of_its_bucket() -> None:
    powers = pl.DataFrame({"v": [2**k for k in range(1, 63)]})
    assert powers.select(bucket_of(pl.col("v"))).to_series().to_list() == [64 * k - 1 for k in range(1, 63)]


def test_the_representative_is_the_geometric_middle_of_the_bucket() -> None:
    value = pl.DataFrame({"b": [640]}).select(value_of(pl.col("b"))).item()
    assert value == pytest.approx(math.sqrt(2 ** (640 / 64) * 2 ** (641 / 64)))


def test_percentile_of_nothing_is_unknown() -> None:
    assert percentile_from_buckets(histogram([]), 0.5) is None


def test_percentiles_are_found_for_each_key() -> None:
    counts = pl.DataFrame({"service": ["a", "a", "b"], "bucket": [3, 9, 5], "span_count": [99, 1, 1]})
    found = percentile_buckets(counts, ["service"], 0.99).sort("service")
    assert found.rows() == [("a", 3), ("b", 5)]
