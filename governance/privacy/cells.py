"""The texts of a batch as Arrow lays them out: each distinct one once, and where it stands as numbers.

Telemetry repeats itself: what is done once a distinct text and then taken by number takes a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from governance.signals import ATTRIBUTES, resource_entries

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_TEXT = pa.large_string()
_LISTS = pa.large_list(pa.struct([("key", _TEXT), ("value", _TEXT)]))


@dataclass(frozen=True)
class Coded:
    """Texts as numbers of distinct ones: the i-th is `texts[codes[i]]`; null is a text like any other."""

    codes: Numbers
    texts: Sequence[str | None] = field(repr=False)

    @classmethod
    def of(cls, texts: pa.Array) -> Coded:
        encoded = texts.dictionary_encode(null_encoding="encode")
        return cls(encoded.indices.to_numpy().astype(np.int64), encoded.dictionary.to_pylist())

    def at(self, places: Flags | Numbers) -> Coded:
        return replace(self, codes=self.codes[places])

    def used(self) -> dict[int, str]:
        """The texts that are there, by number; null is none."""
        numbers = np.flatnonzero(np.bincount(self.codes, minlength=len(self.texts)))
        return {number: text for number in numbers.tolist() if (text := self.texts[number]) is not None}

    def holding(self, numbers: Collection[int]) -> Flags:
        """Which places hold one of the texts with these numbers."""
        flags = np.zeros(len(self.texts), dtype=bool)
        flags[list(numbers)] = True
        return flags[self.codes]

    def is_null(self) -> Flags:
        return self.holding([number for number, text in enumerate(self.texts) if text is None])

    def with_texts(self, changed: Mapping[int, str | None]) -> Coded:
        """Other texts in place of those with these numbers."""
        texts = list(self.texts)
        for number, text in changed.items():
            texts[number] = text
        return replace(self, texts=texts)

    def with_places(self, changed: Mapping[int, str | None]) -> Coded:
        """Other texts at these places."""
        if not changed:
            return self
        added = {text: len(self.texts) + place for place, text in enumerate(dict.fromkeys(changed.values()))}
        codes = self.codes.copy()
        codes[list(changed)] = [added[text] for text in changed.values()]
        return Coded(codes, [*self.texts, *added])

    def arrow(self) -> pa.Array:
        return pa.array(self.texts, _TEXT).take(pa.array(self.codes))

    def series(self, name: str) -> pl.Series:
        return pl.Series(name, self.texts, pl.String).gather(pl.Series(self.codes))


def united(places: int, parts: Iterable[tuple[Numbers, Coded]]) -> Coded:
    """One `Coded` of so many places from parts with the places they are about; null where no part is."""
    codes, texts = np.zeros(places, dtype=np.int64), [None]
    known: list[str | None] = list(texts)
    for where, part in parts:
        used = part.used()
        numbers = np.zeros(len(part.texts), dtype=np.int64)  # null: the first
        numbers[list(used)] = np.arange(len(known), len(known) + len(used))
        known += used.values()
        codes[where] = numbers[part.codes]
    return Coded(codes, known)


@dataclass(frozen=True)
class Records:
    """The records of a batch, by their numbers.

    Attributes:
        groups: which group (a day's records) each is of, in order.
        is_counted: whether what is found in it counts.
    """

    groups: Numbers
    is_counted: Flags


@dataclass(frozen=True)
class Cells:
    """Texts of records: of a column, or the values of attributes.

    Attributes:
        column: its name.
        rows: number of the record of each text; of a resource's text, number of the distinct resource.
        times: how many counted records each text stands for.
        keys: which attribute each text is of; of a column, its name.
        values: the texts.
        groups_of_rows: which group each record is of, or each distinct resource: groups share none.
        sharing: of resources, which one each record has; empty for other texts.
    """

    column: str
    rows: Numbers
    times: Numbers
    keys: Coded
    values: Coded
    groups_of_rows: Numbers
    sharing: Numbers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def groups(self) -> Numbers:
        """Which group each text is of."""
        return self.groups_of_rows[self.rows]

    def counts(self) -> Iterator[tuple[int, int, int]]:
        """Group, number of an attribute, and how often counted records of the group have it; where they do."""
        kinds = len(self.keys.texts)
        counts = np.bincount(self.groups * kinds + self.keys.codes, weights=self.times)
        for pair in np.flatnonzero(counts).tolist():
            yield (*divmod(pair, kinds), int(counts[pair]))

    def counts_by_text(self) -> Iterator[tuple[int, int, int, int]]:
        """As `counts`, by text: group, number of the attribute, number of the text, how often."""
        kinds = len(self.values.texts)
        pairs = (self.groups * len(self.keys.texts) + self.keys.codes) * kinds + self.values.codes
        met, places = np.unique(pairs, return_inverse=True)
        counts = np.bincount(places, weights=self.times).astype(np.int64)
        for pair, count in zip(met.tolist(), counts.tolist(), strict=True):
            of_key, text = divmod(pair, kinds)
            yield (*divmod(of_key, len(self.keys.texts)), text, count)

    def at(self, places: Flags | Numbers) -> Cells:
        keys, values = self.keys.at(places), self.values.at(places)
        return replace(self, rows=self.rows[places], times=self.times[places], keys=keys, values=values)

    def by_record(self, records: Records) -> Cells:
        """The texts of resources once for each record that shares one; others as they are."""
        if not len(self.sharing):
            return self
        sharing = pl.DataFrame({"row": self.sharing}).with_row_index("record")
        texts = pl.DataFrame({"row": self.rows}).with_row_index("place")
        spread = sharing.join(texts, on="row", maintain_order="left_right")
        rows = spread["record"].to_numpy().astype(np.int64)
        cells = self.at(spread["place"].to_numpy().astype(np.int64))
        return replace(
            cells,
            rows=rows,
            times=_times(rows, records),
            groups_of_rows=records.groups,
            sharing=self.sharing[:0],
        )

    def told(self) -> Iterator[tuple[int, str | None, str | None]]:
        """Row, key and value of each text."""
        for row, key, value in zip(
            self.rows.tolist(), self.keys.codes.tolist(), self.values.codes.tolist(), strict=True
        ):
            yield row, self.keys.texts[key], self.values.texts[value]


def cells_of_column(column: pl.Series, records: Records, rows: Numbers | None = None) -> Cells:
    """The texts of a column.

    Args:
        rows: the record of each text; None: a text a record.
    """
    rows = np.arange(len(column)) if rows is None else rows
    names = Coded(np.zeros(len(column), dtype=np.int64), [column.name])
    return Cells(column.name, rows, _times(rows, records), names, Coded.of(_arrow(column, _TEXT)), records.groups)


def cells_of_attributes(column: pl.Series, records: Records) -> Cells:
    """The entries of a column of attributes, in order."""
    lists = _arrow(column, _LISTS)
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    rows = np.repeat(np.arange(len(column)), lengths)
    keys, values = (Coded.of(part) for part in lists.flatten().flatten())
    return Cells(column.name, rows, _times(rows, records), keys, values, records.groups)


def as_attributes(original: pl.Series, cells: Cells, kept: Flags) -> pl.Series:
    """The column of attributes again, from the entries that are kept; null where it was null."""
    lengths = np.bincount(cells.rows[kept], minlength=len(original))
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))), pa.int64())
    left = cells.at(kept)
    entries = pa.StructArray.from_arrays([left.keys.arrow(), left.values.arrow()], names=["key", "value"])
    is_null = pa.array(original.is_null().to_numpy()) if original.null_count() else None
    made = pa.LargeListArray.from_arrays(offsets, entries, mask=is_null)
    return pl.Series(original.name, pl.from_arrow(made)).cast(ATTRIBUTES)


def cells_of_resources(column: pl.Series, records: Records) -> tuple[Coded, Cells, list[int]]:
    """The resources of the records, the entries of the distinct ones of each group, and the numbers of those that are
    none."""
    told = Coded.of(_arrow(column, _TEXT))
    kinds = max(1, len(told.texts))
    by_group = pa.array(records.groups * kinds + told.codes).dictionary_encode()
    groups, texts = np.divmod(by_group.dictionary.to_numpy(), kinds)
    resources = Coded(by_group.indices.to_numpy().astype(np.int64), [told.texts[text] for text in texts.tolist()])
    times = np.bincount(resources.codes, weights=records.is_counted, minlength=len(groups)).astype(np.int64)
    entries: list[tuple[int, str, str | None]] = []
    unreadable = []
    for number, text in enumerate(resources.texts):
        try:
            entries += ((number, key, value) for key, value in resource_entries(text))
        except ValueError:
            unreadable.append(number)
    rows = np.array([row for row, _, _ in entries], dtype=np.int64)
    keys, values = (Coded.of(pa.array([entry[place] for entry in entries], _TEXT)) for place in (1, 2))
    return resources, Cells(column.name, rows, times[rows], keys, values, groups, resources.codes), unreadable


def _times(rows: Numbers, records: Records) -> Numbers:
    return records.is_counted[rows].astype(np.int64)


def _arrow(column: pl.Series, kind: pa.DataType) -> pa.Array:
    return column.to_arrow().cast(kind)
