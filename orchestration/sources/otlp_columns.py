"""Records of export requests, read column by column: what is as it should be is told so for thousands at once.

A record of which anything is unusual is read alone by the careful reader, so that there is one place that says what is
refused and why; of any other record both say the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import numpy as np
import polars as pl

from governance.signals import SIGNALS
from orchestration.sources.connector import Cell, Pull, Rows, is_enough
from orchestration.sources.otlp_attributes import Entries
from orchestration.sources.otlp_messages import KeyValue
from orchestration.sources.otlp_values import Lift, Origin
from orchestration.sources.values import Attributes, MalformedRecord

Record = TypeVar("Record")

# The time of a record (in microseconds) and its cells, in the order of the signal's columns.
Read = tuple[int, Sequence[Cell]]


class Columns(ABC, Generic[Record]):
    """Collects the records of one signal until they are asked for.

    Attributes:
        signal: its name.
        lifted: columns that are taken out of the attributes, in this order.
    """

    signal: ClassVar[str]
    lifted: ClassVar[tuple[str, ...]]

    def __init__(self, pull: Pull, file: str) -> None:
        self._lift = Lift.of(pull.source, self.lifted)
        self._keys, self._latest_us, self._file = pull.keys, pull.latest_us, file
        self._records: list[Record] = []
        self._origins: list[Origin] = []
        self._lines: list[tuple[int, int, int]] = []  # number and bytes of each line, and how many records before it
        self._bytes = 0

    @abstractmethod
    def alone(self, record: Record, origin: Origin) -> Read:
        """One record, read with care.

        Raises:
            MalformedRecord: it cannot be taken.
        """

    @abstractmethod
    def _checked(self) -> pl.DataFrame:
        """What the records say themselves, a row each: columns of the signal, and `is_usual`, `is_calling`."""

    @abstractmethod
    def _listed(self) -> list[Sequence[KeyValue]]:
        """Of each record its own attributes as they are listed."""

    @abstractmethod
    def _unlisted(self) -> list[int]:
        """The places of the records whose own attributes are more than what is listed."""

    @abstractmethod
    def _attributes(self, record: Record) -> Attributes:
        """The record's own; raises MalformedRecord."""

    @property
    def is_full(self) -> bool:
        return is_enough(len(self._records), self._bytes)

    def line(self, number: int, size: int) -> None:
        """The records added next are those of this line."""
        self._lines.append((number, size, len(self._records)))
        self._bytes += size

    def add(self, records: Sequence[Record], origin: Origin) -> None:
        self._records += records
        self._origins += [origin] * len(records)

    def hand_over(self, rows: Rows) -> None:
        """Give the records so far to `rows`, in their order, those that cannot be taken with the reason."""
        if not self._records:
            self._lines, self._bytes = [], 0
            return
        odd, frame = self._usual()
        unusual: dict[int, Read | MalformedRecord] = {}
        for place in odd:
            try:
                unusual[place] = self.alone(self._records[place], self._origins[place])
            except MalformedRecord as reason:
                unusual[place] = reason
        lines, sizes = self._shares({place for place, one in unusual.items() if isinstance(one, MalformedRecord)})
        usual = np.delete(np.arange(len(self._records)), odd)
        frame = frame.with_columns(
            raw_bytes=pl.Series(sizes[usual]),
            received_file=pl.lit(self._file, pl.String),
            received_line=pl.Series(lines[usual]),
        ).select(*SIGNALS[self.signal].landing_schema)
        done = 0
        for before, place in enumerate(odd):
            rows.extend(self.signal, frame[done : place - before])
            done = place - before
            one = unusual[place]
            if isinstance(one, MalformedRecord):
                rows.reject(int(lines[place]), one, self.signal)
            else:
                rows.consumed(int(sizes[place]))
                rows.add(self.signal, *one, int(lines[place]))
        rows.extend(self.signal, frame[done:])
        self._records, self._origins, self._lines, self._bytes = [], [], [], 0

    def _shares(self, refused: set[int]) -> tuple[np.ndarray, np.ndarray]:
        """Line and bytes of each record; those of a line share its bytes, the refused ones have none."""
        firsts = [first for _, _, first in self._lines]
        lines, sizes = np.zeros(len(self._records), np.int64), np.zeros(len(self._records), np.int64)
        for (number, size, first), last in zip(self._lines, [*firsts[1:], len(self._records)], strict=True):
            lines[first:last] = number
            good = (
                [place for place in range(first, last) if place not in refused] if refused else np.arange(first, last)
            )
            if len(good):
                sizes[good] = np.diff(size * np.arange(len(good) + 1) // len(good))
        return lines, sizes

    def _usual(self) -> tuple[list[int], pl.DataFrame]:
        """The places of the unusual records, and the other ones as a frame in their order."""
        table = self._checked()
        read, odd = dict[int, Attributes](), set[int]()
        for place in self._unlisted():
            try:
                read[place] = self._attributes(self._records[place])
            except MalformedRecord:
                odd.add(place)
        lists = [() if place in read or place in odd else listed for place, listed in enumerate(self._listed())]
        entries = Entries.of(lists, read)
        lifted = entries.lifted(self._lift, self._origins, table["is_calling"].to_list())
        is_odd = ~table["is_usual"].to_numpy()
        is_odd[[*odd, *entries.odd]] = True
        return np.flatnonzero(is_odd).tolist(), table.hstack(lifted).filter(~is_odd)


def holds_id(name: str, digits: int) -> pl.Expr:
    """Whether a column holds so many lower-case hex digits, not all zero."""
    return pl.col(name).str.contains(f"^[0-9a-f]{{{digits}}}$") & (pl.col(name) != "0" * digits)


def nanoseconds_in(name: str) -> pl.Expr:
    """A column of decimal text as a number; null where it is none, or more than fits."""
    text = pl.col(name)
    return pl.when(text.str.contains("^[0-9]{1,19}$")).then(text).cast(pl.Int64, strict=False)


def small_number(value: str | int | None) -> int:
    """An enum as a number; -1: it is written in another way, or no number a column holds."""
    return value if type(value) is int and -1 <= value <= 99 else 0 if value is None else -1


def named(name: str, names: Mapping[int, str]) -> pl.Expr:
    """A column of numbers by their names."""
    return pl.col(name).replace_strict(names, default=None, return_dtype=pl.String)
