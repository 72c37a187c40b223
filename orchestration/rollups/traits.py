"""What is known of each trace of a day: whether it failed, was slow or rare, whose it was, when it began."""

from __future__ import annotations

import polars as pl

from governance.sampling import TRAITS_SCHEMA, SamplingPolicy, draws, require, shares_of_the_first
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import bound
from orchestration.rollups.histogram import bucket_of, percentile_buckets, upper_bound_of
from orchestration.rollups.schemas import LATENCY_SCHEMA

# One row per operation: a root span is slow when it lasted longer.
THRESHOLDS_SCHEMA = pl.Schema({"service": pl.String, "operation": pl.String, "threshold_ns": pl.Int64})

_OPERATION = ("service", "operation")
_READ = (
    *("record_id", "event_at", "trace_id", "span_id", "parent_span_id", "start_unix_nano", "duration_ns"),
    *("status", "account_id", "raw_bytes", *_OPERATION),
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
    A span id that is there twice counts twice: both spans are of the trace.
    """
    schema = SIGNALS["spans"].schema
    marked = spans.with_columns(is_forced=policy.always_keep.matches())  # before attributes are left behind
    wanted = {**{name: schema[name] for name in _READ}, "is_forced": pl.Boolean()}
    read = require(marked, wanted, "find traits").drop_nulls("trace_id")
    bounded, _ = bound(read, ["operation"], policy.rollups.max_values_per_service)
    traces = _traces(bounded.lazy().sort("start_unix_nano", "span_id"), thresholds.lazy())
    traces = traces.with_columns(draw=draws(traces["trace_id"]))
    places = bounded.select(_OPERATION).unique().sort(_OPERATION).with_row_index("place")
    met = _met(bounded, traces, places)
    traces = traces.with_columns(is_rare=pl.col("trace").is_in(_rare(met, policy.traces.rare_share).implode()))
    floor = _floor_shares(met.join(places, on="place"), traces, policy.traces.floor_per_service)
    return require(traces.join(floor, on="trace", how="left", maintain_order="left"), TRAITS_SCHEMA, "traits")


def unite_traits(traits: pl.DataFrame) -> pl.DataFrame:
    """One row per trace, from traits of one day that several sources have seen (TRAITS_SCHEMA both times)."""
    if not traits["trace_id"].is_duplicated().any():
        return traits
    united = (
        require(traits, TRAITS_SCHEMA, "unite traits")
        .sort("first_span_at", "root_service", "root_operation", "span_count")
        .group_by("trace_id", maintain_order=True)
        .agg(
            pl.col("has_error", "is_slow", "is_rare", "is_forced").any(),
            pl.col("span_count", "raw_bytes").sum(),
            pl.col("floor_share").max(),
            pl.col("account_id", "draw", "first_span_at", "root_service", "root_operation", "root_duration_ns")
            .drop_nulls()
            .first(),
        )
        .sort("trace_id")
    )
    return require(united, TRAITS_SCHEMA, "united traits")


def _thresholds(counts: pl.DataFrame, percentile: float) -> pl.DataFrame:
    """The end of the bucket the percentile is in: what lies in the same bucket is not slower than it."""
    at = percentile_buckets(counts.select(*_OPERATION, "bucket", "span_count"), _OPERATION, percentile)
    return at.select(*_OPERATION, threshold_ns=upper_bound_of(pl.col("bucket")).floor().cast(pl.Int64))


def _traces(ordered: pl.LazyFrame, thresholds: pl.LazyFrame) -> pl.DataFrame:
    """What the spans of a trace, earliest first, say of it; one row per trace, sorted and numbered."""
    is_root = pl.col("parent_span_id").is_null() | (pl.col("parent_span_id") == pl.col("span_id"))
    roots = (
        ordered.filter(is_root)
        .unique("trace_id", keep="first", maintain_order=True)
        .select("trace_id", root_service="service", root_operation="operation", root_duration_ns="duration_ns")
    )
    limits = thresholds.select(root_service="service", root_operation="operation", threshold_ns="threshold_ns")
    return (
        ordered.group_by("trace_id", maintain_order=True)
        .agg(
            account_id=pl.col("account_id").drop_nulls().first(),
            has_error=(pl.col("status") == "error").fill_null(value=False).any(),
            is_forced=pl.col("is_forced").any(),
            first_span_at=pl.col("event_at").min(),
            span_count=pl.len().cast(pl.Int64),
            raw_bytes=pl.col("raw_bytes").sum(),
        )
        .join(roots, on="trace_id", how="left")
        .join(limits, on=["root_service", "root_operation"], how="left", nulls_equal=True)
        .with_columns(is_slow=(pl.col("root_duration_ns") > pl.col("threshold_ns")).fill_null(value=False))
        .sort("trace_id")
        .with_row_index("trace")
        .collect()
    )


def _met(spans: pl.DataFrame, traces: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Where each trace has been: one row per trace and operation, as numbers (half the time that their names take)."""
    return (
        spans.lazy()
        .select("trace_id", *_OPERATION)
        .join(places.lazy(), on=_OPERATION, nulls_equal=True)
        .join(traces.lazy().select("trace_id", "trace"), on="trace_id")
        .select("trace", "place")
        .unique()
        .collect()
    )


def _rare(met: pl.DataFrame, share: float) -> pl.Series:
    """The numbers of the traces with a rare operation."""
    rare = met.group_by("place").len().filter(pl.col("len") < share * met["trace"].n_unique())
    return met.join(rare, on="place", how="semi")["trace"].unique()


def _floor_shares(met: pl.DataFrame, traces: pl.DataFrame, floor: int) -> pl.DataFrame:
    """The first `floor` ordinary traces of each service by their draw; one row per such trace."""
    has_reason = pl.col("has_error") | pl.col("is_slow") | pl.col("is_rare") | pl.col("is_forced")
    ordinary = traces.lazy().filter(~has_reason).select("trace", "draw")
    drawn = met.lazy().select("trace", "service").unique().join(ordinary, on="trace")
    return shares_of_the_first(drawn, "service", "trace", floor).rename({"share": "floor_share"}).collect()
