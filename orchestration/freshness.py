"""How fresh each signal of each source is, from the days of the lake that passed the gate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from governance.freshness import freshness_frame, load_freshness
from governance.signals import TIMESTAMP
from governance.sources import load_sources
from orchestration.lake import Lake


def freshness(lake: Lake, as_of: datetime) -> pl.DataFrame:
    """One row per source and signal that is configured or was heard (FRESHNESS_SCHEMA), true for `as_of`."""
    days = _days(lake, as_of)
    heard = {place: _newest(lake, keys, as_of) for place, keys in days.items()}
    # What never came is missed from the first day on that something else of its source did.
    since = dict[str, datetime]()
    for (source, _), keys in days.items():
        first = datetime.fromisoformat(keys[0].rpartition("/")[2]).replace(tzinfo=UTC)
        since[source] = min(first, since.get(source, first))
    return freshness_frame({**dict.fromkeys(expected()), **heard}, as_of, since, load_freshness())


def expected() -> list[tuple[str, str]]:
    """The signals of the configured sources, each as (source, signal)."""
    return sorted((source.name, signal) for source in load_sources().values() for signal in source.signals)


def _days(lake: Lake, as_of: datetime) -> Mapping[tuple[str, str], list[str]]:
    """The keys of checked days up to that of `as_of`, by source and signal, in order."""
    last = str(as_of.astimezone(UTC).date())
    found: dict[tuple[str, str], list[str]] = {}
    for key in lake.keys("checked"):
        _, source, signal, day = key.split("/")
        if day <= last:
            found.setdefault((source, signal), []).append(key)
    return found


def _newest(lake: Lake, keys: list[str], as_of: datetime) -> datetime | None:
    """Time of the newest record before `as_of`; only of the last day that has any are the rows read."""
    for key in reversed(keys):
        manifest = lake.manifest(key)
        if manifest and manifest.rows("records"):
            times = lake.scan([key], "records", pl.Schema({"event_at": TIMESTAMP}))
            before = times.filter(pl.col("event_at") < as_of)
            newest: datetime | None = before.select(pl.col("event_at").max()).collect().item()
            if newest is not None:
                return newest
    return None
