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
    days = _days(lake)
    heard = {place: _newest(lake, place, keys) for place, keys in days.items()}
    # What never came is missed from the first day on that something else did.
    first = min((key.rpartition("/")[2] for keys in days.values() for key in keys), default=None)
    expected_since = datetime.fromisoformat(first).replace(tzinfo=UTC) if first else as_of
    return freshness_frame({**dict.fromkeys(expected()), **heard}, as_of, expected_since, load_freshness())


def expected() -> list[tuple[str, str]]:
    """The signals of the configured sources, each as (source, signal)."""
    return sorted((source.name, signal) for source in load_sources().values() for signal in source.signals)


def _days(lake: Lake) -> Mapping[tuple[str, str], list[str]]:
    """The keys of checked days by source and signal, in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for key in lake.keys("checked"):
        _, source, signal, _ = key.split("/")
        found.setdefault((source, signal), []).append(key)
    return found


def _newest(lake: Lake, place: tuple[str, str], keys: list[str]) -> datetime | None:
    """Time of the newest record; only of the last day that has any are the rows read."""
    for key in reversed(keys):
        manifest = lake.manifest(key)
        if manifest and manifest.rows("records"):
            times = lake.scan([key], "records", pl.Schema({"event_at": TIMESTAMP}))
            newest: datetime | None = times.select(pl.col("event_at").max()).collect().item()
            return newest
    return None
