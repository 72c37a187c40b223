"""Per source of spans: traits and rollups; per source of logs: rollups; for both: the sample."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from governance.sampling import SAMPLED_LOGS_SCHEMA, SAMPLED_SPANS_SCHEMA, load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import Source, load_sources
from governance.themes import load_themes
from orchestration.defs.partitions import DAYS, ONE_RUN, as_of, guarded, guarded_steps
from orchestration.defs.presentation import column_schema, described, owner, same_columns, tell_days
from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
from orchestration.stages.sampling import sample_days
from orchestration.stages.theming import DATASET, theme_days

_PARTITIONED: dict[str, Any] = {"partitions_def": DAYS, "backfill_policy": ONE_RUN, "required_resource_keys": {"lake"}}


def _sources_of(signal: str) -> list[str]:
    return [source.name for source in load_sources().values() if signal in source.signals]


def span_rollups(source: Source) -> dg.AssetsDefinition:
    """Rollups of the spans of a source, then traits of its traces: what is slow follows from rollups of days before."""
    checked = ["checked", source.name, "spans"]
    shown = described("sample", source, kinds={"polars", "parquet"})
    specs = [
        dg.AssetSpec(
            ["traits", source.name, "spans"],
            deps=[checked],
            description="What is known of each trace: failed, slow, rare, whose. One row per trace and day.",
            **shown,
        ),
        dg.AssetSpec(
            ["rollups", source.name, "spans"],
            deps=[checked],
            description="Exact counts, latency histograms and account-days over all checked spans, before sampling.",
            **shown,
        ),
    ]

    @dg.multi_asset(name=f"roll_up_{source.name}_spans", specs=specs, **_PARTITIONED)
    @guarded_steps
    def roll_up(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        days, policy = list(context.partition_keys), load_sampling_policy()
        tally = roll_up_span_days(context.resources.lake, source.name, days, policy, as_of(context))
        yield from (dg.MaterializeResult(asset_key=spec.key, metadata=tally.metadata()) for spec in specs)

    return roll_up


def log_rollups(source: Source) -> dg.AssetsDefinition:
    """Rollups of the log records of a source."""

    @dg.asset(
        key=["rollups", source.name, "logs"],
        deps=[["checked", source.name, "logs"], *(["traits", name, "spans"] for name in _sources_of("spans"))],
        description="Exact counts of log templates and account-days over all checked records, before sampling.",
        **described("sample", source, kinds={"polars", "parquet"}),
        **_PARTITIONED,
    )
    @guarded
    def roll_up(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        days, policy = list(context.partition_keys), load_sampling_policy()
        tally = roll_up_log_days(context.resources.lake, source.name, days, policy, as_of(context))
        return dg.MaterializeResult(metadata=tally.metadata())

    return roll_up


def sampled(source: Source, signal: str) -> dg.AssetsDefinition:
    """The rows analysts can look at, each with the weight it stands for."""
    upstream = ["checked", source.name, signal]
    traces = [["traits", name, "spans"] for name in _sources_of("spans")]
    templates = [["rollups", name, "logs"] for name in _sources_of("logs")]
    shown = described("sample", source, kinds={"polars", "parquet"}, signal=signal)
    shown["metadata"]["dagster/column_schema"] = column_schema(
        SAMPLED_SPANS_SCHEMA if signal == "spans" else SAMPLED_LOGS_SCHEMA
    )

    @dg.asset(
        key=["sampled", source.name, signal],
        deps=[upstream, *traces, *templates],
        description=f"Whole traces kept or dropped with their logs, by policies/sampling.yml: {signal} with weight and "
        "reason. One row per kept record.",
        **shown,
        **_PARTITIONED,
    )
    @guarded
    def sample(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        days, policy = list(context.partition_keys), load_sampling_policy()
        tally = sample_days(context.resources.lake, f"{source.name}/{signal}", days, policy, as_of(context))
        tell_days(context, tally, same_columns(upstream, signal))
        return dg.MaterializeResult()

    return sample


def themes() -> dg.AssetsDefinition:
    """What tickets and answers to surveys are about, of all sources."""
    read = [
        ["checked", name, signal] for signal in ("tickets", "ticket_events", "surveys") for name in _sources_of(signal)
    ]

    @dg.asset(
        key=DATASET.split("/"),
        deps=read,
        group_name="sample",
        owners=[owner(load_themes().owner)],
        kinds={"polars", "scikitlearn"},
        description="The theme of each ticket and answer, by policies/themes.yml; ids last from day to day. One row "
        "per text and day it was looked at.",
        **_PARTITIONED,
    )
    @guarded
    def find(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        tally = theme_days(context.resources.lake, context.partition_keys, load_themes(), as_of(context))
        return dg.MaterializeResult(metadata=tally.metadata())

    return find


def _assets() -> Iterator[dg.AssetsDefinition]:
    for source in load_sources().values():
        if "spans" in source.signals:
            yield span_rollups(source)
        if "logs" in source.signals:
            yield log_rollups(source)
        for signal in source.signals:
            if SIGNALS[signal].is_sampled:
                yield sampled(source, signal)
    yield themes()


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=list(_assets()))
