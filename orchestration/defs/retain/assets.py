"""Coarser rollups and expiry by policies/retention.yml, with a proof row per partition removed."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from governance.retention import load_retention
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.defs.partitions import as_of, guarded
from orchestration.event_log import PooledEventLog
from orchestration.stages.compacting import compact
from orchestration.stages.expiring import expire


def _rollups() -> list[dg.AssetKey]:
    return [
        dg.AssetKey(["rollups", source.name, signal])
        for source in load_sources().values()
        for signal in source.signals
        if SIGNALS[signal].is_sampled
    ]


@dg.asset(
    key=["retention", "grains"],
    deps=_rollups(),
    group_name="retain",
    kinds={"parquet"},
    owners=[load_retention().owner],
    description="Rollups of old days by the hour, then by the day: fewer rows, the same counts and percentiles.",
    required_resource_keys={"lake"},
)
@guarded
def rollup_grains(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Make rollups coarser that are old enough; before anything reads them, as the finer files go."""
    made = compact(context.resources.lake, load_retention(), as_of(context))
    return dg.MaterializeResult(metadata={"partitions_made_coarser": len(made)})


@dg.asset(
    key=["retention", "proofs"],
    deps=[dg.AssetKey(["report", "status"])],
    group_name="retain",
    kinds={"parquet"},
    owners=[load_retention().owner],
    description="One row per expired partition: what was removed, when, under which policy. Age counts from the pull.",
    required_resource_keys={"lake"},
)
@guarded
def retention_proofs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Remove what is older than its policy allows."""
    proofs = expire(context.resources.lake, load_retention(), as_of(context))
    return dg.MaterializeResult(metadata={"partitions_removed": proofs.height})


@dg.asset(
    key=["retention", "run_events"],
    deps=[dg.AssetKey(["report", "status"])],
    group_name="retain",
    kinds={"sqlite"},
    owners=[load_retention().owner],
    description="What was said of runs long ago goes; the last word on each partition and check stays.",
)
@guarded
def run_events(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Forget old events of this deployment's own event log; one in another database is left to who runs it."""
    days, log, forgotten = load_retention().run_events.days, context.instance.event_log_storage, 0
    if days is not None and isinstance(log, PooledEventLog):
        # By the clock, as events are: a run that stands for another time says so now.
        forgotten = log.forget(datetime.now(UTC) - timedelta(days=days))
    return dg.MaterializeResult(metadata={"events_removed": forgotten})
