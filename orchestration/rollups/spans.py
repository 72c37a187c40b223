"""Counts, latency histograms and account-days over all checked spans of one day."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from governance.sampling import require
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import Bounds
from orchestration.rollups.grains import Grain, add_up, start_of
from orchestration.rollups.histogram import bucket_of
from orchestration.rollups.schemas import (
    LATENCY_SCHEMA,
    REQUESTS_SCHEMA,
    SPAN_ACCOUNT_DAYS_SCHEMA,
    SPAN_DIMENSIONS,
)

_READ = (
    *(
        "event_at",
        "trace_id",
        "span_id",
        "parent_span_id",
        "start_unix_nano",
        "duration_ns",
        "status",
        "account_id",
        "account_plan",
        "raw_bytes",
    ),
    *SPAN_DIMENSIONS,
)
_PERIOD_KEYS = ("period_start_at", "grain", *SPAN_DIMENSIONS, "status")
_ACCOUNT_KEYS = (
    "event_date",
    "account_id",
    "account_plan",
    *(name for name in SPAN_DIMENSIONS if name != "dependency"),
)
# Nanoseconds are added up as 128-bit integers: exact in every order, so running again gives the same bytes.
_AS_MS = 1e6


@dataclass(frozen=True)
class SpanRollup:
    """The rollups of one day of spans, or of a part of it."""

    requests: pl.DataFrame
    latency: pl.DataFrame
    account_days: pl.DataFrame

    def __add__(self, other: SpanRollup) -> SpanRollup:
        """Those of two parts together."""
        return SpanRollup(
            add_up([self.requests, other.requests]),
            add_up([self.latency, other.latency]),
            add_up([self.account_days, other.account_days], ["slowest_self_bucket"]),
        )


def roll_up_spans(spans: pl.DataFrame, accounts: pl.DataFrame, bounds: Bounds) -> SpanRollup:
    """The rollups of all checked spans of a day, or of a part of it that holds whole traces.

    Args:
        spans: one row per span (the signal's columns; attributes are not needed).
        accounts: trace_id and account_id, one row per trace: gives spans without an account that of their trace.
        bounds: which values of a dimension keep their name, over the whole day.
    """
    schema = SIGNALS["spans"].schema
    read = require(spans, {name: schema[name] for name in _READ}, "roll up spans")
    of_traces = accounts.lazy().select("trace_id", trace_account_id="account_id")
    facts = (
        measure(bounds.named(read.lazy()).collect())
        .lazy()
        .join(of_traces, on="trace_id", how="left")
        .with_columns(account_id=pl.coalesce("account_id", "trace_account_id"))
        .collect()
    )
    requests, latency, account_days = pl.collect_all(
        [_requests(facts.lazy()), _latency(facts.lazy()), _account_days(facts.lazy())]
    )
    return SpanRollup(
        require(requests, REQUESTS_SCHEMA, "rollup requests"),
        require(latency, LATENCY_SCHEMA, "rollup latency"),
        require(account_days, SPAN_ACCOUNT_DAYS_SCHEMA, "rollup account days"),
    )


def measure(spans: pl.DataFrame) -> pl.DataFrame:
    """`spans` with self_ns, their buckets, is_error and is_origin_error; one row per span.

    Self time is the duration without the union of the intervals of the direct children, clipped to the span:
    children may overlap each other, start before their parent or end after it. Only direct children are looked at,
    so cycles end; a span that is its own parent has none, and one whose parent is not here is just that.
    """
    timed = spans.with_row_index("row").with_columns(
        end=pl.col("start_unix_nano") + pl.col("duration_ns"),
        is_error=(pl.col("status") == "error").fill_null(value=False),
    )
    from_children = _per_parent(timed.lazy())
    return (
        timed.lazy()
        .join(from_children, on="row", how="left")
        .with_columns(self_ns=(pl.col("duration_ns") - pl.col("covered_ns").fill_null(0)).clip(lower_bound=0))
        .with_columns(
            is_origin_error=pl.col("is_error") & ~pl.col("has_failing_child").fill_null(value=False),
            duration_bucket=bucket_of(pl.col("duration_ns")),
            self_bucket=bucket_of(pl.col("self_ns")),
            status=pl.col("status").fill_null("unset"),
            event_date=pl.col("event_at").dt.date(),
        )
        .collect()
    )


def _per_parent(timed: pl.LazyFrame) -> pl.LazyFrame:
    """What its direct children say about a span; one row per span that has any (row, covered_ns, has_failing_child)."""
    parents = timed.select("row", "trace_id", "span_id", parent_start="start_unix_nano", parent_end="end")
    # Sorted by start, a child adds what lies beyond the furthest end of those before it.
    reached = pl.max_horizontal("start", pl.col("end").cum_max().shift(1).over("row"))
    return (
        timed.filter(pl.col("parent_span_id") != pl.col("span_id"))
        .select("trace_id", "parent_span_id", "start_unix_nano", "end", "is_error")
        .join(parents, left_on=["trace_id", "parent_span_id"], right_on=["trace_id", "span_id"])
        .select(
            "row",
            "is_error",
            start=pl.max_horizontal("start_unix_nano", "parent_start"),
            end=pl.min_horizontal("end", "parent_end"),
        )
        .sort("row", "start")
        .with_columns(added=(pl.col("end") - reached).clip(lower_bound=0))
        .group_by("row")
        .agg(covered_ns=pl.col("added").sum(), has_failing_child=pl.col("is_error").any())
    )


def _by(facts: pl.LazyFrame, grain: Grain) -> pl.LazyFrame:
    return facts.with_columns(period_start_at=start_of(pl.col("event_at"), grain), grain=pl.lit(grain))


def _total_ms(nanoseconds: str) -> pl.Expr:
    return pl.col(nanoseconds).cast(pl.Int128).sum().cast(pl.Float64) / _AS_MS


def _count(flag: str) -> pl.Expr:
    return pl.col(flag).sum().cast(pl.Int64)


def _requests(facts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        _by(facts, "minute")
        .group_by(_PERIOD_KEYS)
        .agg(
            span_count=pl.len().cast(pl.Int64),
            error_count=_count("is_error"),
            origin_error_count=_count("is_origin_error"),
            duration_ms=_total_ms("duration_ns"),
            self_ms=_total_ms("self_ns"),
            raw_bytes=_count("raw_bytes"),
        )
        .sort(_PERIOD_KEYS)
    )


def _latency(facts: pl.LazyFrame) -> pl.LazyFrame:
    grains: dict[str, Grain] = {"duration": "minute", "self": "hour"}
    measures = [
        _by(facts, grain).select(*_PERIOD_KEYS, measure=pl.lit(name), bucket=f"{name}_bucket")
        for name, grain in grains.items()
    ]
    keys = (*_PERIOD_KEYS, "measure", "bucket")
    counted = pl.concat(measures).filter(pl.col("bucket").is_not_null()).group_by(keys)
    return counted.agg(span_count=pl.len().cast(pl.Int64)).sort(keys)


def _account_days(facts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        facts.filter(pl.col("account_id").is_not_null())
        .group_by(_ACCOUNT_KEYS)
        .agg(
            span_count=pl.len().cast(pl.Int64),
            origin_error_count=_count("is_origin_error"),
            slowest_self_bucket=pl.col("self_bucket").max(),
            self_ms=_total_ms("self_ns"),
        )
        .sort(_ACCOUNT_KEYS)
    )
