"""Which days take nothing in any more, and what came for them all the same.

State `late/<source>/<signal>/<day>`, table `ids`: one row per record that came when its day was closed and that the day
does not hold, as a keyed hash of its id: what is sent again and again counts once, and nothing leads back to it. It is
kept for ever, as proofs are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl

from governance.keys import Keyring
from governance.signals import SIGNALS
from governance.sources import Source
from orchestration.lake import Lake
from orchestration.stages.counting import days_received
from orchestration.stages.expiring import removed_of
from orchestration.stages.versions import id_shared

_IDS = pl.Schema({"id": pl.String})
_RECORD_IDS = pl.Schema({"record_id": pl.String})
# Where the records of a day are after landing; one of them holds those that passed, another those that did not.
_HOLDING = ("held", "anonymized", "quarantine", "checked")


class ClosedDays:
    """The days (`<source>/<signal>/<day>`) that take nothing in any more.

    What lands could not be anonymised as the rest of its day was: the raw data of that has expired, or its pseudonym
    key was destroyed. A day made of what came last alone would take the place of all that was counted before.
    """

    def __init__(self, lake: Lake, destroyed: Collection[str] = ()) -> None:
        """Args:
        destroyed: ids of destroyed pseudonym keys.
        """
        self._lake, self._destroyed = lake, destroyed
        self._removed: dict[str, Collection[str] | None]  # None: not read yet
        self._removed = dict.fromkeys(lake.keys("retention/anonymized"))

    def __contains__(self, place: str) -> bool:
        anonymized = f"anonymized/{place}"
        made = self._lake.manifest(anonymized)
        if made is not None and made.key_id in self._destroyed:
            return True
        return not self._lake.exists(f"landing/{place}") and (made is not None or self._was_removed(anonymized))

    def _was_removed(self, key: str) -> bool:
        day = key.rpartition("/")[2]
        return any(
            key in self._removed_by(retention)
            for retention in self._removed
            if retention.rpartition("/")[2] >= day  # nothing expires before its day
        )

    def _removed_by(self, retention: str) -> Collection[str]:
        found = self._removed[retention]
        if found is None:
            found = self._removed[retention] = removed_of(self._lake, retention)
        return found


def record_late(lake: Lake, source: Source, keys: Keyring, as_of: datetime) -> int:
    """Record what was received of a source for closed days and is not in them; how many records that were, anew.

    What carries the id of a record that is there is taken for that record, whatever it says.
    """
    closed, count = ClosedDays(lake, keys.destroyed), 0
    with lake.group_commit():
        for signal in source.signals:
            for day, documents in days_received(lake, source.name, signal).items():
                if (place := f"{source.name}/{signal}/{day}") in closed:
                    count += _record(lake, place, documents, keys, as_of)
    return count


def _record(lake: Lake, place: str, documents: Mapping[str, str], keys: Keyring, as_of: datetime) -> int:
    key = f"late/{place}"
    before = lake.manifest(key)
    if before is not None and documents.items() <= before.inputs.items():
        return 0
    found = _ids(lake, place, documents).join(_held(lake, place), on="record_id", how="anti")
    hashed = [keys.record_id(f"{place}\x00{name}".encode()) for name in found.collect()["record_id"]]
    known = lake.scan([key], "ids", _IDS).collect()
    ids = pl.concat([known, pl.DataFrame({"id": hashed}, _IDS)]).unique(maintain_order=True)
    with lake.replace(key, as_of=as_of, inputs=documents) as out:
        out.write("ids", ids)
        out.counts = {"too_late": ids.height}
    return ids.height - known.height


def _ids(lake: Lake, place: str, documents: Mapping[str, str]) -> pl.LazyFrame:
    """What the documents hold of the day."""
    _, signal, day = place.split("/")
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    is_of_the_day = pl.col("event_at").is_between(start, start + timedelta(days=1), closed="left")
    files = [file for document in documents for file in lake.files(document, signal)]
    found = [pl.scan_parquet(file).filter(is_of_the_day).select(id_shared(SIGNALS[signal])) for file in files]
    return pl.concat([pl.LazyFrame(schema=_RECORD_IDS), *found]).unique()


def _held(lake: Lake, place: str) -> pl.LazyFrame:
    """The ids of what the day took in."""
    signal = SIGNALS[place.split("/")[1]]
    files = [file for state in _HOLDING for file in lake.files(f"{state}/{place}", "records")]
    held = [pl.scan_parquet(file).select(id_shared(signal)) for file in files]
    return pl.concat([pl.LazyFrame(schema=_RECORD_IDS), *held]).unique()
