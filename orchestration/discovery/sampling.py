"""The files of a folder sorted into sources, and a bounded sample of each source's records, read by its connector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TypeVar

import polars as pl

from governance.keys import Keyring
from governance.signals import RESOURCE, SIGNALS, resource_entries
from governance.sources import TYPES, Files, Source
from orchestration.discovery.heads import read_head, walk
from orchestration.discovery.mapping import Mapped, guess
from orchestration.discovery.recognising import recognise
from orchestration.sources.connector import Pull
from orchestration.sources.reading import display, page
from orchestration.sources.registry import connector_for

# Of each file so much is looked at to tell what it is; of each source so much is read, from at most so many files.
RECOGNISED_BYTES = 512 * 2**10
SAMPLED_BYTES_OF_A_FILE = 4 * 2**20
SAMPLED_BYTES = 64 * 2**20
SAMPLED_FILES = 64
FILES = 2_000

# Of what is proposed, until somebody puts the right one in its place.
OWNER = "data-stewards@example.com"

Item = TypeVar("Item")
_NO_SIGNAL = (
    "a table whose headers tell no signal; write a source for it by hand (see governance/sources/pagerduty.yml)"
)


@dataclass(frozen=True)
class Group:
    """Files that one source would read."""

    type: str
    mapped: Mapped | None
    paths: tuple[PurePosixPath, ...]


@dataclass
class Seen:
    """What lies in a folder: files by source; the others, and how many of them there are for each reason."""

    groups: list[Group]
    others: tuple[PurePosixPath, ...]
    unread: Mapping[str, int]
    files: int
    passed_over: int = 0


@dataclass(frozen=True)
class Sample:
    """Records of one source.

    Attributes:
        frames: by signal, in its landing schema.
        malformed: reasons with their counts.
        files: how many were read.
    """

    frames: Mapping[str, pl.DataFrame] = field(repr=False)
    malformed: Mapping[str, int]
    files: int

    @property
    def records(self) -> int:
        return sum(frame.height for frame in self.frames.values())


def look(root: Path, as_of: datetime, claimed: Mapping[PurePosixPath, str]) -> Seen:
    """Sort the files below `root` into sources; of very many files, FILES spread evenly are opened.

    `claimed` names the sources of a deployment's own that read files already: those are left to them.
    """
    unread: Counter[str] = Counter()
    paths = list(walk(root, lambda _: unread.update(["a folder that this user cannot read"])))
    chosen = _spread(paths, FILES)
    base = root if root.is_dir() else root.parent
    found: dict[tuple[object, ...], list[PurePosixPath]] = {}
    kinds: dict[tuple[object, ...], tuple[str, Mapped | None]] = {}
    others: list[PurePosixPath] = []
    for path in chosen:
        relative = PurePosixPath(path.relative_to(base).as_posix())
        if relative in claimed:
            unread[f"read by your source {claimed[relative]} already"] += 1
            others.append(relative)
            continue
        kind = recognise(read_head(path, RECOGNISED_BYTES))
        mapped = guess(kind.rows, as_of) if kind.rows else None
        if kind.type is None or (kind.rows and mapped is None):
            unread[kind.reason or _NO_SIGNAL] += 1
            others.append(relative)
            continue
        key = (kind.type, mapped and (mapped.signal, *sorted(mapped.columns.items()), *sorted(mapped.constants)))
        found.setdefault(key, []).append(relative)
        kinds.setdefault(key, (kind.type, mapped))
    groups = [Group(*kinds[key], tuple(found[key])) for key in sorted(found, key=str)]
    reasons = dict(sorted(unread.items(), key=lambda item: (-item[1], item[0])))
    return Seen(groups, tuple(others), reasons, len(paths), len(paths) - len(chosen))


def sample(source: Source, inbox: Path, paths: Sequence[PurePosixPath], keys: Keyring, as_of: datetime) -> Sample:
    """Records from the beginnings of a source's files."""
    chosen = _spread(list(paths), SAMPLED_FILES)
    limit = min(SAMPLED_BYTES_OF_A_FILE, SAMPLED_BYTES // max(len(chosen), 1))
    connector = connector_for(source)
    pull = Pull(source, inbox, keys, as_of, as_of)
    frames: dict[str, list[pl.DataFrame]] = {}
    malformed: Counter[str] = Counter()
    for path in chosen:
        head = read_head(inbox / path, limit)
        if head.reason:
            malformed[head.reason] += 1
            continue
        for batch in connector.read(page(display(Path(path)), head.content), pull):
            for signal, records in batch.records.items():
                frames.setdefault(signal, []).append(records)
            malformed.update(batch.malformed["reason"].to_list())
    together = {signal: pl.concat(parts).unique("record_id", maintain_order=True) for signal, parts in frames.items()}
    return Sample({name: together[name] for name in SIGNALS if name in together}, malformed, len(chosen))


def source_of(group: Group, name: str, where: Files) -> Source:
    """The source that would read a group's files."""
    signals = (group.mapped.signal,) if group.mapped else TYPES[group.type]
    return Source(
        name=name,
        description=f"Proposed from a sample of {len(group.paths):,} files",
        type=group.type,
        signals=signals,
        owner=OWNER,
        purpose="Find what hurts users, and for whom",
        files=where,
        columns=dict(group.mapped.columns) if group.mapped else {},
        constants=dict(group.mapped.constants) if group.mapped else {},
    )


def evenly(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """At most `rows` rows spread over the frame."""
    return frame if frame.height <= rows else frame[[place * frame.height // rows for place in range(rows)]]


def values_by_field(frame: pl.DataFrame) -> Iterator[tuple[str, bool, pl.DataFrame]]:
    """Each text column and attribute of records: name, whether it is an attribute, its values with their counts."""
    for name, dtype in frame.schema.items():
        if name.startswith("received_") or name in ("record_id", RESOURCE):
            continue
        if dtype == pl.String or dtype == pl.List(pl.String):
            values = frame.select(value=pl.col(name).explode() if dtype != pl.String else pl.col(name))
            yield name, False, _counted(values)
    parts = [_attributes(frame)] if "attributes" in frame.columns else []
    parts += [_of_resources(frame)] if RESOURCE in frame.columns else []
    if parts:
        for (key,), values in sorted(pl.concat(parts).group_by("key"), key=lambda item: str(item[0])):
            yield str(key), True, _counted(values.select("value"))


def _attributes(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("attributes").explode("attributes").unnest("attributes").filter(pl.col("key").is_not_null())


def _of_resources(frame: pl.DataFrame) -> pl.DataFrame:
    entries = [entry for text in frame[RESOURCE] for entry in resource_entries(text)]
    return pl.DataFrame(entries, schema={"key": pl.String, "value": pl.String}, orient="row")


def _counted(values: pl.DataFrame) -> pl.DataFrame:
    return values.drop_nulls().group_by("value").len("count").sort("count", "value", descending=[True, False])


def _spread(items: list[Item], limit: int) -> list[Item]:
    return items if len(items) <= limit else items[:: -(-len(items) // limit)]
