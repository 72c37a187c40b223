"""What is known of each trace of a day: whether it failed, was slow or rare, whose it was, when it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from governance.sampling import TRAITS_SCHEMA, SamplingPolicy, draws, first_of, require, shares_of_the_first
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import Bounds, bounds_of
from orchestration.rollups.histogram import bucket_of, percentile_buckets, upper_bound_of

# One row per operation: a root span is slow when it lasted longer.
THRESHOLDS_SCHEMA = pl.Schema({"service": pl.String, "operation": pl.String, "threshold_ns": pl.Int64})

# What every rollup of spans keeps of these per service is bounded.
BOUNDED = ("operation", "service_version", "feature_flag", "feature_variant", "dependency")
_OPERATION = ("service", "operation")
_READ = (
    *("record_id", "event_at", "trace_id", "span_id", "parent_span_id", "start_unix_nano", "duration_ns"),
    *("status", "account_id", "raw_bytes", *_OPERATION),
)


# Of spans by time: whose a trace is.
_ACCOUNT = pl.col("account_id").drop_nulls().first()
_BY_TIME = ("start_unix_nano", "span_id")


@dataclass(frozen=True)
class SpanDay:
    """What must be known of all spans of a day before its traces can be told part by part.

    Attributes:
        bounds: which operations (and other dimensions) keep their name.
        thresholds: the duration above which a root span is slow (THRESHOLDS_SCHEMA); one row per operation.
        rare: the operations that make a trace rare; one row per operation.
    """

    bounds: Bounds
    thresholds: pl.DataFrame
    rare: pl.DataFrame


def survey(parts: Sequence[pl.LazyFrame], earlier_latency: pl.LazyFrame | None, policy: SamplingPolicy) -> SpanDay:
    """Look over a day.

    An operation is rare that is in a smaller share of the day's traces than the policy says.

    Args:
        parts: the day's spans, each trace in one part.
        earlier_latency: the `latency` rollups (LATENCY_SCHEMA) of the closed days before, together
            (`policy.traces.slow_days` of them); None where there are none. Operations they do not know are measured by
            the day itself.
    """
    spans = pl.concat(parts)
    bounds = bounds_of(spans, BOUNDED, policy.rollups.max_values_per_service)
    met = [_met(bounds.named(part.select("trace_id", *_OPERATION))) for part in parts]
    total = sum(number for _, number in met)
    counts = pl.concat([counts for counts, _ in met]).group_by(_OPERATION).agg(pl.col("traces").sum())
    return SpanDay(
        bounds,
        slow_thresholds(earlier_latency, bounds.named(spans.select(*_OPERATION, "duration_ns")), policy),
        counts.filter(pl.col("traces") < policy.traces.rare_share * total).select(_OPERATION),
    )


def slow_thresholds(earlier_latency: pl.LazyFrame | None, spans: pl.LazyFrame, policy: SamplingPolicy) -> pl.DataFrame:
    """The duration above which a root span is slow (THRESHOLDS_SCHEMA); one row per operation.

    Args:
        spans: service, operation and duration_ns of the day's own spans.
    """
    today = spans.drop_nulls("duration_ns").select(*_OPERATION, bucket=bucket_of(pl.col("duration_ns")))
    counted = today.group_by(*_OPERATION, "bucket").agg(span_count=pl.len().cast(pl.Int64))
    thresholds = _thresholds(counted.collect(engine="streaming"), policy.traces.slow_percentile)
    if earlier_latency is not None:
        durations = earlier_latency.filter(pl.col("measure") == "duration").group_by(*_OPERATION, "bucket")
        counted = durations.agg(pl.col("span_count").sum())
        earlier = _thresholds(counted.collect(engine="streaming"), policy.traces.slow_percentile)
        unknown = thresholds.join(earlier, on=_OPERATION, how="anti", nulls_equal=True)
        thresholds = pl.concat([earlier, unknown])
    return require(thresholds.sort(_OPERATION), THRESHOLDS_SCHEMA, "slow thresholds")


def columns_read(policy: SamplingPolicy) -> list[str]:
    """The columns of spans that their traits follow from."""
    return sorted({*_READ, *policy.always_keep.matches().meta.root_names()})


def accounts_of(spans: pl.DataFrame) -> pl.DataFrame:
    """Whose each trace is (trace_id, account_id); one row per trace: the account of the first span that has one."""
    ordered = spans.lazy().select("trace_id", "account_id", *_BY_TIME).drop_nulls("trace_id").sort(_BY_TIME)
    return ordered.group_by("trace_id").agg(account_id=_ACCOUNT).collect()


def find_traits(spans: pl.DataFrame, day: SpanDay, policy: SamplingPolicy) -> pl.DataFrame:
    """The traits of every trace of a part of a day, but for their floor; one row per trace, sorted.

    The root is the first span without a parent (or that is its own). A trace is rare when it has a rare operation,
    forced when the policy always keeps one of its spans. Spans without a trace id have none. A span id that is there
    twice counts twice: both spans are of the trace.
    """
    schema = SIGNALS["spans"].schema
    marked = spans.with_columns(is_forced=policy.always_keep.matches())  # before attributes are left behind
    wanted = {**{name: schema[name] for name in _READ}, "is_forced": pl.Boolean()}
    read = day.bounds.named(require(marked, wanted, "find traits").lazy()).drop_nulls("trace_id").collect()
    rare = read.lazy().join(day.rare.lazy(), on=_OPERATION, how="semi", nulls_equal=True).select("trace_id")
    traces = _traces(read.lazy().sort(_BY_TIME), day.thresholds.lazy(), rare)
    told = traces.with_columns(draw=draws(traces["trace_id"]), floor_share=pl.lit(None, pl.Float64))
    return require(told, TRAITS_SCHEMA, "traits")


def floor_candidates(spans: pl.DataFrame, traits: pl.DataFrame, floor: int) -> pl.DataFrame:
    """Of each service of a part of a day the ordinary traces that can be among the first `floor` of the day by their
    draw, and the one that comes next (service, trace_id, draw).
    """
    has_reason = pl.col("has_error") | pl.col("is_slow") | pl.col("is_rare") | pl.col("is_forced")
    ordinary = traits.lazy().filter(~has_reason).select("trace_id", "draw")
    met = spans.lazy().select("trace_id", "service").unique().join(ordinary, on="trace_id")
    return first_of(met, "service", "trace_id", floor + 1).collect()


def with_floor_shares(traits: pl.DataFrame, candidates: pl.DataFrame, floor: int) -> pl.DataFrame:
    """The traits of a part (TRAITS_SCHEMA), given the candidates of all parts of the day."""
    shares = shares_of_the_first(candidates.lazy(), "service", "trace_id", floor).rename({"share": "floor_share"})
    joined = traits.lazy().drop("floor_share").join(shares, on="trace_id", how="left", maintain_order="left")
    return require(joined.collect(), TRAITS_SCHEMA, "traits with floor")


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


def _traces(ordered: pl.LazyFrame, thresholds: pl.LazyFrame, rare: pl.LazyFrame) -> pl.DataFrame:
    """What the spans of a trace, earliest first, say of it; one row per trace, sorted."""
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
            account_id=_ACCOUNT,
            has_error=(pl.col("status") == "error").fill_null(value=False).any(),
            is_forced=pl.col("is_forced").any(),
            first_span_at=pl.col("event_at").min(),
            span_count=pl.len().cast(pl.Int64),
            raw_bytes=pl.col("raw_bytes").sum(),
        )
        .join(roots, on="trace_id", how="left")
        .join(limits, on=["root_service", "root_operation"], how="left", nulls_equal=True)
        .join(rare.unique().with_columns(is_rare=pl.lit(value=True)), on="trace_id", how="left")
        .with_columns(
            pl.col("is_rare").fill_null(value=False),
            is_slow=(pl.col("root_duration_ns") > pl.col("threshold_ns")).fill_null(value=False),
        )
        .sort("trace_id")
        .collect()
    )


def _met(spans: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
    """In how many traces of a part each operation is, and how many traces there are."""
    met = spans.drop_nulls("trace_id").unique().collect()
    return met.group_by(_OPERATION).agg(traces=pl.len().cast(pl.Int64)), met["trace_id"].n_unique()
