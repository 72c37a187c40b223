"""Attributes of thousands of records at once: one long table of entries, in which columns are looked up and taken out.

What is told so of a record is what `read_attributes` and `Lift.cells` say of it; where that takes more than a look (a
key given twice, a text that must be cut), the record is named as odd, and they are asked.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeVar

import numpy as np
import polars as pl

from orchestration.sources.connector import list_series
from orchestration.sources.otlp_messages import KeyValue
from orchestration.sources.otlp_values import Lift, Origin, Plan, is_blank, plain_text
from orchestration.sources.values import TEXT_LIMIT, Attributes, MalformedRecord

Key = TypeVar("Key", bound=Hashable)

_ABSENT = -1
# Keys whose presence one double tells exactly, a bit each.
_KEYS_A_WORD = 50


@dataclass(frozen=True)
class Entries:
    """Attributes, an entry each, those of a record together and in their order.

    Attributes:
        records: how many records there are; some have no entry.
        rows: number of the record of each entry, ascending.
        codes: number of its key among `keys`.
        texts: its value as text.
        odd: numbers of the records of which this does not say what reading them alone would.
    """

    records: int
    rows: np.ndarray
    codes: np.ndarray
    keys: list[str]
    texts: pl.Series
    odd: set[int]

    @classmethod
    def of(cls, lists: Sequence[Sequence[KeyValue]], read: Mapping[int, Attributes]) -> Entries:
        """Those of records as they are listed; of some (by number, not listed) as they were read already."""
        entries = list(chain.from_iterable(lists))
        rows = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), np.int64, len(lists)))
        values = [entry.value for entry in entries]
        texts = [None if value is None else value.string_value for value in values]
        odd = set[int]()
        for place in [place for place, text in enumerate(texts) if text is None]:
            try:
                texts[place] = plain_text(values[place])
            except MalformedRecord:
                odd.add(int(rows[place]))
        keys = [entry.key for entry in entries]
        if read:
            keys += chain.from_iterable(read.values())
            texts += chain.from_iterable(own.values() for own in read.values())
            last = [*chain.from_iterable(repeat(place, len(own)) for place, own in read.items())]
            rows = np.concatenate([rows, np.array(last, np.int64)])
        known = _Numbers[str]()
        codes, told = np.fromiter(map(known.__getitem__, keys), np.int64, len(keys)), pl.Series(texts, dtype=pl.String)
        if read:
            order = np.argsort(rows, kind="stable")
            rows, codes, told = rows[order], codes[order], told.gather(order)
        return cls(len(lists), rows, codes, list(known), told, odd | _odd(rows, codes, list(known), told))

    def lifted(self, lift: Lift, origins: Sequence[Origin], is_calling: Sequence[bool]) -> pl.DataFrame:
        """Of each record the columns of `lift`, `resource` and what is left as `attributes`."""
        sought = {code: key for code, key in enumerate(self.keys) if key in lift.keys}
        places = np.flatnonzero(np.isin(self.codes, list(sought)))
        rows, codes = self.rows[places], self.codes[places]
        texts = self.texts.gather(places).to_list()
        blank = np.fromiter(map(is_blank, texts), bool, len(texts))
        shapes = pl.DataFrame(
            {
                "origin": list(map(_Numbers[int]().__getitem__, map(id, origins))),
                "is_calling": is_calling,
                **self._words("there", rows, codes, sought),
                **self._words("blank", rows[blank], codes[blank], sought),
            }
        )
        plan_of = np.zeros(self.records, np.int64)
        plans = list[Plan]()
        alike = shapes.with_row_index("row").group_by(shapes.columns, maintain_order=True).agg("row")
        for shape in alike.iter_rows(named=True):
            row = shape["row"][0]
            there, hidden = (_keys_in(shape, name, sought) for name in ("there", "blank"))
            plan_of[shape["row"]] = len(plans)
            plans.append(lift.plan(there, hidden, origins[row], is_calling=is_calling[row]))

        at = {key: np.full(self.records, _ABSENT) for key in sought.values()}
        for code, key in sought.items():
            of_key = codes == code
            at[key][rows[of_key]] = places[of_key]
        stays, columns = np.ones(len(self.rows), bool), dict[str, pl.Series]()
        for number, name in enumerate(lift.columns):
            shared = pl.Series([plan.cells[number] for plan in plans], dtype=pl.String).gather(plan_of)
            taken = np.full(self.records, _ABSENT)
            of_plans = [dict(plan.own).get(number) for plan in plans]
            for key in {key for key in of_plans if key is not None}:
                takes_it = np.array([of_plan == key for of_plan in of_plans])[plan_of]
                taken[takes_it] = at[key][takes_it]
            stays[taken[taken != _ABSENT]] = False
            place = pl.Series(taken)
            columns[name] = self.texts.gather(place.set(place == _ABSENT, None)).fill_null(shared)
        resources = pl.Series([plan.resource for plan in plans], dtype=pl.String).gather(plan_of)
        return pl.DataFrame(columns).with_columns(resource=resources, attributes=self._lists(stays))

    def _words(
        self, name: str, rows: np.ndarray, codes: np.ndarray, sought: Mapping[int, str]
    ) -> Mapping[str, np.ndarray]:
        """Which of the keys each record has, as bits of numbers."""
        bits = np.zeros(len(self.keys))
        words = dict[str, np.ndarray]()
        for first in range(0, len(sought), _KEYS_A_WORD):
            bits[:] = 0
            of_word = list(sought)[first : first + _KEYS_A_WORD]
            bits[of_word] = 2.0 ** np.arange(len(of_word))
            words[f"{name} {first}"] = np.bincount(rows, bits[codes], self.records)
        return words

    def _lists(self, stays: np.ndarray) -> pl.Series:
        """The entries that stay, as a column of lists."""
        ends = np.cumsum(np.bincount(self.rows[stays], minlength=self.records))
        keys = pl.Series(self.keys, dtype=pl.String).gather(self.codes[stays])
        return list_series("attributes", np.concatenate([[0], ends]), keys, self.texts.filter(stays))


class _Numbers(dict[Key, int]):
    """Numbers in the order in which they are asked for."""

    def __missing__(self, key: Key) -> int:
        number = self[key] = len(self)
        return number


def _odd(rows: np.ndarray, codes: np.ndarray, keys: Sequence[str], texts: pl.Series) -> set[int]:
    """The records that have a key twice, or what is so long that it must be cut."""
    is_odd = pl.Series(rows * len(keys) + codes).is_duplicated().to_numpy()
    is_odd |= np.isin(codes, [code for code, key in enumerate(keys) if len(key) > TEXT_LIMIT])
    is_odd |= (texts.str.len_bytes() > TEXT_LIMIT).fill_null(value=False).to_numpy()
    return set(rows[is_odd].tolist())


def _keys_in(shape: Mapping[str, object], name: str, sought: Mapping[int, str]) -> frozenset[str]:
    """The keys that a record's numbers tell of."""
    keys = list(sought.values())
    found = []
    for first in range(0, len(keys), _KEYS_A_WORD):
        word = int(shape[f"{name} {first}"])  # type: ignore[call-overload]  # it is a number
        found += [key for bit, key in enumerate(keys[first : first + _KEYS_A_WORD]) if word >> bit & 1]
    return frozenset(found)
