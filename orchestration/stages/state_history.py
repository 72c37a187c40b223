"""Where every pain point, initiative and service stood when something was published, as kept in the lake.

The warehouse can be rebuilt at any time; what it said of an earlier day cannot be computed again once rows have expired
or a policy has changed. So each day has its recordings, `history/triage/states/<day>`: one per as-of time that said
something else than the recording before it, whole, and replaced by the run for the same time. A run that knows less
than the one that recorded leaves them as they are.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import polars as pl

from governance.signals import TIMESTAMP
from orchestration.lake import Lake

_DATASET = "history/triage/states"
_TABLE = "states"
# One row per recording and subject (a pain point, an initiative, a service).
HISTORY_SCHEMA = pl.Schema(
    {
        "recorded_at": TIMESTAMP,
        "subject_kind": pl.String(),
        "subject_id": pl.String(),
        "state": pl.String(),
        "reason": pl.String(),
        "owner_team": pl.String(),
        "initiative_id": pl.String(),
        "service": pl.String(),
        "place": pl.Int64(),
        "score": pl.Float64(),
    }
)
# Scores move with every hour: alone they are nothing that was said otherwise.
_NOT_SAID = ("recorded_at", "score")
_ORDER = ("recorded_at", "subject_kind", "subject_id")


def past_digest(lake: Lake, as_of: datetime) -> str:
    """Hash of the recordings that a run for `as_of` reads: those before it, of its own day too."""
    today = _key(as_of)
    past = lake.digests([key for key in lake.keys(_DATASET) if key < today])
    earlier = _recordings(lake, today).filter(pl.col("recorded_at") < as_of)
    said = [json.dumps(past, sort_keys=True), *([earlier.write_ndjson()] if earlier.height else [])]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]


def remember(lake: Lake, states: pl.DataFrame, as_of: datetime, window_days: int) -> bool:
    """Record the states of `as_of` (HISTORY_SCHEMA, all with it as their time).

    Args:
        window_days: how far back the states look (ranking.yml).

    Returns:
        False: a recording of the day was made from days of rollups that have expired since; it stays as it is.
    """
    key = _key(as_of)
    days, manifest = _days_seen(lake, as_of, window_days), lake.manifest(key)
    if manifest is not None and manifest.counts["days"] > days:
        return False
    there = _recordings(lake, key).filter(pl.col("recorded_at") != as_of)
    now = states.select(pl.col(name).cast(kind) for name, kind in HISTORY_SCHEMA.items()).sort(_ORDER)
    earlier = there.filter(pl.col("recorded_at") < as_of)
    last = earlier.filter(pl.col("recorded_at") == pl.col("recorded_at").max())
    is_news = not last.drop(_NOT_SAID).equals(now.drop(_NOT_SAID))
    kept = pl.concat([there, now]).sort(_ORDER) if is_news else there
    with lake.replace(key, as_of=as_of) as out:
        out.write(_TABLE, kept)
        out.counts = {"rows": kept.height, "days": days}
    return True


def _days_seen(lake: Lake, as_of: datetime, window_days: int) -> int:
    """How many partitions of rollups there are of the days that the states look at."""
    last = as_of.astimezone(UTC).date()
    first = last - timedelta(days=window_days)
    return sum(str(first) <= key.rsplit("/", 1)[1] <= str(last) for key in lake.keys("rollups"))


def _recordings(lake: Lake, key: str) -> pl.DataFrame:
    return lake.read(key, _TABLE).sort(_ORDER) if lake.exists(key) else pl.DataFrame(schema=HISTORY_SCHEMA)


def _key(as_of: datetime) -> str:
    return f"{_DATASET}/{as_of.astimezone(UTC).date()}"
