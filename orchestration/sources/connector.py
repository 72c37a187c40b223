"""What every connector shares: a pull, a document read once, and the bounded batches that come out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from governance.keys import Keyring
from governance.signals import ATTRIBUTES, MALFORMED_SCHEMA, SIGNALS, TIMESTAMP
from governance.sources import Source
from orchestration.sources.values import AheadOfRun, Attributes, MalformedRecord, latest_us, to_microseconds

BATCH_RECORDS = 50_000
BATCH_BYTES = 64 * 2**20
_DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()

Cell = str | int | float | bool | None | list[str] | Attributes


@dataclass(frozen=True)
class Pull:
    """One visit to a source.

    Attributes:
        as_of: the run's time; a record later than a day after it is implausible.
        received_at: the time of a record that has none of its own; stays the same when a document is read again.
    """

    source: Source
    inbox: Path
    keys: Keyring
    as_of: datetime
    received_at: datetime

    @property
    def latest_us(self) -> int:
        return latest_us(self.as_of)


@dataclass(frozen=True)
class Document:
    """A file or a page of an answer.

    Attributes:
        id: hash of its bytes; the same bytes are never read twice.
        name: its path relative to the inbox, or the page's address without its host.
        size: in bytes, as it was when the id was taken.
        opened: opens those bytes, and no more where the file grew since.
    """

    id: str
    name: str
    size: int
    opened: Callable[[], BufferedReader] = field(repr=False)


@dataclass(frozen=True)
class Batch:
    """At most BATCH_RECORDS records, each signal in its landing schema, and what was set aside on the way.

    Attributes:
        ahead_us: the earliest time for which a record was set aside as later than the run allows; None: there is none.
    """

    records: Mapping[str, pl.DataFrame]
    malformed: pl.DataFrame
    skipped: int = 0
    ahead_us: int | None = None


class Connector(Protocol):
    """One type of source.

    Attributes:
        version: raised whenever the same bytes would be read differently; documents are then read again.
    """

    version: int

    def documents(self, pull: Pull) -> Iterator[Document]:
        """What there is to read now, in a stable order."""
        ...

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        """Everything a document says, in bounded batches."""
        ...


def is_enough(records: int, size: int) -> bool:
    """Whether so many records, of so many bytes, are a batch."""
    return records >= BATCH_RECORDS or size >= BATCH_BYTES


def earliest(*times: int | None) -> int | None:
    """The first of those that there are."""
    return min((time for time in times if time is not None), default=None)


class Rows:
    """Collects the records of one document and hands them over as batches.

    A malformed row has no time of its own: it counts on the day of the nearest good record before it, else of the
    next one behind it, else on the day of the pull.
    """

    def __init__(self, document: Document, pull: Pull) -> None:
        self._file = document.name
        self._signal: str | None = None
        self._day: int | None = None
        self._first: tuple[str, int] | None = None
        self._fallback = (pull.source.signals[0], to_microseconds(pull.as_of) // _DAY_US)
        self._records: dict[str, list[tuple[Cell, ...]]] = {}  # since the last frame of their signal
        self._frames: dict[str, list[pl.DataFrame]] = {}
        self._held = 0
        self._malformed: list[tuple[str | None, int | None, int, str]] = []
        self._ahead_us: int | None = None
        self._skipped = 0
        self._bytes = 0
        self._unshared = 0  # bytes of the line or entry that is being read
        self._fresh: list[str] = []  # signals of the records that came out of it
        self._sizes: dict[str, list[int]] = {}

    def add(self, signal: str, event_us: int, cells: Sequence[Cell], line: int) -> None:
        """One record: its cells in the order of the signal's columns, raw_bytes and the provenance left out."""
        self._signal, self._day = signal, event_us // _DAY_US
        self._first = self._first or (signal, self._day)
        self._records.setdefault(signal, []).append((*cells, self._file, line))
        self._fresh.append(signal)
        self._held += 1

    def extend(self, signal: str, records: pl.DataFrame) -> None:
        """Records in the signal's landing schema, whole."""
        if records.is_empty():
            return
        self._share()
        self._settle(signal)
        first, last = (moment.toordinal() - _EPOCH for moment in (records["event_at"][0], records["event_at"][-1]))
        self._signal, self._day = signal, last
        self._first = self._first or (signal, first)
        self._frames.setdefault(signal, []).append(records)
        self._held += records.height

    def reject(self, line: int, reason: str | MalformedRecord, signal: str | None = None) -> None:
        """One line, record or file that cannot be taken."""
        if isinstance(reason, AheadOfRun):
            self._ahead_us = earliest(self._ahead_us, reason.microseconds)
        self._malformed.append((signal or self._signal, self._day, line, str(reason)))
        self._held += 1

    def skip(self) -> None:
        """One entry that is readable, but no record of a signal (such as a pull request among issues)."""
        self._skipped += 1

    def consumed(self, size: int) -> None:
        """Note that `size` bytes are read now: the next records share them, and large ones fill a batch sooner."""
        self._share()
        self._bytes += size
        self._unshared = size

    @property
    def is_full(self) -> bool:
        return is_enough(self._held, self._bytes)

    def batch(self) -> Batch:
        """What was collected since the last batch."""
        self._share()
        signal, day = self._first or self._fallback
        rows = [(s or signal, day if d is None else d, line, reason) for s, d, line, reason in self._malformed]
        malformed = pl.DataFrame(
            {
                "signal": [row[0] for row in rows],
                "event_date": pl.Series([row[1] for row in rows], dtype=pl.Int32).cast(pl.Date),
                "file": [self._file] * len(rows),
                "line": [row[2] for row in rows],
                "reason": [row[3] for row in rows],
            },
            schema=MALFORMED_SCHEMA,
        )
        for name in list(self._records):
            self._settle(name)
        records = {name: pl.concat(frames) for name, frames in self._frames.items()}
        done = Batch(records, malformed, self._skipped, self._ahead_us)
        self._frames, self._malformed, self._skipped, self._bytes, self._held = {}, [], 0, 0, 0
        self._ahead_us = None
        return done

    def _settle(self, signal: str) -> None:
        """Make a frame of the records added one by one."""
        if cells := self._records.pop(signal, None):
            self._frames.setdefault(signal, []).append(frame(signal, cells, self._sizes.pop(signal)))

    def _share(self) -> None:
        """Give the bytes of what was read last to the records that came out of it; without any they are nobody's."""
        count = len(self._fresh)
        for place, signal in enumerate(self._fresh):
            share = self._unshared * (place + 1) // count - self._unshared * place // count
            self._sizes.setdefault(signal, []).append(share)
        self._fresh, self._unshared = [], 0


def frame(signal: str, rows: Sequence[tuple[Cell, ...]], sizes: Sequence[int]) -> pl.DataFrame:
    """`rows` of cells in the order of the signal's landing schema but for raw_bytes, and these, as a frame of it."""
    schema = SIGNALS[signal].landing_schema
    names = [name for name in schema if name != "raw_bytes"]
    columns: dict[str, Sequence[Cell]] = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns["raw_bytes"] = sizes
    return pl.DataFrame([_series(name, columns[name], dtype) for name, dtype in schema.items()])


def _series(name: str, cells: Sequence[Cell], dtype: pl.DataType) -> pl.Series:
    if dtype == ATTRIBUTES:
        return attribute_series(name, [cell if isinstance(cell, dict) else {} for cell in cells])
    if dtype == TIMESTAMP:
        return pl.Series(name, cells, dtype=pl.Int64).cast(TIMESTAMP)
    return pl.Series(name, cells, dtype=dtype)


def attribute_series(name: str, cells: Sequence[Attributes]) -> pl.Series:
    """A column of attributes, a dict a record."""
    offsets = [0]
    for cell in cells:
        offsets.append(offsets[-1] + len(cell))
    keys = pl.Series(list(chain.from_iterable(cells)), dtype=pl.String)
    values = pl.Series(list(chain.from_iterable(cell.values() for cell in cells)), dtype=pl.String)
    return list_series(name, offsets, keys, values)


def list_series(name: str, offsets: Sequence[int] | np.ndarray, keys: pl.Series, values: pl.Series) -> pl.Series:
    """A column of attributes: those of a record end where those of the next one begin."""
    # Built from flat arrays and offsets: a list of dicts a row took polars 12 times as long.
    entries = pa.StructArray.from_arrays([keys.to_arrow(), values.to_arrow()], names=["key", "value"])
    lists = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), entries)
    return pl.Series(name, pl.from_arrow(lists)).cast(ATTRIBUTES)
