"""Where every pain point, initiative and service stood on the day of a run, as kept in the lake.

The warehouse can be rebuilt at any time; what it said of an earlier day cannot be computed again once rows have expired
or a policy has changed. So each day has a recording, `history/triage/states/<day>`: replaced by every run for that day,
and left as it is by a run that knows less than the one that made it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import polars as pl

from governance.signals import TIMESTAMP
from orchestration.lake import Lake

_DATASET = "history/triage/states"
_TABLE = "states"
# One row per subject (a pain point, an initiative, a service).
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


def past_digest(lake: Lake, as_of: datetime) -> str:
    """Hash of the recordings that a run for `as_of` reads: those of the days before."""
    today = _key(as_of)
    past = lake.digests([key for key in lake.keys(_DATASET) if key < today])
    return hashlib.sha256(json.dumps(past, sort_keys=True).encode()).hexdigest()[:16]


def remember(lake: Lake, states: pl.DataFrame, as_of: datetime) -> bool:
    """Record the states of the day of `as_of` (HISTORY_SCHEMA); False where the recording there is knows more.

    It knows more when it was made from days of rollups that have expired since.
    """
    key = _key(as_of)
    last_day = key.rsplit("/", 1)[1]
    days = sum(one.rsplit("/", 1)[1] <= last_day for one in lake.keys("rollups"))
    before = lake.manifest(key)
    if before is not None and before.counts["days"] > days:
        return False
    kept = states.select(pl.col(name).cast(kind) for name, kind in HISTORY_SCHEMA.items()).sort(
        "subject_kind", "subject_id"
    )
    with lake.replace(key, as_of=as_of) as out:
        out.write(_TABLE, kept)
        out.counts = {"rows": kept.height, "days": days}
    return True


def _key(as_of: datetime) -> str:
    return f"{_DATASET}/{as_of.astimezone(UTC).date()}"
