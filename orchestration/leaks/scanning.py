"""Every file of a deployment that is written behind the stage `anonymize`, looked through once for canaries.

A file that was clean and has not changed since is not read again: data files of the lake are named by their content,
others are known by size and time.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import orjson
import polars as pl

from governance.durability import sync
from governance.errors import FeedbackError
from governance.privacy.canaries import Canaries, Canary, Finder, Texts
from orchestration.lake import Lake
from orchestration.leaks.decoding import UNREADABLE, parquet_texts, texts_of
from orchestration.settings import Home
from orchestration.sources.reading import display
from orchestration.stages.workers import worker_count

# States that hold raw records by design: owner-only, short-lived, never queried.
RAW_STATES = ("received", "landing", "mentions", "held")
# States that can outlive `anonymized`: their partitions had canaries too.
_STATES = ("anonymized", "checked", "quarantine", "sampled")
_CONTENT_NAMED = re.compile(r"(?P<table>\w+)-[0-9a-f]{16}\.parquet")
# What `anonymize` wrote of the canaries themselves: it has looked there, and says so to the gate.
_LOOKED_AT = "canaries"
# Of files that share a reading; of texts that share a search: 4,000 searches took 4 s, as each starts from the stems.
_BYTES_AT_ONCE, _TEXT_AT_ONCE = 16 << 20, 8 << 20


@dataclass(frozen=True)
class Find:
    """One canary in one file."""

    file: str  # relative to the deployment, in signs that can be printed
    dataset: str
    day: str
    entity: str

    def __str__(self) -> str:
        return f"{self.entity} of {self.dataset} {self.day} in {self.file}"


@dataclass(frozen=True)
class Scan:
    """What looking came to."""

    finds: tuple[Find, ...]
    files: int
    read: int


@dataclass
class _Clean:
    """What was looked through and held no canary."""

    digest: str
    content: set[str] = field(default_factory=set)
    files: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, digest: str) -> _Clean:
        try:
            stored = orjson.loads(path.read_bytes())
            known = cls(stored["digest"], set(stored["content"]), stored["files"])
        except (FileNotFoundError, ValueError, KeyError):
            return cls(digest)
        return known if known.digest == digest else cls(digest)

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".tmp")
        stored = {"digest": self.digest, "content": sorted(self.content), "files": dict(sorted(self.files.items()))}
        with temporary.open("wb") as file:
            file.write(orjson.dumps(stored))
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync(path.parent)


def scan(deployment: Home, canaries: Canaries, *, everything: bool = False) -> Scan:
    """Look for every canary of the deployment in every file behind the stage.

    Args:
        everything: also in files that were clean and have not changed since.
    """
    finder = Finder(canaries, lambda: _planted(Lake(deployment.lake), canaries))
    known = _Clean(canaries.digest) if everything else _Clean.load(deployment.clean_files, canaries.digest)
    clean = _Clean(canaries.digest)
    tables, others = _parted(deployment, known, clean)
    finds: list[Find] = []
    for batch, prints in _looked_through(finder, parquet_texts, tables.values()):
        clean.content |= {path.name for path in prints}
        finds += (find for path in batch if path not in prints for find in _in_table(deployment, path, finder, clean))
    for batch, prints in _looked_through(finder, _texts_of_all, [others]):
        clean.files |= {_name(deployment, path): now for path, now in prints.items()}
        finds += (find for path in batch if path not in prints for find in _in_file(deployment, path, finder, clean))
    clean.save(deployment.clean_files)
    read = sum(map(len, tables.values())) + len(others)
    return Scan(
        tuple(sorted(set(finds), key=str)), read + len(clean.content & known.content) + _same(clean, known), read
    )


def _same(clean: _Clean, known: _Clean) -> int:
    return sum(known.files.get(name) == print_ for name, print_ in clean.files.items())


def _planted(lake: Lake, canaries: Canaries) -> Iterator[Canary]:
    places = {tuple(key.split("/")[1:]) for state in _STATES for key in lake.keys(state)}
    for source, signal, day in sorted(places):
        yield from canaries.of(f"{source}/{signal}", day)


def _parted(deployment: Home, known: _Clean, clean: _Clean) -> tuple[Mapping[str, list[Path]], list[Path]]:
    """What must be read: tables of the lake by schema, and other files; what need not goes to `clean`."""
    tables: dict[str, list[Path]] = defaultdict(list)
    others, met = [], set()
    lake = f"{deployment.lake}/"
    for folder, name in _written(deployment):
        named = _CONTENT_NAMED.fullmatch(name)
        if named and folder.startswith(lake):
            if name in known.content:
                clean.content.add(name)
            elif named["table"] != _LOOKED_AT and name not in met:
                state, *place = folder.removeprefix(lake).split("/")
                tables[f"{state}/{'/'.join(place[-2:-1])}/{named['table']}"].append(Path(folder, name))
            met.add(name)
            continue
        path = f"{folder}/{name}"
        inside = _name(deployment, path)
        if now := _unchanged(path, known.files.get(inside)):
            clean.files[inside] = now
        else:
            others.append(Path(path))
    return tables, others


def _written(deployment: Home) -> Iterator[tuple[str, str]]:
    """Every file behind the stage, by folder and name; inbox, keys, raw states and spill files are not.

    As text: a year has 26,000 of them, and paths took three times as long.

    Raises:
        FeedbackError: a folder cannot be listed.
    """
    raw = (deployment.lake / state for state in RAW_STATES)
    left_out = set(map(str, (deployment.inbox, deployment.keys, deployment.temporary, *raw, deployment.clean_files)))
    roots = {deployment.root, Path(os.environ.get("DAGSTER_HOME", deployment.dagster)).resolve()}
    for root in sorted(root for root in roots if roots.isdisjoint(root.parents)):
        yield from _files(str(root), left_out, deployment)


def _files(folder: str, left_out: Collection[str], deployment: Home) -> Iterator[tuple[str, str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:  # removed meanwhile
        return
    except OSError as error:
        raise FeedbackError(
            f"{error.filename}: cannot be listed ({error.strerror}); let this user read it, or move it out of "
            f"{deployment.root}"
        ) from None
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.path in left_out:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, left_out, deployment)
        elif _is_file(entry) and not (entry.name.endswith(("-wal", "-shm")) and entry.name[:-4] in names):
            yield folder, entry.name


def _is_file(entry: os.DirEntry[str]) -> bool:
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()  # a link can lead to itself


_Read = Callable[[list[Path]], Iterator[Texts]]
_Prints = Mapping[Path, list[int]]


def _looked_through(finder: Finder, texts: _Read, groups: Iterable[list[Path]]) -> Iterator[tuple[list[Path], _Prints]]:
    """Files in batches, each with the fingerprints of those that hold no canary for sure.

    Two at once, in this process: reading and searching leave the interpreter to others.
    """
    batches = [batch for paths in groups for batch in _batches(paths)]
    with ThreadPoolExecutor(worker_count()) as pool:
        yield from zip(batches, pool.map(partial(_clean_ones, finder, texts), batches), strict=True)


def _clean_ones(finder: Finder, texts: _Read, batch: list[Path]) -> _Prints:
    """All files of a batch where no stem of a canary stands in any, else none: they are then looked at one by one."""
    prints = {}
    for path in batch:
        with suppress(FileNotFoundError):  # removed since it was listed
            prints[path] = _fingerprint(path)  # before it is read: what changes meanwhile is read again
    with suppress(*UNREADABLE):  # of another schema, damaged, or removed since
        if all(finder.suspects(pool).is_empty() for pool in _together(texts(list(prints)))):
            return prints
    return {}


def _texts_of_all(paths: list[Path]) -> Iterator[Texts]:
    return (texts for path in paths for texts in texts_of(path))


def _together(texts: Iterable[Texts]) -> Iterator[Texts]:
    """The same texts in fewer series; bytes as they are: of them each search is cheap."""
    pool: list[pl.Series] = []
    size = 0.0
    for some in texts:
        if isinstance(some, bytes):
            yield some
            continue
        pool.append(some.cast(pl.String).alias(""))
        size += some.estimated_size()
        if size > _TEXT_AT_ONCE:
            yield pl.concat(pool)
            pool, size = [], 0.0
    if pool:
        yield pl.concat(pool)


def _in_table(deployment: Home, path: Path, finder: Finder, clean: _Clean) -> Iterator[Find]:
    with suppress(FileNotFoundError):
        found = {canary for texts in texts_of(path) for canary in finder.find(texts)}
        clean.content |= set() if found else {path.name}
        yield from _finds(deployment, path, found)


def _in_file(deployment: Home, path: Path, finder: Finder, clean: _Clean) -> Iterator[Find]:
    with suppress(FileNotFoundError):  # replaced or removed since it was listed
        now = _fingerprint(path)
        found = {canary for texts in texts_of(path) for canary in finder.find(texts)}
        if not found:
            clean.files[_name(deployment, path)] = now
        yield from _finds(deployment, path, found)


def _batches(paths: Iterable[Path]) -> Iterator[list[Path]]:
    """Large files first: one that is begun last is waited for by all others."""
    sizes = dict[Path, int]()
    for path in paths:
        with suppress(FileNotFoundError):  # removed since it was listed
            sizes[path] = path.stat().st_size
    batch, size = list[Path](), 0
    for path in sorted(sizes, key=lambda path: -sizes[path]):
        batch.append(path)
        size += sizes[path]
        if size > _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _finds(deployment: Home, path: Path, found: Iterable[Canary]) -> Iterator[Find]:
    shown = display(Path(_name(deployment, path)))
    yield from (Find(shown, one.dataset, one.day, one.entity) for one in found)


def _fingerprint(path: Path | str) -> list[int]:
    """Size and time of change, of a write-ahead log beside it too."""
    stats = [os.stat(path)]
    with suppress(FileNotFoundError):
        stats.append(os.stat(f"{path}-wal"))
    return [number for stat in stats for number in (stat.st_size, stat.st_mtime_ns)]


def _unchanged(path: str, known: list[int] | None) -> list[int] | None:
    """The fingerprint of a file, where it is the known one."""
    with suppress(FileNotFoundError):
        return known if known and known == _fingerprint(path) else None
    return None


def _name(deployment: Home, path: Path | str) -> str:
    return str(path).removeprefix(f"{deployment.root}/")
