"""What the days of a dataset are compared with, and how the gate's verdict on a day depends on it.

A verdict must not change with whatever happens to other days. Of the weeks before, its inputs keep only what they came
to (usual or not, and of how many weeks): a late record a month ago makes nothing stale unless that changes. Of the
records that a day refers to they keep the digest. What has expired since is not missed: what was told stays told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import polars as pl

from governance.quality import REFERS, USUAL, Expectation, QualityPolicy, Suite, is_usual, lost_references
from governance.signals import SIGNALS
from orchestration.lake import Lake, Manifest

_VOLUME = "volume"  # among the inputs of a verdict: `<weeks>:<usual>`
_WEEK = timedelta(days=7)


class Comparisons:
    """The expectations that compare, over the days of a dataset (`<source>/<signal>`); each manifest is read once."""

    def __init__(self, lake: Lake, dataset: str, suite: Suite, policy: QualityPolicy) -> None:
        self._lake, self._dataset, self._suite, self._policy = lake, dataset, suite, policy
        self._compares_volume = any(one.type == USUAL for one in suite.expectations)
        self._references = [one.reference for one in suite.expectations if one.type == REFERS]
        self._manifest = cache(lake.manifest)
        self._digest = cache(self._digest_of)

    def inputs(self, day: str, verdict: Manifest | None) -> dict[str, str]:
        """What a verdict on the day (ISO) depends on besides the day itself.

        Args:
            verdict: the one there is, under whatever inputs.
        """
        told: Mapping[str, str] = verdict.inputs if verdict else {}
        found = {}
        for reference in self._references:
            for key in self._referred(reference.signal, day, reference.days_before):
                if digest := self._digest(key) or told.get(key):
                    found[key] = digest
        if self._compares_volume and (volume := self._volume(day, told.get(_VOLUME, ""))):
            found[_VOLUME] = volume
        return found

    def broken(self, expectation: Expectation, day: str, inputs: Mapping[str, str]) -> int | None:
        """How much of the day breaks an expectation that compares, as `offending` says it of the others.

        Args:
            inputs: those of the verdict, see `inputs`.

        Returns:
            rows, or 1 for a number of them that is not usual; None: nothing there to tell by.
        """
        if expectation.type == USUAL:
            weeks, _, usual = inputs.get(_VOLUME, "").partition(":")
            return int(usual == "no") if weeks else None
        refers, signal = expectation.reference, self._suite.signal
        keys = [key for key in self._referred(refers.signal, day, refers.days_before) if self._lake.exists(key)]
        if not keys:
            return None
        known = self._lake.scan(keys, "records", SIGNALS[refers.signal].schema).select(value=refers.refers_to)
        rows = self._lake.scan([f"anonymized/{self._dataset}/{day}"], "records", SIGNALS[signal].schema)
        values = rows.select(value=pl.col(expectation.columns[0]))
        return lost_references(values, known, refers, self._policy.threshold(signal).min_rows)

    def _volume(self, day: str, told: str) -> str:
        """`<weeks>:<yes or no>` or, where nothing says, empty; with fewer weeks than there were, as told then."""
        rows = self._rows_once_over(day)
        before = [count for past in self._weeks_before(day) if (count := self._rows(past)) is not None]
        usual = None if rows is None else is_usual(rows, before, self._suite.signal, self._policy)
        weeks = int(told.partition(":")[0] or 0)
        if len(before) < weeks <= self._policy.volume.weeks:
            return told
        return "" if usual is None else f"{len(before)}:{'yes' if usual else 'no'}"

    def _weeks_before(self, day: str) -> Iterator[date]:
        own = date.fromisoformat(day)
        return (own - number * _WEEK for number in range(1, self._policy.volume.weeks + 1))

    def _rows(self, day: date) -> int | None:
        """The records that came of a day; None where it does not exist (no data is not zero)."""
        manifest = self._manifest(f"anonymized/{self._dataset}/{day}")
        return manifest.counts.get("landed", manifest.rows("records")) if manifest else None

    def _rows_once_over(self, day: str) -> int | None:
        """The records of a day that is over: it was made after its end, or the day after it is there."""
        own = date.fromisoformat(day)
        manifest, after = self._manifest(f"anonymized/{self._dataset}/{day}"), own + timedelta(days=1)
        if manifest is None:
            return None
        is_over = datetime.fromisoformat(manifest.as_of) >= datetime.combine(after, time.min, UTC)
        return self._rows(own) if is_over or self._manifest(f"anonymized/{self._dataset}/{after}") else None

    def _referred(self, signal: str, day: str, days_before: int) -> list[str]:
        source, own = self._dataset.split("/")[0], date.fromisoformat(day)
        days = (own - timedelta(days=number) for number in range(days_before + 1))
        return [f"anonymized/{source}/{signal}/{one}" for one in days]

    def _digest_of(self, key: str) -> str:
        manifest = self._manifest(key)
        return manifest.digest if manifest else ""
