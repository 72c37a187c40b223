"""What a received document is counted as: records and malformed rows by signal and day."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import polars as pl

from governance.signals import MALFORMED_SCHEMA
from orchestration.lake import Lake, Manifest
from orchestration.sources.connector import Batch, earliest

# Records and malformed rows by signal and day (ISO).
DayCounts = Mapping[str, Mapping[str, tuple[int, int]]]


def day_counts(manifest: Manifest) -> DayCounts:
    """Records and malformed rows of a received document, by signal and day."""
    stored: DayCounts = json.loads(manifest.facts["days"])
    return stored


def days_received(lake: Lake, source: str, signal: str) -> dict[str, dict[str, str]]:
    """By day (ISO, sorted): the received documents that say something about it, with their digests."""
    days: dict[str, dict[str, str]] = {}
    for key in lake.keys(f"received/{source}"):
        manifest = lake.manifest(key)
        for day in day_counts(manifest).get(signal, {}) if manifest else ():
            days.setdefault(day, {})[key] = manifest.digest if manifest else ""
    return dict(sorted(days.items()))


class Counted:
    """Counts of one document while its batches go by.

    Days on which it counted before stay, with nothing: they land again, without what they held of it.
    """

    def __init__(self, before: Collection[tuple[str, str]]) -> None:
        self.days: dict[str, dict[str, tuple[int, int]]] = {}
        self.ahead_us: int | None = None
        self._malformed = [pl.DataFrame(schema=MALFORMED_SCHEMA)]
        self._skipped = 0
        for signal, day in sorted(before):
            self._count(signal, day, 0, 0)

    @property
    def malformed(self) -> pl.DataFrame:
        return pl.concat(self._malformed)

    def add(self, batch: Batch) -> None:
        self._malformed.append(batch.malformed)
        self._skipped += batch.skipped
        self.ahead_us = earliest(self.ahead_us, batch.ahead_us)
        for signal, records in batch.records.items():
            for day, rows in records["event_at"].dt.date().value_counts().iter_rows():
                self._count(signal, day.isoformat(), rows, 0)
        for signal, day, rows in batch.malformed.group_by("signal", "event_date").len().iter_rows():
            self._count(signal, day.isoformat(), 0, rows)

    def _count(self, signal: str, day: str, records: int, malformed: int) -> None:
        days = self.days.setdefault(signal, {})
        before = days.get(day, (0, 0))
        days[day] = (before[0] + records, before[1] + malformed)

    @property
    def counts(self) -> dict[str, int]:
        records = {signal: sum(count for count, _ in days.values()) for signal, days in self.days.items()}
        return {**records, "malformed": self.malformed.height, "skipped": self._skipped}
