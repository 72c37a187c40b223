"""Landing: what was received of one signal, one partition a UTC day, each record once.

State `landing/<source>/<signal>/<day>`, table `records`; of a large day in parts, so that no stage need hold it whole:
all records of a trace are in the same part, and the parts of later states hold what became of those of this one. A
version once landed stays, also when the document it came from is gone; a day whose landing has expired, or whose
pseudonym key was destroyed, is closed and left as it is. What a record with the id of another is, versions.py says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from governance.signals import SIGNALS, Signal
from governance.sources import Source
from orchestration.lake import Lake, Made, Manifest, Table, part_name
from orchestration.stages.counting import day_counts, days_received
from orchestration.stages.expiring import FIRST_LANDED
from orchestration.stages.lateness import ClosedDays
from orchestration.stages.receiving import arrival, superseded_by
from orchestration.stages.tally import Tally
from orchestration.stages.versions import Once, id_shared, once
from orchestration.stages.workers import each_group, written_beside

# Raised whenever the same documents would land differently.
VERSION = "4"
# Of a part, about: what every later stage holds at once.
PART_ROWS = 100_000
_PART = "__part"
_ORDER = ("event_at", "record_id")


@dataclass(frozen=True)
class Landed:
    """What `land` did to one day.

    Attributes:
        state: landed (written now), current (nothing new), frozen (closed: its landing has expired, or its
            pseudonym key was destroyed) or absent (nothing was ever received).
        counts: pulled = malformed + duplicates + landed; conflicts are the ids that came with more than one content.
    """

    state: Literal["landed", "current", "frozen", "absent"]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Received:
    """What one document gave to one day."""

    name: str
    records: int
    malformed: int


@dataclass(frozen=True)
class _Due:
    """A day of which something was received that has not landed.

    Attributes:
        inputs: the documents that say something about it, with their digests.
        before: what landed before.
        ledger: what each document gave to it.
        received: how many records those are.
        parts: in how many parts it lands.
    """

    inputs: Mapping[str, str]
    before: Manifest | None
    ledger: Mapping[str, _Received]
    received: int
    parts: int


def land_days(
    lake: Lake, source: Source, signal: str, days: list[str], as_of: datetime, destroyed: Collection[str] = ()
) -> Tally:
    """Land the days of one signal of a source, see `land`."""
    received, closed = days_received(lake, source.name, signal), ClosedDays(lake, destroyed)
    tally, due = Tally(), dict[str, _Due]()
    for day in days:
        found = _standing(lake, f"{source.name}/{signal}/{day}", received.get(day, {}), closed)
        if isinstance(found, _Due):
            due[day] = found
        elif found.state == "current":
            tally.current.append(day)
        elif found.state == "frozen":
            tally.frozen.append(day)
    records = sum(one.received for one in due.values())
    landing = [f"landing/{source.name}/{signal}/{day}" for day in due]
    with lake.group_commit(), written_beside(lake, landing):
        for day, made in each_group(partial(_made, lake, f"{source.name}/{signal}"), due, records=records):
            tally.days[day] = _keep(lake, f"{source.name}/{signal}/{day}", due[day], made, as_of)
    return tally


def stale_landing_days(lake: Lake, source: Source, signal: str, destroyed: Collection[str] = ()) -> Iterator[str]:
    """Days for which something was received that has not landed; closed days are not among them."""
    closed = ClosedDays(lake, destroyed)
    for day, inputs in days_received(lake, source.name, signal).items():
        place = f"{source.name}/{signal}/{day}"
        if place not in closed and not lake.is_current(f"landing/{place}", inputs, VERSION):
            yield day


def land(
    lake: Lake,
    source: str,
    signal: str,
    day: str,
    as_of: datetime,
    inputs: Mapping[str, str] | None = None,
    closed: ClosedDays | None = None,
) -> Landed:
    """Unite what was received of a day with what landed before, each record once.

    Args:
        day: ISO date.
        inputs: the day's entry of `days_received`, where the caller has it already.
        closed: the days (`<source>/<signal>/<day>`) that take nothing in; None: those of which raw data has expired.
    """
    place, dataset = f"{source}/{signal}/{day}", f"{source}/{signal}"
    documents = days_received(lake, source, signal).get(day, {}) if inputs is None else inputs
    found = _standing(lake, place, documents, ClosedDays(lake) if closed is None else closed)
    if isinstance(found, Landed):
        return found
    return Landed("landed", _keep(lake, place, found, _made(lake, dataset, day, found), as_of))


def _standing(lake: Lake, place: str, inputs: Mapping[str, str], closed: ClosedDays) -> Landed | _Due:
    """What there is to land of a day (`<source>/<signal>/<day>`), or why there is nothing."""
    key = f"landing/{place}"
    before = lake.manifest(key)
    if place in closed:
        return Landed("frozen", before.counts if before else {})
    if not inputs:
        return Landed("frozen", before.counts) if before else Landed("absent", {})
    if before is not None and lake.is_current(key, inputs, VERSION):
        return Landed("current", before.counts)
    _, signal, day = place.split("/")
    ledger = _ledger(_manifests(lake, inputs), before, signal, day)
    records = sum(part.records for part in ledger.values())
    return _Due(inputs, before, ledger, records, parts=max(1, math.ceil(records / PART_ROWS)))


def _keep(lake: Lake, place: str, due: _Due, made: Made, as_of: datetime) -> Mapping[str, int]:
    """Replace what landed of a day before; the counts of what landed now."""
    before = due.before
    with lake.replace(f"landing/{place}", as_of=as_of, inputs=due.inputs, policy=VERSION) as out:
        out.take(made)
        documents = {name: [part.name, part.records, part.malformed] for name, part in due.ledger.items()}
        out.facts[FIRST_LANDED] = before.facts.get(FIRST_LANDED, before.as_of) if before else as_of.isoformat()
        out.facts["documents"] = json.dumps(documents, sort_keys=True)
    return made.counts


def _manifests(lake: Lake, inputs: Mapping[str, str]) -> dict[str, Manifest]:
    return {name: found for name in inputs if (found := lake.manifest(name))}


def _ledger(manifests: Mapping[str, Manifest], before: Manifest | None, signal: str, day: str) -> dict[str, _Received]:
    """By document, those that have expired since the last landing included: their rows are still accounted for."""
    parts: dict[str, _Received] = {}
    if before:
        parts = {name: _Received(*part) for name, part in json.loads(before.facts["documents"]).items()}
    for name, manifest in manifests.items():
        records, malformed = day_counts(manifest)[signal][day]
        parts[name] = _Received(manifest.facts["name"], records, malformed)
        for old in superseded_by(manifest):
            parts.pop(old, None)
    return parts


# What follows runs in this process or beside it, see workers.py: it writes no manifest.


def _made(lake: Lake, dataset: str, day: str, due: _Due) -> Made:
    """The records of a day, in parts."""
    key, signal = f"landing/{dataset}/{day}", dataset.split("/")[1]
    manifests = _manifests(lake, due.inputs)
    together = [
        *(_carried(lake, key, due.before, manifests, due.ledger) if due.before else ()),
        *_records(lake, manifests, signal, day),
    ]
    tables, landed, conflicts = dict[str, Table](), 0, 0
    for part, records in enumerate(_parts(together, SIGNALS[signal], due.parts, lake.workspace(key))):
        name = part_name("records", part, due.parts)
        tables[name] = lake.write(key, name, records.rows)
        landed, conflicts = landed + records.rows.height, conflicts + records.conflicts
    if due.before and due.ledger.keys() - manifests.keys():  # what contradicted has expired, and was counted then
        conflicts = max(conflicts, due.before.counts.get("conflicts", 0))
    malformed = sum(part.malformed for part in due.ledger.values())
    pulled = max(due.received, landed) + malformed
    counts = {
        "pulled": pulled,
        "malformed": malformed,
        "duplicates": pulled - malformed - landed,
        "landed": landed,
        "conflicts": conflicts,
    }
    return Made(tables, counts)


def _parts(
    together: Sequence[pl.LazyFrame], signal: Signal, parts: int, workspace: AbstractContextManager[Path]
) -> Iterator[Once]:
    """The records of each part, each once, by time.

    Args:
        together: all records of the day, those that win first, a batch in each.
        workspace: where there is room for what is split.
    """
    if parts == 1:
        yield _in_order(signal, pl.concat(together).collect())
        return
    with workspace as folder:
        yield from _split_parts(together, signal, parts, folder)


def _split_parts(together: Sequence[pl.LazyFrame], signal: Signal, parts: int, folder: Path) -> Iterator[Once]:
    each_once_of = partial(_in_order, signal)
    batches = (batch.collect() for batch in together)
    by_id = map(each_once_of, _split(batches, id_shared(signal), parts, folder / "ids"))
    if not signal.is_sampled:
        yield from by_id
        return
    conflicts = 0

    def each_once() -> Iterator[pl.DataFrame]:
        nonlocal conflicts
        for part in by_id:
            conflicts += part.conflicts
            yield part.rows

    for frame in _split(each_once(), pl.coalesce("trace_id", "record_id"), parts, folder / "traces"):
        yield Once(frame.sort(_ORDER), conflicts)
        conflicts = 0  # they are the day's; told once


def _split(batches: Iterable[pl.DataFrame], by: pl.Expr, parts: int, folder: Path) -> Iterator[pl.DataFrame]:
    """The rows in so many parts, those alike in `by` in the same, in the order they come in.

    A batch or a part is in memory at a time: half the memory of polars' partitioned sink, in two thirds of its time.
    """
    folder.mkdir()
    schema = pl.Schema()
    for number, batch in enumerate(batches):
        schema = batch.schema
        placed = batch.with_columns((by.hash(0) % parts).alias(_PART))
        for (part,), rows in placed.partition_by(_PART, as_dict=True, include_key=False).items():
            rows.write_parquet(folder / f"{part}-{number:06d}.parquet", compression="lz4")
    for part in range(parts):
        files = sorted(folder.glob(f"{part}-*.parquet"))
        yield pl.read_parquet(files) if files else schema.to_frame()


def _in_order(signal: Signal, together: pl.DataFrame) -> Once:
    found = once(signal, together)
    return Once(found.rows.sort(_ORDER), found.conflicts)


def _records(lake: Lake, manifests: Mapping[str, Manifest], signal: str, day: str) -> list[pl.LazyFrame]:
    """Every received record of the day, in the order of arrival, a batch in each."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    ordered = sorted(manifests.items(), key=lambda item: (*arrival(item[1]), item[0]))
    is_of_the_day = pl.col("event_at").is_between(start, start + timedelta(days=1), closed="left")
    files = [file for key, _ in ordered for file in lake.files(key, signal)]
    return [pl.LazyFrame(schema=SIGNALS[signal].landing_schema)] + [
        pl.scan_parquet(file).filter(is_of_the_day) for file in files
    ]


def _carried(
    lake: Lake, key: str, before: Manifest, manifests: Mapping[str, Manifest], ledger: Mapping[str, _Received]
) -> Iterator[pl.LazyFrame]:
    """What landed before, except rows of documents that were read anew since: those speak for themselves."""
    expired = {part.name for name, part in ledger.items() if name not in manifests}
    replaced = {old for manifest in manifests.values() for old in superseded_by(manifest)}
    again = {name for name, digest in before.inputs.items() if name in manifests and manifests[name].digest != digest}
    parts = json.loads(before.facts["documents"])
    names = {parts[name][0] for name in replaced | again if name in parts} - expired
    for part in lake.parts(key):
        yield lake.scan_part(part).filter(~pl.col("received_file").is_in(sorted(names)))
