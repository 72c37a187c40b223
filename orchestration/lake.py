"""Where states live and how they are replaced atomically.

A partition is a folder `<state>/<source>/<signal>/<day>` with Parquet files and, written last, `manifest.json`,
which alone says which files belong to it: a folder without a manifest does not exist, and a kill at any
instruction leaves the old state or the new one. Data files are named by their content, so running again on the
same inputs writes the same names.

Partitions are made durable one by one as each is replaced, or a few at once (`Lake.group_commit`).

A table too large to be held in memory at once is there in parts, `<table>-0001` and on: whoever reads the table gets
them all, and a stage takes one at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson
import polars as pl

from governance.durability import sync

FORMAT = 1
_MANIFEST = "manifest.json"
_WORKSPACE = ".work-"
_PART = re.compile(r"-\d{4}")
# A kill undoes no more work than this within a group commit: so many partitions, so many rows.
_MOST_PARTITIONS, _MOST_ROWS = 64, 200_000
# A file system commits once what is synced at the same time: four to 32 at a time took a third of the time or less.
_SYNCED_AT_ONCE = 8


@dataclass(frozen=True)
class Table:
    """One Parquet file of a partition."""

    file: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a partition holds and what it was made from."""

    tables: Mapping[str, Table]
    counts: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)  # key -> digest of its manifest
    policy: str = ""
    key_id: str = ""
    as_of: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    stands_for: str = ""  # digest of the partition it took the place of, saying the same in fewer rows

    @cached_property
    def digest(self) -> str:
        """Hash of what the partition holds; when and why it was made is not part of it.

        One that says the same as another in fewer rows has its digest: what was made of that need not be made again.
        """
        if self.stands_for:
            return self.stands_for
        held = {
            "tables": {name: table.sha256 for name, table in sorted(self.tables.items())},
            "counts": dict(sorted(self.counts.items())),
            "facts": dict(sorted(self.facts.items())),
        }
        return hashlib.sha256(json.dumps(held, sort_keys=True).encode()).hexdigest()[:16]

    def parts(self, table: str) -> list[str]:
        """The names under which a table is there: its own, or those of its parts in order; none where it is not."""
        if table in self.tables:
            return [table]
        return sorted(name for name in self.tables if name.startswith(table) and _PART.fullmatch(name[len(table) :]))

    def rows(self, table: str) -> int:
        """Rows of a table, of all its parts."""
        return sum(self.tables[name].rows for name in self.parts(table))


def part_name(table: str, part: int, parts: int) -> str:
    """What a table's part of this number (from 0) is called; one that is not in parts has its own name."""
    return table if parts == 1 else f"{table}-{part + 1:04d}"


class Part(NamedTuple):
    """One of the parts that a partition's records are in; what becomes of it in later states has the same number.

    Attributes:
        key: of the partition.
        number: from 0.
        of: how many parts it has.
    """

    key: str
    number: int
    of: int

    @property
    def day(self) -> str:
        """ISO date."""
        return self.key.rpartition("/")[2]

    def named(self, table: str) -> str:
        """What the part of a table is called."""
        return part_name(table, self.number, self.of)


@dataclass(frozen=True)
class Made:
    """What became of a partition apart from its place, see `Lake.write`: its files, and what its manifest is to say."""

    tables: Mapping[str, Table]
    counts: Mapping[str, int]
    facts: Mapping[str, str] = field(default_factory=dict)


class Replacement:
    """What a stage writes into while it replaces a partition; see `Lake.replace`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tables: dict[str, Table] = {}
        self.counts: dict[str, int] = {}
        self.facts: dict[str, str] = {}
        self.stands_for = ""

    def write(self, table: str, frame: pl.DataFrame) -> None:
        """Write `frame` as the partition's table (or part of one) of that name."""
        self.tables[table] = _write_table(self._folder, table, frame)

    def take(self, made: Made) -> None:
        """Let the partition have what was made of it."""
        self.tables |= made.tables
        self.counts |= made.counts
        self.facts |= made.facts


class Lake:
    """A folder of partitions. Keys are `<state>/<source>/<signal>/<day>` (or shorter), always with forward slashes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Replaced, and as good as committed for this object; None outside a group commit.
        self._pending: dict[str, Manifest] | None = None

    def __reduce__(self) -> tuple[type[Lake], tuple[Path]]:
        """Another process sees what is committed."""
        return Lake, (self.root,)

    def manifest(self, key: str) -> Manifest | None:
        """The partition's manifest; None where it does not exist."""
        if self._pending and key in self._pending:
            return self._pending[key]
        return self._committed(key)

    def _committed(self, key: str) -> Manifest | None:
        path = f"{self.root}/{key}/{_MANIFEST}"
        try:
            found = os.stat(path)
            return _read_manifest(path, found.st_ino, found.st_mtime_ns)
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        return key in (self._pending or ()) or (self.root / key / _MANIFEST).is_file()

    def keys(self, prefix: str) -> list[str]:
        """Every existing partition under `prefix`, sorted."""
        start = len(str(self.root)) + 1
        pending = {key for key in self._pending or () if key == prefix or key.startswith(f"{prefix}/")}
        return sorted({folder[start:] for folder in _partitions(str(self.root / prefix))} | pending)

    def days(self, dataset: str) -> list[str]:
        """The days (ISO) of a dataset `<state>/<source>/<signal>` that exist, sorted."""
        return [key.rsplit("/", 1)[1] for key in self.keys(dataset)]

    def digests(self, keys: list[str]) -> dict[str, str]:
        """Digest of each of `keys` that exists: what a partition made from them records as its inputs."""
        return {key: manifest.digest for key in keys if (manifest := self.manifest(key))}

    def state_digest(self, prefix: str) -> str:
        """Hash of everything that exists under `prefix`."""
        made = json.dumps(self.digests(self.keys(prefix)), sort_keys=True)
        return hashlib.sha256(made.encode()).hexdigest()[:16]

    def is_current(self, key: str, inputs: Mapping[str, str], policy: str) -> bool:
        """Whether the partition was made from exactly these inputs under this policy, and need not be made again."""
        manifest = self.manifest(key)
        return manifest is not None and dict(manifest.inputs) == dict(inputs) and manifest.policy == policy

    def parts(self, key: str) -> list[Part]:
        """The parts of a partition's records, in order; none where it does not exist."""
        manifest = self.manifest(key)
        count = len(manifest.parts("records")) if manifest else 0
        return [Part(key, number, count) for number in range(count)]

    def scan_part(self, part: Part) -> pl.LazyFrame:
        """The records of a part, lazily."""
        return pl.scan_parquet(self.files(part.key, "records")[part.number])

    def files(self, key: str, table: str) -> list[Path]:
        """The files of one table of a partition: of all its parts in order; none where it does not exist."""
        manifest = self.manifest(key)
        folder = f"{self.root}/{key}"
        return [Path(f"{folder}/{manifest.tables[name].file}") for name in manifest.parts(table)] if manifest else []

    def read(self, key: str, table: str = "records", part: int | None = None) -> pl.DataFrame:
        """One table of a partition, or one part of it (from 0).

        Raises:
            FileNotFoundError: the partition, the table or the part does not exist.
        """
        files = self.files(key, table)
        if not files or (part is not None and part >= len(files)):
            raise FileNotFoundError(f"{key} has no table {table}" + ("" if part is None else f", part {part + 1}"))
        return pl.read_parquet(files if part is None else files[part])

    def scan(self, keys: Iterable[str], table: str, schema: pl.Schema) -> pl.LazyFrame:
        """One table of many partitions, lazily; empty with `schema` where none exists."""
        files = [file for key in keys for file in self.files(key, table)]
        return pl.scan_parquet(files) if files else pl.LazyFrame(schema=schema)

    def write(self, key: str, table: str, frame: pl.DataFrame) -> Table:
        """Write a file beside those of a partition; it belongs to it once a replacement takes it among its `tables`.

        For processes that compute beside the one that replaces. What nothing takes is deleted by the next replacement.
        """
        folder = self.root / key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _write_table(folder, table, frame)

    @contextmanager
    def workspace(self, key: str) -> Iterator[Path]:
        """A folder for what is written only to be read again before the partition is replaced."""
        place = self.root / key
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=place, prefix=_WORKSPACE) as folder:
            yield Path(folder)

    @contextmanager
    def replace(
        self,
        key: str,
        *,
        as_of: datetime,
        inputs: Mapping[str, str] | None = None,
        policy: str = "",
        key_id: str = "",
    ) -> Iterator[Replacement]:
        """Replace a partition whole: nothing of it is visible before the block ends well, all of it after."""
        folder = self.root / key
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        out = Replacement(folder)
        try:
            yield out
        except BaseException:
            self.sweep(key)
            raise
        made = Manifest(
            out.tables,
            out.counts,
            dict(inputs or {}),
            policy,
            key_id,
            as_of.isoformat(),
            out.facts,
            stands_for=out.stands_for,
        )
        self._settle(key, made)

    @contextmanager
    def group_commit(self) -> Iterator[None]:
        """Partitions replaced within the block are committed a few at once, in their order, the last at its end.

        For this object each is there as soon as it is replaced. Committing one by one took four times as long. A kill
        leaves the states before of those that are not committed yet; an exception commits them.
        """
        if self._pending is not None:
            yield
            return
        self._pending = {}
        try:
            yield
        finally:
            pending, self._pending = self._pending, None
            self._commit(pending)

    def _settle(self, key: str, made: Manifest) -> None:
        if self._pending is None:
            self._commit({key: made})
            return
        self._pending.pop(key, None)
        self._pending[key] = made
        rows = sum(table.rows for manifest in self._pending.values() for table in manifest.tables.values())
        if len(self._pending) >= _MOST_PARTITIONS or rows >= _MOST_ROWS:
            self._commit(self._pending)
            self._pending.clear()

    def _commit(self, made: Mapping[str, Manifest]) -> None:
        """The manifests, once all that they name is on disk for sure.

        Everything is synced at once, the manifests among them under other names: the file system then commits twice,
        now and after the renaming.
        """
        if not made:
            return
        folders = {key: self.root / key for key in made}
        with ThreadPoolExecutor(_SYNCED_AT_ONCE) as threads:
            written = {folders[key]: _write_manifest(folders[key], manifest) for key, manifest in made.items()}
            named = (folders[key] / table.file for key, manifest in made.items() for table in manifest.tables.values())
            list(threads.map(sync, (*written.values(), *named)))  # a list raises what one of them did
            for folder, manifest in written.items():
                manifest.rename(folder / _MANIFEST)
            list(threads.map(sync, {*folders.values(), *(folder.parent for folder in folders.values())}))
        for key in made:
            self.sweep(key)

    def amend(self, key: str, inputs: Mapping[str, str]) -> None:
        """Say that a partition is what these inputs give too; what it holds stays.

        Raises:
            FileNotFoundError: the partition does not exist.
        """
        manifest = self.manifest(key)
        if manifest is None:
            raise FileNotFoundError(f"{key} does not exist")
        self._settle(key, replace(manifest, inputs=dict(inputs)))

    def remove(self, key: str) -> None:
        """Remove a partition: its manifest first, so that a kill leaves no state that points at nothing."""
        folder = self.root / key
        if self._pending:
            self._pending.pop(key, None)
        (folder / _MANIFEST).unlink(missing_ok=True)
        if folder.is_dir():
            sync(folder)
            self.sweep(key)
            folder.rmdir()

    def sweep(self, key: str) -> None:
        """Delete what no manifest of a partition names: what a failure or a kill left, files of the state before."""
        folder = self.root / key
        if not folder.is_dir():
            return
        manifests = [manifest for manifest in (self.manifest(key), self._committed(key)) if manifest]
        kept = {_MANIFEST, *(table.file for manifest in manifests for table in manifest.tables.values())}
        for path in folder.iterdir():
            if path.is_file() and path.name not in kept:
                path.unlink()
            elif path.is_dir() and path.name.startswith(_WORKSPACE):
                shutil.rmtree(path)


def _partitions(folder: str) -> Iterator[str]:
    """The folders that are partitions, of which none is within another: their files are not listed."""
    if os.path.exists(f"{folder}/{_MANIFEST}"):
        yield folder
        return
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _partitions(entry.path)


def _write_table(folder: Path, table: str, frame: pl.DataFrame) -> Table:
    """`frame` as a file (zstd Parquet) named by its content; not on disk for sure before a manifest is to name it."""
    temporary = folder / f".{table}.{os.getpid()}.tmp"
    with _owner_only(temporary) as file:
        frame.write_parquet(file, compression="zstd", statistics=True)
    with temporary.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = f"{table}-{digest[:16]}.parquet"
    temporary.rename(folder / name)
    return Table(name, frame.height, digest)


def _write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Under another name than its own, which says that the partition exists."""
    temporary = folder / f".{_MANIFEST}.{os.getpid()}.tmp"
    with _owner_only(temporary) as file:
        said = {one.name: getattr(manifest, one.name) for one in fields(manifest)}
        file.write(orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))
    return temporary


@lru_cache(16_384)
def _read_manifest(path: str, inode: int, modified_ns: int) -> Manifest:
    """A manifest is never written into, only replaced: as long as the file is the same, it says the same.

    A year of a company has 8,000, and a run asks for each of them several times.
    """
    with open(path, "rb") as file:
        stored = orjson.loads(file.read())
    stored["tables"] = {name: Table(**table) for name, table in stored["tables"].items()}
    return Manifest(**stored)


@contextmanager
def _owner_only(path: Path) -> Iterator[BinaryIO]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file
