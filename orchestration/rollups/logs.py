"""Counts of log templates and account-days over all checked log records of one day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from governance.sampling import RECORD_TEMPLATES_SCHEMA, RollupLimits, require
from governance.signals import SIGNALS
from orchestration.rollups.dimensions import bound
from orchestration.rollups.schemas import LOG_ACCOUNT_DAYS_SCHEMA, LOG_TEMPLATES_SCHEMA
from orchestration.rollups.templates import with_template_ids, with_templates

_READ = ("record_id", "event_at", "service", "service_version", "severity", "body", "trace_id", "account_id")
_TEMPLATE_KEYS = ("hour_start_at", "service", "service_version", "severity", "template_id", "template")
_ACCOUNT_KEYS = ("event_date", "account_id", "service", "template_id")


@dataclass(frozen=True)
class LogRollup:
    """The rollups of one day of log records.

    Attributes:
        record_templates: record_id and template_id of each record, for the sampling; not stored.
        overflow: number of records counted as '(other)' per dimension.
    """

    templates: pl.DataFrame
    account_days: pl.DataFrame
    record_templates: pl.DataFrame
    overflow: Mapping[str, int]


def roll_up_logs(logs: pl.DataFrame, traits: pl.DataFrame, limits: RollupLimits) -> LogRollup:
    """The rollups of all checked log records of a day.

    Args:
        logs: one row per record (the signal's columns; attributes are not needed).
        traits: one row per trace (of this day, or of its neighbours too): whose a trace was and whether it failed.
    """
    schema = SIGNALS["logs"].schema
    read = require(logs, {name: schema[name] for name in _READ}, "roll up logs")
    shaped = with_templates(read).drop("body")
    bounded, templates_over = bound(shaped, ["template"], limits.max_templates_per_service)
    bounded, versions_over = bound(bounded, ["service_version"], limits.max_values_per_service)
    facts = _with_traces(with_template_ids(bounded), traits)
    templates, account_days = pl.collect_all([_templates(facts.lazy()), _account_days(facts.lazy())])
    return LogRollup(
        require(templates, LOG_TEMPLATES_SCHEMA, "rollup log templates"),
        require(account_days, LOG_ACCOUNT_DAYS_SCHEMA, "rollup log account days"),
        require(facts, RECORD_TEMPLATES_SCHEMA, "record templates"),
        {**templates_over, **versions_over},
    )


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
            failing_trace_id=pl.when("is_failing").then("trace_id"),
            hour_start_at=pl.col("event_at").dt.truncate("1h"),
            event_date=pl.col("event_at").dt.date(),
        )
        .collect()
    )


def _templates(facts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        facts.group_by(_TEMPLATE_KEYS)
        .agg(
            record_count=pl.len().cast(pl.Int64),
            trace_count=pl.col("trace_id").drop_nulls().n_unique().cast(pl.Int64),
            failing_trace_count=pl.col("failing_trace_id").drop_nulls().n_unique().cast(pl.Int64),
        )
        .sort(_TEMPLATE_KEYS)
    )


def _account_days(facts: pl.LazyFrame) -> pl.LazyFrame:
    return (
        facts.filter(pl.col("account_id").is_not_null())
        .group_by(_ACCOUNT_KEYS)
        .agg(record_count=pl.len().cast(pl.Int64))
        .sort(_ACCOUNT_KEYS)
    )
