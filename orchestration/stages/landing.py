"""Landing: what was received of one signal, one partition a UTC day, each record once.

State `landing/<source>/<signal>/<day>`, table `records`. A version once landed stays, also when the document it came
from is gone; a day whose landing has expired, or whose pseudonym key was destroyed, is closed and left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import polars as pl

from governance.signals import PROVENANCE, SIGNALS
from governance.sources import Source
from orchestration.lake import Lake, Manifest
from orchestration.stages.receiving import day_counts, superseded_by
from orchestration.stages.tally import Tally

# Raised whenever the same documents would land differently.
VERSION = "2"


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


def land_days(
    lake: Lake, source: Source, signal: str, days: list[str], as_of: datetime, destroyed: Collection[str] = ()
) -> Tally:
    """Land the days of one signal of a source, see `land`."""
    received = days_received(lake, source.name, signal)
    tally = Tally()
    for day in days:
        done = land(lake, source.name, signal, day, as_of, received.get(day, {}), destroyed)
        if done.state == "landed":
            tally.days[day] = done.counts
        elif done.state == "current":
            tally.current.append(day)
        elif done.state == "frozen":
            tally.frozen.append(day)
    return tally


def stale_landing_days(lake: Lake, source: Source, signal: str, destroyed: Collection[str] = ()) -> Iterator[str]:
    """Days for which something was received that has not landed; closed days are not among them."""
    for day, inputs in days_received(lake, source.name, signal).items():
        place = f"{source.name}/{signal}/{day}"
        if not _is_closed(lake, place, destroyed) and not lake.is_current(f"landing/{place}", inputs, VERSION):
            yield day


def _is_closed(lake: Lake, place: str, destroyed: Collection[str]) -> bool:
    """Whether a day takes nothing in any more: what lands could not be anonymised as the rest of it was."""
    made = lake.manifest(f"anonymized/{place}")
    return made is not None and (made.key_id in destroyed or not lake.exists(f"landing/{place}"))


def days_received(lake: Lake, source: str, signal: str) -> dict[str, dict[str, str]]:
    """By day (ISO, sorted): the received documents that say something about it, with their digests."""
    days: dict[str, dict[str, str]] = {}
    for key in lake.keys(f"received/{source}"):
        manifest = lake.manifest(key)
        for day in day_counts(manifest).get(signal, {}) if manifest else ():
            days.setdefault(day, {})[key] = manifest.digest if manifest else ""
    return dict(sorted(days.items()))


def land(
    lake: Lake,
    source: str,
    signal: str,
    day: str,
    as_of: datetime,
    inputs: Mapping[str, str] | None = None,
    destroyed: Collection[str] = (),
) -> Landed:
    """Unite what was received of a day with what landed before, each record once.

    Args:
        day: ISO date.
        inputs: the day's entry of `days_received`, where the caller has it already.
        destroyed: ids of destroyed pseudonym keys; what was anonymised with them is closed.
    """
    key = f"landing/{source}/{signal}/{day}"
    found = days_received(lake, source, signal).get(day, {}) if inputs is None else inputs
    before = lake.manifest(key)
    if _is_closed(lake, f"{source}/{signal}/{day}", destroyed):
        return Landed("frozen", before.counts if before else {})
    if not found:
        return Landed("frozen", before.counts) if before else Landed("absent", {})
    if before is not None and lake.is_current(key, found, VERSION):
        return Landed("current", before.counts)
    return _land(lake, key, signal, day, as_of, found, before)


def _land(
    lake: Lake,
    key: str,
    signal: str,
    day: str,
    as_of: datetime,
    inputs: Mapping[str, str],
    before: Manifest | None,
) -> Landed:
    manifests = {name: found for name in inputs if (found := lake.manifest(name))}
    ledger = _ledger(manifests, before, signal, day)
    incoming = _records(lake, manifests, signal, day)
    kept = _carried(lake, key, before, manifests, ledger) if before else incoming.clear()
    together = pl.concat([kept, incoming])
    # What landed before wins, then what was received first: so the order of arrival decides, never chance.
    records = together.unique("record_id", keep="first", maintain_order=True).sort("event_at", "record_id")
    malformed = sum(part.malformed for part in ledger.values())
    pulled = max(sum(part.records for part in ledger.values()), records.height) + malformed
    with lake.replace(key, as_of=as_of, inputs=inputs, policy=VERSION) as out:
        out.write("records", records)
        out.counts = {
            "pulled": pulled,
            "malformed": malformed,
            "duplicates": pulled - malformed - records.height,
            "landed": records.height,
            "conflicts": _conflicts(together),
        }
        parts = {name: [part.name, part.records, part.malformed] for name, part in ledger.items()}
        out.facts["documents"] = json.dumps(parts, sort_keys=True)
        counts = out.counts
    return Landed("landed", counts)


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


def _records(lake: Lake, manifests: Mapping[str, Manifest], signal: str, day: str) -> pl.DataFrame:
    """Every received record of the day, in the order of arrival."""
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    ordered = sorted(manifests.items(), key=lambda item: (item[1].facts["received_at"], item[1].facts["name"], item[0]))
    files = [
        lake.root / key / table.file
        for key, manifest in ordered
        for name, table in sorted(manifest.tables.items())
        if name.rpartition("-")[0] == signal
    ]
    if not files:
        return pl.DataFrame(schema=SIGNALS[signal].landing_schema)
    is_of_the_day = pl.col("event_at").is_between(start, start + timedelta(days=1), closed="left")
    return pl.scan_parquet(files).filter(is_of_the_day).collect()


def _carried(
    lake: Lake, key: str, before: Manifest, manifests: Mapping[str, Manifest], ledger: Mapping[str, _Received]
) -> pl.DataFrame:
    """What landed before, except rows of documents that were read anew since: those speak for themselves."""
    expired = {part.name for name, part in ledger.items() if name not in manifests}
    replaced = {old for manifest in manifests.values() for old in superseded_by(manifest)}
    again = {name for name, digest in before.inputs.items() if name in manifests and manifests[name].digest != digest}
    parts = json.loads(before.facts["documents"])
    names = {parts[name][0] for name in replaced | again if name in parts} - expired
    return lake.read(key).filter(~pl.col("received_file").is_in(sorted(names)))


def _conflicts(records: pl.DataFrame) -> int:
    """How many ids came with more than one content; where it was read and what it took there are no part of it."""
    repeated = records.filter(pl.col("record_id").is_duplicated()).drop(*PROVENANCE, "raw_bytes")
    if repeated.is_empty():
        return 0
    content = repeated.select("record_id", said=pl.struct(pl.all().exclude("record_id")).struct.json_encode())
    variants = content.group_by("record_id").agg(pl.col("said").n_unique())
    return variants.filter(pl.col("said") > 1).height
