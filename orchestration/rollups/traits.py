"""What is known of each trace of a day: whether it failed, was slow or rare, whose it was, when it began."""

from __future__ import annotations

import polars as pl

from governance.sampling import TRAITS_SCHEMA, SamplingPolicy, require
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import bound
from orchestration.rollups.histogram import bucket_of, percentile_buckets, upper_bound_of
from orchestration.rollups.schemas import LATENCY_SCHEMA

# One row per operation: a root span is slow when it lasted longer.
THRESHOLDS_SCHEMA = pl.Schema({"service": pl.String, "operation": pl.String, "threshold_ns": pl.Int64})

_OPERATION = ("service", "operation")
_READ = (
    *("record_id", "event_at", "trace_id", "span_id", "parent_span_id", "start_unix_nano", "duration_ns"),
    *("status", "account_id", *_OPERATION),
)


def slow_thresholds(earlier_latency: pl.DataFrame | None, spans: pl.DataFrame, policy: SamplingPolicy) -> pl.DataFrame:
    """The duration above which a root span is slow; one row per operation.

    Args:
        earlier_latency: the `latency` rollups of the closed days before (`policy.traces.slow_days` of them), together;
            None where there are none. Operations they do not know are measured by the day itself.
        spans: the day's own spans.
    """
    schema = SIGNALS["spans"].schema
    read = require(spans, {name: schema[name] for name in (*_OPERATION, "duration_ns")}, "slow thresholds, spans")
    bounded, _ = bound(read, ["operation"], policy.rollups.max_values_per_service)
    today = bounded.drop_nulls("duration_ns").select(
        *_OPERATION, bucket=bucket_of(pl.col("duration_ns")), span_count=pl.lit(1, pl.Int64)
    )
    thresholds = _thresholds(today, policy.traces.slow_percentile)
    if earlier_latency is not None:
        latency = require(earlier_latency, LATENCY_SCHEMA, "slow thresholds, latency")
        earlier = _thresholds(latency.filter(pl.col("measure") == "duration"), policy.traces.slow_percentile)
        unknown = thresholds.join(earlier, on=_OPERATION, how="anti", nulls_equal=True)
        thresholds = pl.concat([earlier, unknown])
    return require(thresholds.sort(_OPERATION), THRESHOLDS_SCHEMA, "slow thresholds")


def find_traits(spans: pl.DataFrame, thresholds: pl.DataFrame, policy: SamplingPolicy) -> pl.DataFrame:
    """The traits of every trace of the day; one row per trace. Spans without a trace id have none.

    The root is the first span without a parent (or that is its own). A trace is rare when it has an operation that is
    in a smaller share of the day's traces than the policy says, forced when the policy always keeps one of its spans.
    """
    schema = SIGNALS["spans"].schema
    names = dict.fromkeys((*_READ, *policy.always_keep.columns))
    read = require(spans, {name: schema[name] for name in names}, "find traits").drop_nulls("trace_id")
    bounded, _ = bound(read, ["operation"], policy.rollups.max_values_per_service)
    is_root = pl.col("parent_span_id").is_null() | (pl.col("parent_span_id") == pl.col("span_id"))
    ordered = bounded.lazy().with_columns(is_forced=policy.always_keep.matches()).sort("start_unix_nano", "span_id")
    roots = (
        ordered.filter(is_root)
        .unique("trace_id", keep="first", maintain_order=True)
        .select("trace_id", root_service="service", root_operation="operation", root_duration_ns="duration_ns")
    )
    limits = thresholds.lazy().select(root_service="service", root_operation="operation", threshold_ns="threshold_ns")
    traits = (
        ordered.group_by("trace_id", maintain_order=True)
        .agg(
            account_id=pl.col("account_id").drop_nulls().first(),
            has_error=(pl.col("status") == "error").fill_null(value=False).any(),
            is_forced=pl.col("is_forced").any(),
            first_span_at=pl.col("event_at").min(),
            span_count=pl.len().cast(pl.Int64),
        )
        .join(roots, on="trace_id", how="left")
        .join(limits, on=["root_service", "root_operation"], how="left", nulls_equal=True)
        .join(_rare(bounded.lazy(), policy.traces.rare_share), on="trace_id", how="left")
        .with_columns(
            is_slow=(pl.col("root_duration_ns") > pl.col("threshold_ns")).fill_null(value=False),
            is_rare=pl.col("is_rare").fill_null(value=False),
        )
        .sort("trace_id")
    )
    return require(traits.collect(), TRAITS_SCHEMA, "traits")


def _thresholds(counts: pl.DataFrame, percentile: float) -> pl.DataFrame:
    """The end of the bucket the percentile is in: what lies in the same bucket is not slower than it."""
    at = percentile_buckets(counts.select(*_OPERATION, "bucket", "span_count"), _OPERATION, percentile)
    return at.select(*_OPERATION, threshold_ns=upper_bound_of(pl.col("bucket")).floor().cast(pl.Int64))


def _rare(spans: pl.LazyFrame, share: float) -> pl.LazyFrame:
    """The traces with a rare operation; one row per such trace."""
    met = spans.select("trace_id", *_OPERATION).unique()
    traces = spans.select(trace_count=pl.col("trace_id").n_unique())
    rare = (
        met.group_by(_OPERATION)
        .len()
        .join(traces, how="cross")
        .filter(pl.col("len") < share * pl.col("trace_count"))
        .select(_OPERATION)
    )
    return met.join(rare, on=_OPERATION, nulls_equal=True).select("trace_id", is_rare=pl.lit(value=True)).unique()
