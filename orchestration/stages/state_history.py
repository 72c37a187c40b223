"""Where every pain point, initiative and service stood when something was published, as kept in the lake.

The warehouse can be rebuilt at any time; what it said of an earlier day cannot be computed again once rows have expired
or a policy has changed. So each day has its recordings, `history/triage/states/<day>`: one per as-of time that said
something else than the recording before it, whole, and replaced by the run for the same time. A run that knows less
than the one that recorded leaves them as they are. Times that said the same are kept without rows: where an earlier one
is recorded anew, they still say what they said. A recording without any subject has no rows either, and readers take
the one before it to go on: that is so only where no service is known, of which every recording tells.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl

from governance.signals import TIMESTAMP
from orchestration.lake import Lake, Manifest

_DATASET = "history/triage/states"
_TABLE = "states"
_FIRST, _TIMES = "first_day", "times"  # facts of a day
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
    manifest = lake.manifest(key)
    first, days = _days_seen(lake, as_of, window_days)
    # Counts of other windows are not compared, nor that of a recording of before the window was kept with it.
    if manifest is not None and manifest.facts.get(_FIRST) == str(first) and manifest.counts["days"] > days:
        return False
    now = states.select(pl.col(name).cast(kind) for name, kind in HISTORY_SCHEMA.items()).sort(_ORDER)
    said = {**_said(_recordings(lake, key), _times(manifest)), as_of.astimezone(UTC): now}
    kept = _news(said)
    with lake.replace(key, as_of=as_of) as out:
        out.write(_TABLE, kept)
        out.counts = {"rows": kept.height, "days": days}
        out.facts = {_FIRST: str(first), _TIMES: json.dumps([at.isoformat() for at in sorted(said)])}
    return True


def _days_seen(lake: Lake, as_of: datetime, window_days: int) -> tuple[date, int]:
    """The first day that the states look at, and how many partitions of rollups there are from it on."""
    last = as_of.astimezone(UTC).date()
    first = last - timedelta(days=window_days)
    return first, sum(str(first) <= key.rsplit("/", 1)[1] <= str(last) for key in lake.keys("rollups"))


def _times(manifest: Manifest | None) -> list[datetime]:
    """When the day was recorded, by runs that said nothing else than the one before too."""
    return [datetime.fromisoformat(at) for at in json.loads(manifest.facts.get(_TIMES, "[]"))] if manifest else []


def _said(recordings: pl.DataFrame, times: Iterable[datetime]) -> dict[datetime, pl.DataFrame]:
    """By time: its own states, else those of the time before."""
    own = {at: recordings.filter(pl.col("recorded_at") == at) for at in recordings["recorded_at"].unique()}
    said, before = dict[datetime, pl.DataFrame](), HISTORY_SCHEMA.to_frame()
    for at in sorted({*own, *times}):
        before = own.get(at, before.with_columns(pl.lit(at).cast(TIMESTAMP).alias("recorded_at")))
        said[at] = before
    return said


def _news(said: Mapping[datetime, pl.DataFrame]) -> pl.DataFrame:
    """The recordings that say something else than the one before them."""
    kept, before = [HISTORY_SCHEMA.to_frame()], HISTORY_SCHEMA.to_frame()
    for _, states in sorted(said.items()):
        if not states.drop(_NOT_SAID).equals(before.drop(_NOT_SAID)):
            kept.append(states)
        before = states
    return pl.concat(kept)


def _recordings(lake: Lake, key: str) -> pl.DataFrame:
    return lake.read(key, _TABLE).sort(_ORDER) if lake.exists(key) else pl.DataFrame(schema=HISTORY_SCHEMA)


def _key(as_of: datetime) -> str:
    return f"{_DATASET}/{as_of.astimezone(UTC).date()}"
