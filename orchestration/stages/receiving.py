"""Receiving: every document of a source is read once and kept, in landing schema, under the hash of its bytes.

One with records later than its run allowed is read again by the first run that allows the earliest of them, as long as
it is there: its file lies there, or its server or database answers the same page. Of a page that is answered otherwise
by then, what is new is read as another document.

State `received/<source>/<document id>`: tables `<signal>-<batch>` with records, `malformed` with what was set aside.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from governance.keys import Keyring
from governance.signals import SIGNALS
from governance.sources import Source
from orchestration.lake import Lake, Made, Manifest
from orchestration.sources.connector import Connector, Document, Pull
from orchestration.sources.reading import prefix_id
from orchestration.sources.registry import connector_for
from orchestration.sources.values import latest_us
from orchestration.stages.counting import Counted, day_counts
from orchestration.stages.lateness import record_late
from orchestration.stages.workers import each_group, written_beside

# The fact of a document that says at which time the earliest of its records lies that are later than its run allowed.
_AHEAD = "ahead_us"
# Of a record in its file, to tell whether reading is worth other processes: this one reads 80,000 a second at once, two
# start in 3 s and read twice as many; in `feedback run` it is even at a million, as Dagster is imported beside.
_BYTES_A_RECORD, _ENOUGH_RECORDS = 700, 1_000_000


@dataclass(frozen=True)
class ReceivedTally:
    """What a source holds, and what of it this pull read anew.

    Attributes:
        documents: files or pages that are there now.
        read: of those, how many were read in this pull; the others were read before.
        by_signal: records of each signal in all documents that are there now.
        malformed: lines, records or files set aside, likewise.
        skipped: entries that are no records of a signal, such as pull requests among issues, likewise.
        ahead: of the documents, how many have records set aside as later than the run that read them allowed.
        expired: of the documents, how many were removed for their age since they were read; they are left alone.
        too_late: records that this pull found to be of days that take nothing in any more, see lateness.py.
        unreadable: names of the documents that yielded nothing but malformed rows.
    """

    documents: int
    read: int
    by_signal: Mapping[str, int]
    malformed: int
    skipped: int
    ahead: int
    expired: int
    too_late: int
    unreadable: tuple[str, ...] = field(repr=False)

    @property
    def records(self) -> int:
        return sum(self.by_signal.values())

    @property
    def is_nothing_readable(self) -> bool:
        """Whether there was something to read and not one record came out of it: a run must not call that success."""
        return self.malformed > 0 and self.records == 0

    def metadata(self) -> dict[str, int]:
        """The counts as asset metadata: numbers only, no names."""
        return {
            "documents": self.documents,
            "documents_read": self.read,
            "documents_unreadable": len(self.unreadable),
            "documents_ahead": self.ahead,
            "documents_expired": self.expired,
            "records_too_late": self.too_late,
            **self.by_signal,
            "malformed": self.malformed,
            "skipped": self.skipped,
        }


@dataclass(frozen=True)
class _Task:
    """A document to be read.

    Attributes:
        superseded: keys of the documents that it begins with.
        counted: signals and days on which it, or one of those, counted before.
        place: of a page, in the answer.
    """

    document: Document
    pull: Pull
    superseded: tuple[str, ...]
    counted: frozenset[tuple[str, str]]
    place: int = 0


def receive(
    source: Source,
    inbox: Path,
    lake: Lake,
    keys: Keyring,
    as_of: datetime,
    connector: Connector | None = None,
    processes: int | None = None,
) -> ReceivedTally:
    """Read every document that was not read before.

    One whose connector or mapping changed is read again, and one with a record that was later than its run allowed and
    that this run allows.

    Args:
        as_of: the run's time (aware, UTC); dates what has no time, and bounds what is plausible.
        connector: of the source's type, where it must be reached in a special way.
        processes: how many read files; None: as many as `workers.worker_count` says.

    Raises:
        UsageError: there is no inbox.
        TransientError: a server did not answer; what was received before that is kept.
    """
    reader = connector or connector_for(source)
    policy = _policy(source, reader)
    known, expired = _Known(lake, source.name), _expired(lake)
    present, left_alone = dict[str, bool](), set[str]()  # whether a document is read in this pull
    files: dict[str, _Task] = {}

    def keep(key: str, made: Made) -> None:
        with lake.replace(key, as_of=as_of, policy=policy, key_id=keys.key_id) as out:
            out.take(made)

    for document in reader.documents(Pull(source, inbox, keys, as_of, as_of)):
        key = f"received/{source.name}/{document.id}"
        before = lake.manifest(key)
        if before is None and key in expired:
            left_alone.add(key)
            continue
        is_due = key not in files and _is_due(before, policy, as_of)
        present[key] = is_due or present.get(key, False)
        if is_due:
            superseded = known.superseded(document, before) if source.files else ()
            pull = _pull(source, inbox, keys, as_of, before or known.first_of(superseded))
            counted = known.counted((key, *superseded))
            task = _Task(document, pull, superseded, counted, place=0 if source.files else len(present))
            if source.files:
                files[key] = task
            else:  # one page at a time: what a server answered is kept, also where it fails later
                keep(key, _read(lake, reader, key, task))
    records = sum(task.document.size for task in files.values()) // _BYTES_A_RECORD
    with lake.group_commit(), written_beside(lake, files):
        done = each_group(
            partial(_read, lake, reader), files, records=records, enough=_ENOUGH_RECORDS, processes=processes
        )
        for key, made in done:
            keep(key, made)
    _drop_superseded(lake, source.name)
    too_late = record_late(lake, source, keys, as_of)
    manifests = [manifest for key in present if (manifest := lake.manifest(key))]
    return _tally(manifests, sum(present.values()), len(left_alone), too_late)


def arrival(manifest: Manifest) -> tuple[str, str, str]:
    """Orders received documents: by pull, then pages as they were answered, then files by name."""
    return manifest.facts["received_at"], manifest.facts.get("place", ""), manifest.facts["name"]


def superseded_by(manifest: Manifest) -> list[str]:
    """Keys of the documents that are whole prefixes of this one: the same file, when it was shorter."""
    stored: list[str] = json.loads(manifest.facts["supersedes"])
    return stored


def _policy(source: Source, connector: Connector) -> str:
    mapping = json.dumps([source.type, source.signals, source.columns, source.constants], sort_keys=True)
    return f"{connector.version}-{hashlib.sha256(mapping.encode()).hexdigest()[:12]}"


def _is_due(before: Manifest | None, policy: str, as_of: datetime) -> bool:
    """Whether a document was never read, is read otherwise by now, or has a record that only this run allows."""
    if before is None or before.policy != policy:
        return True
    ahead = before.facts.get(_AHEAD)
    return ahead is not None and int(ahead) <= latest_us(as_of)


def _pull(source: Source, inbox: Path, keys: Keyring, as_of: datetime, before: Manifest | None) -> Pull:
    """A document read again, or grown, dates its records as it did when it was first received."""
    received_at = datetime.fromisoformat(before.facts["received_at"]) if before else as_of
    return Pull(source, inbox, keys, as_of, received_at)


class _Known:
    """The documents received before, by the name of their file."""

    def __init__(self, lake: Lake, source: str) -> None:
        self._manifests = {key: found for key in lake.keys(f"received/{source}") if (found := lake.manifest(key))}

    def superseded(self, document: Document, before: Manifest | None) -> tuple[str, ...]:
        """Keys of those that `document` begins with: a collector appended to their file.

        Only then nothing is lost without them: a file that was cut or rotated begins otherwise. One that is read again
        still replaces what it did `before`: it may not have landed since.
        """
        grown = superseded_by(before) if before else []
        for key, manifest in self._manifests.items():
            size = int(manifest.facts["size"])
            is_shorter = manifest.facts["name"] == document.name and 0 < size < document.size
            if is_shorter and prefix_id(document, size) == key.rpartition("/")[2]:
                grown += [key, *superseded_by(manifest)]
        return tuple(sorted(set(grown)))

    def counted(self, keys: tuple[str, ...]) -> frozenset[tuple[str, str]]:
        """Signals and days on which `keys` counted."""
        days = (day_counts(self._manifests[key]) for key in keys if key in self._manifests)
        return frozenset((signal, day) for by_signal in days for signal, told in by_signal.items() for day in told)

    def first_of(self, keys: tuple[str, ...]) -> Manifest | None:
        """The one of `keys` received first."""
        found = [self._manifests[key] for key in keys if key in self._manifests]
        return min(found, key=lambda manifest: manifest.facts["received_at"], default=None)


def _expired(lake: Lake) -> set[str]:
    """Documents removed for their age: were they read again while their files still lie there, raw data would stay."""
    proofs = lake.scan(lake.keys("retention/received"), "proofs", pl.Schema({"key": pl.String}))
    return set(proofs.select("key").collect()["key"])


def _read(lake: Lake, connector: Connector, key: str, task: _Task) -> Made:
    """Read a document, in this process or beside it, see workers.py: it writes no manifest."""
    counted, tables = Counted(task.counted), {}
    for number, batch in enumerate(connector.read(task.document, task.pull), start=1):
        counted.add(batch)
        for signal, records in batch.records.items():
            name = f"{signal}-{number:04d}"
            tables[name] = lake.write(key, name, records)
    tables["malformed"] = lake.write(key, "malformed", counted.malformed)
    about = {
        "days": json.dumps(counted.days, sort_keys=True),
        "name": task.document.name,
        "size": str(task.document.size),
        "received_at": task.pull.received_at.isoformat(),
        "place": f"{task.place:06}",
        "supersedes": json.dumps(task.superseded),
    }
    if counted.ahead_us is not None:
        about[_AHEAD] = str(counted.ahead_us)
    return Made(tables, counted.counts, about)


def _drop_superseded(lake: Lake, source: str) -> None:
    """Remove what a longer document replaced: only after that one is whole, and again after a kill in between."""
    for key in lake.keys(f"received/{source}"):
        manifest = lake.manifest(key)
        for old in superseded_by(manifest) if manifest else ():
            if old != key and lake.exists(old):
                lake.remove(old)


def _tally(manifests: Collection[Manifest], read: int, expired: int, too_late: int) -> ReceivedTally:
    records: Counter[str] = Counter()
    for manifest in manifests:
        records.update(_records(manifest))
    unreadable = [m.facts["name"] for m in manifests if m.counts["malformed"] and not any(_records(m).values())]
    return ReceivedTally(
        documents=len(manifests) + expired,
        read=read,
        by_signal=dict(records),
        malformed=sum(manifest.counts["malformed"] for manifest in manifests),
        skipped=sum(manifest.counts["skipped"] for manifest in manifests),
        ahead=sum(_AHEAD in manifest.facts for manifest in manifests),
        expired=expired,
        too_late=too_late,
        unreadable=tuple(unreadable),
    )


def _records(manifest: Manifest) -> dict[str, int]:
    return {signal: rows for signal, rows in manifest.counts.items() if signal in SIGNALS}
