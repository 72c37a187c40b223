"""Everything that runs by itself, and when: sources by their schedule, then the days they touched, then the marts."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from governance.policy import file_hashes
from governance.sources import Source, load_sources
from orchestration.deciding import decision_record, rulings_at
from orchestration.defs import jobs
from orchestration.defs.partitions import AS_OF_TAG
from orchestration.desk.deciding import REPLAY
from orchestration.key_management import deployment_keys
from orchestration.lake import Lake
from orchestration.settings import home
from orchestration.stages.planning import ranges, stale_days


def _schedules() -> Iterator[dg.ScheduleDefinition]:
    by_cron: dict[str, list[Source]] = defaultdict(list)
    for source in load_sources().values():
        by_cron[source.schedule].append(source)
    for cron, sources in by_cron.items():
        names = [source.name for source in sources]
        yield dg.ScheduleDefinition(
            name=f"receive_{'_'.join(names)}",
            cron_schedule=cron,
            target=dg.AssetSelection.assets(*(["received", name] for name in names)),
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"Read what came from {', '.join(names)}.",
        )


@dg.sensor(
    name="days_to_refresh",
    job=jobs.refresh_days,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Days whose states were made from other inputs, or under another policy, than they would be now.",
)
def days_to_refresh(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
    """One run per range of days; its key keeps it from being asked for twice for the same lake and decisions."""
    lake, rulings = Lake(home().lake), rulings_at(home(), datetime.now(UTC))
    replay = decision_record(home()).last(REPLAY)  # who asks for one wants it tried again
    asked = hashlib.sha256(f"{replay and replay.number}{sorted(file_hashes().items())}".encode()).hexdigest()[:8]
    days = stale_days(lake, load_sources().values(), deployment_keys(home()).destroyed, rulings)
    for first, last in ranges(days):
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        yield dg.RunRequest(
            run_key=f"{first}..{last}@{lake.state_digest('received')}{rulings.digest}{asked}", tags=tags
        )


@dg.run_status_sensor(
    name="publish_after_refresh",
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[jobs.refresh_days],
    request_job=jobs.publish,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Publishes once the days are refreshed.",
)
def publish_after_refresh(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """One publication per refresh the daemon started; `feedback run` publishes by itself."""
    if AS_OF_TAG in context.dagster_run.tags:
        return dg.SkipReason("started by `feedback run`, which publishes by itself")
    return dg.RunRequest(run_key=context.dagster_run.run_id)


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        schedules=list(_schedules()),
        sensors=[days_to_refresh, publish_after_refresh],
        jobs=[jobs.receive, jobs.refresh_days, jobs.publish],
    )
