"""Tells each subscribed team when what it reads goes stale, never arrived, or recovers."""

from datetime import UTC, datetime

import dagster as dg

from governance.access import load_access
from governance.freshness import load_freshness
from governance.subscriptions import load_subscriptions
from orchestration.delivery import Pending, alert_teams


@dg.sensor(
    name="freshness_alerts",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Compares each published asset with policies/freshness.yml; state changes only, one message per team.",
)
def freshness_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """The cursor keeps the states told last and what could not be delivered, so nothing is told twice or lost."""
    now = datetime.now(UTC)
    last = {key: _last_at(context, key) for key in (f"published/{role}" for role in load_access().roles)}
    outcome = alert_teams(last, now, load_freshness(), load_subscriptions(), Pending.from_json(context.cursor))
    context.update_cursor(outcome.pending.to_json())
    return dg.SkipReason(outcome.told)


def _last_at(context: dg.SensorEvaluationContext, key: str) -> datetime | None:
    event = context.instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
    return datetime.fromtimestamp(event.timestamp, UTC) if event else None


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(sensors=[freshness_alerts])
