"""Which days take nothing in any more, and what came for them all the same.

State `late/<source>/<signal>/<day>`, table `ids`: one row per record that came when its day was closed and that the day
does not hold, as a keyed hash of its id: what is sent again and again counts once, and nothing leads back to it. It is
kept for ever, as proofs are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from governance.errors import FeedbackError
from governance.keys import Keyring
from governance.signals import SIGNALS
from governance.sources import Source
from orchestration.lake import Lake
from orchestration.stages.counting import days_received
from orchestration.stages.expiring import removed_of
from orchestration.stages.versions import id_shared

_IDS = pl.Schema({"id": pl.String})
_RECORDS = pl.Schema({"day": pl.Date, "record_id": pl.String})
# Where the records of a day are; those behind landing say with which key they were made.
_HOLDING = ("anonymized", "checked", "quarantine", "held", "landing")


class ClosedDays:
    """The days (`<source>/<signal>/<day>`) that take nothing in any more.

    What lands could not be anonymised as the rest of its day was: the raw data of that has expired, or its pseudonym
    key was destroyed. A day made of what came last alone would take the place of all that was counted before.

    Args:
        destroyed: ids of destroyed pseudonym keys.
    """

    def __init__(self, lake: Lake, destroyed: Collection[str] = ()) -> None:
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
            dataset = f"{source.name}/{signal}"
            due = {
                day: documents
                for day, documents in days_received(lake, source.name, signal).items()
                if f"{dataset}/{day}" in closed and _not_compared(lake, f"late/{dataset}/{day}", documents)
            }
            if due:
                count += sum(_recorded(lake, dataset, due, keys, as_of))
    return count


def _not_compared(lake: Lake, key: str, documents: Mapping[str, str]) -> set[str]:
    made = lake.manifest(key)
    return {document for document, digest in documents.items() if made is None or made.inputs.get(document) != digest}


def _recorded(
    lake: Lake, dataset: str, due: Mapping[str, Mapping[str, str]], keys: Keyring, as_of: datetime
) -> Iterator[int]:
    """How many records of each day are new; a document is read once for all days that it came for."""
    signal = dataset.split("/")[1]
    fresh = {
        document for day, of_day in due.items() for document in _not_compared(lake, f"late/{dataset}/{day}", of_day)
    }
    came = _records(signal, [file for document in sorted(fresh) for file in lake.files(document, signal)])
    is_due = pl.col("day").is_in([date.fromisoformat(day) for day in due])
    there = _records(signal, [file for day in due for file in _files(lake, f"{dataset}/{day}")])
    new = came.filter(is_due).join(there, on=list(_RECORDS), how="anti").collect()
    for day, documents in due.items():
        ids = new.filter(pl.col("day") == date.fromisoformat(day))["record_id"].to_list()
        yield _record(
            lake, f"{dataset}/{day}", documents, _without_masked(lake, f"{dataset}/{day}", ids, keys), keys, as_of
        )


def _record(
    lake: Lake, place: str, documents: Mapping[str, str], late: Collection[str], keys: Keyring, as_of: datetime
) -> int:
    key = f"late/{place}"
    known = lake.scan([key], "ids", _IDS).collect()
    hashed = [keys.record_id(f"{place}\x00{name}".encode()) for name in late]
    ids = pl.concat([known, pl.DataFrame({"id": hashed}, _IDS)]).unique(maintain_order=True)
    with lake.replace(key, as_of=as_of, inputs=documents) as out:
        out.write("ids", ids)
        out.counts = {"too_late": ids.height}
    return ids.height - known.height


def _without_masked(lake: Lake, place: str, ids: list[str], keys: Keyring) -> Collection[str]:
    """The ids without those that the day holds masked, as they would name somebody."""
    made = next((found for state in _HOLDING if (found := lake.manifest(f"{state}/{place}"))), None)
    if not ids or made is None:
        return ids
    from governance.privacy import load_privacy  # takes a second, and hardly a run needs it
    from governance.privacy.fields import Treatments

    signal, policy = place.split("/")[1], load_privacy()
    try:
        treatments = Treatments(policy, keys.under(made.key_id))
    except FeedbackError:  # the key is gone, and nobody can tell any more
        return ids
    masked = treatments.apply(ids, policy.columns[signal]["record_id"])
    there = set(_records(signal, _files(lake, place)).collect()["record_id"])
    return [name for name in ids if masked[name].text not in there]


def _files(lake: Lake, place: str) -> list[Path]:
    return [file for state in _HOLDING for file in lake.files(f"{state}/{place}", "records")]


def _records(signal: str, files: Sequence[Path]) -> pl.LazyFrame:
    """Day and id of each record of the files, once (_RECORDS)."""
    told = (pl.col("event_at").dt.date().alias("day"), id_shared(SIGNALS[signal]).alias("record_id"))
    found = [pl.scan_parquet(file).select(told) for file in files]
    return pl.concat([pl.LazyFrame(schema=_RECORDS), *found]).unique()
