"""Counts of log templates and account-days over all checked log records of one day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

import polars as pl

from governance.sampling import RECORD_TEMPLATES_SCHEMA, RollupLimits, require
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import OTHER, bounds_of
from orchestration.rollups.grains import add_up
from orchestration.rollups.known_templates import Past, carry, still_known
from orchestration.rollups.news import MET_SCHEMA, template_days
from orchestration.rollups.schemas import (
    LOG_ACCOUNT_DAYS_SCHEMA,
    LOG_SUMS,
    LOG_TEMPLATES_SCHEMA,
    TEMPLATE_COUNTS_SCHEMA,
)
from orchestration.rollups.template_tree import place
from orchestration.rollups.templates import id_of, with_shapes

_READ = (
    *("record_id", "event_at", "service", "service_version", "severity", "trace_id", "account_id"),
    *LOG_SUMS,
)
_SHAPE = ("service", "severity", "shape")
_TEMPLATE = ("service", "severity", "template_id", "template")
# The text of a template follows from these; grouping by it too took half as long again.
_VERSION_KEYS = ("service", "service_version", "severity", "template_id")
_MINUTE_KEYS = ("minute_start_at", *_VERSION_KEYS)
_ACCOUNT_KEYS = ("event_date", "account_id", "service", "template_id")


@dataclass(frozen=True)
class LogRollup:
    """The rollups of one day of log records.

    Attributes:
        template_days: what each template of the day is against the days before: new, rising, noise.
        template_counts, known_templates: what later days are to know.
        overflow: number of records counted as '(other)' per dimension.
    """

    templates: pl.DataFrame
    account_days: pl.DataFrame
    template_days: pl.DataFrame
    template_counts: pl.DataFrame
    known_templates: pl.DataFrame
    overflow: Mapping[str, int]


@dataclass(frozen=True)
class _Counts:
    """What is counted of a part of a day."""

    templates: pl.DataFrame
    account_days: pl.DataFrame
    met: pl.DataFrame

    def __add__(self, other: _Counts) -> _Counts:
        return _Counts(*(add_up([getattr(self, one.name), getattr(other, one.name)]) for one in fields(self)))


def roll_up_logs(
    parts: Sequence[pl.LazyFrame],
    traits: Callable[[pl.DataFrame], pl.DataFrame],
    limits: RollupLimits,
    day: date,
    past: Past,
    keep: Callable[[int, pl.DataFrame], None],
) -> LogRollup:
    """The rollups of all checked log records of a day; twice over its parts, one in memory at a time.

    Args:
        parts: one row per record (the signal's columns; attributes are not needed), each trace in one part.
        traits: what is known of the traces of the records it gets: one row per trace (of this day, or of its
            neighbours too): whose it was and whether it failed.
        day: the UTC day the records are of.
        past: what the days before left (`known_templates.NO_PAST` where there are none).
        keep: gets the number of each part (from 0) and which template its records are instances of
            (RECORD_TEMPLATES_SCHEMA), for the sampling.
    """
    known = still_known(past.known, day, limits.templates)
    shaped = [_shapes_of(part) for part in parts]
    shapes = add_up([one.counts for one in shaped])
    names, templates_over = _names(shapes, known, limits)
    versions = bounds_of(pl.concat(parts), ["service_version"], limits.max_values_per_service)
    counted: _Counts | None = None
    for number, (part, own) in enumerate(zip(parts, shaped, strict=True)):
        named = versions.named(own.joined(_read(part, _READ), names).lazy()).collect()
        keep(number, require(named, RECORD_TEMPLATES_SCHEMA, "record templates"))
        counts = _count(_with_traces(named, traits(named)).lazy())
        counted = counts if counted is None else counted + counts
    assert counted is not None, "a day has one part or more"
    carried = carry(known, counted.met.filter(pl.col("template") != OTHER).select(_TEMPLATE), day, limits.templates)
    days = template_days(_with_first_days(counted.met, carried, known), past.counts, day, limits.news)
    return LogRollup(
        require(counted.templates, LOG_TEMPLATES_SCHEMA, "rollup log templates"),
        require(counted.account_days, LOG_ACCOUNT_DAYS_SCHEMA, "rollup log account days"),
        days,
        days.select(TEMPLATE_COUNTS_SCHEMA.names()),
        carried,
        {**templates_over, **versions.overflow},
    )


@dataclass(frozen=True)
class _Shaped:
    """The shapes of the records of a part: how many have each, and the number of that of each record."""

    counts: pl.DataFrame
    numbers: pl.Series

    def joined(self, logs: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
        """The records with their template_id and template."""
        named = self.counts.select(_SHAPE).join(names, on=_SHAPE, how="left", maintain_order="left", nulls_equal=True)
        return logs.with_columns(named["template_id"].gather(self.numbers), named["template"].gather(self.numbers))


def _shapes_of(part: pl.LazyFrame) -> _Shaped:
    shaped = with_shapes(_read(part, ("service", "severity", "body"))).select(_SHAPE)
    counts = shaped.group_by(_SHAPE).agg(record_count=pl.len().cast(pl.Int64))
    numbered = counts.select(_SHAPE).with_row_index("number")
    numbers = shaped.join(numbered, on=_SHAPE, how="left", maintain_order="left", nulls_equal=True)["number"]
    return _Shaped(counts, numbers)


def _read(part: pl.LazyFrame, columns: Sequence[str]) -> pl.DataFrame:
    schema, there = SIGNALS["logs"].schema, part.collect_schema()
    read = part.select(name for name in columns if name in there).collect()
    return require(read, {name: schema[name] for name in columns}, "roll up logs")


def _names(shapes: pl.DataFrame, known: pl.DataFrame, limits: RollupLimits) -> tuple[pl.DataFrame, dict[str, int]]:
    """The template_id and template of each shape of a day, and how many of its records are of '(other)'."""
    placed = place(shapes, known, limits.templates, limits.max_templates_per_service)
    joined = shapes.lazy().join(placed.lazy(), on=_SHAPE, how="left", nulls_equal=True)
    bounds = bounds_of(joined, ["template"], limits.max_templates_per_service, pl.col("record_count").sum())
    named = bounds.named(joined).collect()
    is_other = pl.col("template").is_null() | (pl.col("template") == OTHER)
    others = named.filter(is_other).group_by("service", "severity").agg(pl.col("record_count").sum())
    ids = [id_of(service, severity, OTHER) for service, severity, _ in others.iter_rows()]
    own = others.select("service", "severity", other_id=pl.Series(ids, dtype=pl.String))
    names = (
        named.join(own, on=["service", "severity"], how="left", nulls_equal=True)
        .with_columns(
            template_id=pl.when(is_other).then("other_id").otherwise("template_id"),
            template=pl.when(is_other).then(pl.lit(OTHER)).otherwise("template"),
        )
        .select(*_SHAPE, "template_id", "template")
    )
    return names, {"template": int(others["record_count"].sum())} if others.height else {}


def _count(facts: pl.LazyFrame) -> _Counts:
    return _Counts(*pl.collect_all([_templates(facts), _account_days(facts), _met(facts)]))


def _with_traces(logs: pl.DataFrame, traits: pl.DataFrame) -> pl.DataFrame:
    traces = (
        traits.lazy()
        .sort("first_span_at", "trace_id")
        .group_by("trace_id", maintain_order=True)
        .agg(trace_account_id=pl.col("account_id").drop_nulls().first(), is_failing=pl.col("has_error").any())
    )
    return (
        logs.lazy()
        .join(traces, on="trace_id", how="left", maintain_order="left")
        .with_columns(
            account_id=pl.coalesce("account_id", "trace_account_id"),
            is_failing=pl.col("is_failing").fill_null(value=False),
            minute_start_at=pl.col("event_at").dt.truncate("1m"),
            event_date=pl.col("event_at").dt.date(),
        )
        .collect()
    )


def _templates(facts: pl.LazyFrame) -> pl.LazyFrame:
    counts = facts.group_by(_MINUTE_KEYS).agg(
        pl.col("template").first(), *(pl.col(name).sum() for name in LOG_SUMS), record_count=pl.len().cast(pl.Int64)
    )
    traces = (
        facts.filter(pl.col("trace_id").is_not_null())
        .group_by("trace_id", *_VERSION_KEYS)
        .agg(pl.col("minute_start_at").min(), pl.col("is_failing").any())
        .group_by(_MINUTE_KEYS)
        .agg(trace_count=pl.len().cast(pl.Int64), failing_trace_count=pl.col("is_failing").sum().cast(pl.Int64))
    )
    return (
        counts.join(traces, on=_MINUTE_KEYS, how="left", nulls_equal=True)
        .with_columns(pl.col("trace_count", "failing_trace_count").fill_null(0))
        .sort(_MINUTE_KEYS)
        .select(LOG_TEMPLATES_SCHEMA.names())
    )


def _account_days(facts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        facts.filter(pl.col("account_id").is_not_null())
        .group_by(_ACCOUNT_KEYS)
        .agg(record_count=pl.len().cast(pl.Int64))
        .sort(_ACCOUNT_KEYS)
    )


def _met(facts: pl.LazyFrame) -> pl.LazyFrame:
    """The templates of the day with their records and distinct traces; one row per template."""
    failing = pl.col("trace_id").filter("is_failing")
    return (
        facts.group_by("service", "severity", "template_id")
        .agg(
            pl.col("template").first(),
            record_count=pl.len().cast(pl.Int64),
            trace_count=pl.col("trace_id").drop_nulls().n_unique().cast(pl.Int64),
            failing_trace_count=failing.drop_nulls().n_unique().cast(pl.Int64),
        )
        .sort("service", "severity", "template_id")
    )


def _with_first_days(met: pl.DataFrame, carried: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`met` with the day each template was first seen on, and whether its service was known before."""
    services = known.select("service", has_past=pl.lit(value=True)).unique()
    dated = (
        met.join(carried.select("template_id", "first_seen_on"), on="template_id", how="left", maintain_order="left")
        .join(services, on="service", how="left", maintain_order="left", nulls_equal=True)
        .with_columns(pl.col("has_past").fill_null(value=False))
    )
    return require(dated, MET_SCHEMA, "met templates")
