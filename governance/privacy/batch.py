"""Records of one signal treated together: every distinct value once, whichever record and group it is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import compress

import numpy as np
import polars as pl

from governance.privacy.cells import (
    Cells,
    Coded,
    Flags,
    Numbers,
    Records,
    as_attributes,
    cells_of_attributes,
    cells_of_column,
    cells_of_resources,
    united,
)
from governance.privacy.fields import PLAIN_ID, Treatments
from governance.privacy.findings import FindingCounts, attribute_field, by_entity
from governance.privacy.found import Scanned
from governance.privacy.policy import PrivacyPolicy, Treatment, shown_key
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS, Known, spreads
from governance.signals import ATTRIBUTES, RESOURCE, Signal, as_resource

_ROW, _GROUP = "__row", "__group"
# Treatments of text in which a known value can recur. What is kept as it is are words of systems (a status, an
# operation): a value that happens to be such a word must not take it out of them.
_TEXTUAL = ("scan", "url")
# Treatments of what people write and of who they are: what gives away a value that other texts repeat.
_TELLING = ("scan", "url", "pseudonymise")
# Treatments after which there may be no value left: the attribute is left out then.
_REMOVING = ("drop", "generalise")


@dataclass(frozen=True)
class Group:
    """Landing records that are judged by themselves, whatever others they share a batch with.

    Attributes:
        frame: in the signal's landing schema.
        known: what their threads are known to hold (MENTIONS_SCHEMA), see `mentions`.
        planted: so many records at the end are nobody's; they go the same way, and are not counted as findings.
    """

    frame: pl.DataFrame
    known: pl.DataFrame
    planted: int = 0


@dataclass(frozen=True)
class Anonymized:
    """What became of one batch of landing records: `records.height + held.height` is the batch's.

    Attributes:
        records: anonymised, in the signal's schema.
        held: still raw, in the landing schema with `held_reason` (column and cause, never content).
        withheld_fields: attribute keys no policy names, with how often each was left out.
        counted: what was looked at, and what was found in it.
    """

    records: pl.DataFrame
    held: pl.DataFrame
    withheld_fields: Mapping[str, int]
    counted: FindingCounts

    @property
    def findings(self) -> pl.DataFrame:
        """Replacements by field and entity (FINDINGS_SCHEMA)."""
        return self.counted.table()

    @property
    def entities(self) -> Mapping[str, int]:
        """Replacements by entity."""
        return by_entity(self.findings)


class Batch:
    """Groups of landing records under one policy; read once, for `mentions` or for `anonymized`."""

    def __init__(self, groups: Sequence[Group], signal: Signal, policy: PrivacyPolicy, treatments: Treatments) -> None:
        self._groups, self._signal, self._policy, self._treatments = groups, signal, policy, treatments
        self._raw = pl.concat([group.frame.select(*signal.landing_schema) for group in groups])
        self._records = _records(groups)
        self._counts = [FindingCounts() for _ in groups]
        self._withheld = [Counter[str]() for _ in groups]
        self._refusals: dict[int, str] = {}
        self._mentions: list[pl.DataFrame] = []
        self._known: Known | None = None
        self._is_looking = False  # for mentions only: nothing is put together

    @cached_property
    def _threads(self) -> pl.Series | None:
        """The thread of each record, which is another one in each group."""
        threading = THREADS.get(self._signal.name)
        if threading is None:
            return None
        threads = [group.frame[threading.column] for group in self._groups]
        return pl.concat(list(map(self._of_group, range(len(threads)), threads)))

    def _of_group(self, number: int, threads: pl.Series) -> pl.Series:
        return threads if len(self._groups) == 1 else (f"{number} " + threads).alias(threads.name)

    def mentions(self) -> list[pl.DataFrame]:
        """What the records of each group give away, by thread: their texts and the identities in their fields."""
        self._is_looking = True
        for name, kind in self._signal.columns.items():
            treatment = self._policy.columns[self._signal.name].get(name)
            if kind == ATTRIBUTES or name == RESOURCE or (treatment and treatment.action in _TELLING):
                self._column(name)
        found = pl.concat([pl.DataFrame(schema={_GROUP: pl.Int64, **MENTIONS_SCHEMA}), *self._mentions])
        of_groups = found.unique().partition_by(_GROUP, as_dict=True, include_key=False)
        none = pl.DataFrame(schema=MENTIONS_SCHEMA)
        return [of_groups.get((number,), none).sort(pl.all()) for number in range(len(self._groups))]

    def anonymized(self) -> list[Anonymized]:
        """The records under the policy, with what their threads are known to hold masked in all their texts."""
        known = pl.concat(
            [
                group.known.with_columns(self._of_group(number, group.known["thread"]))
                for number, group in enumerate(self._groups)
            ]
        )
        if not known.is_empty() and self._threads is not None:
            self._known = Known(known, self._threads)
        records = pl.DataFrame([self._column(name) for name in self._signal.columns])
        ends = np.cumsum([group.frame.height for group in self._groups]).tolist()
        starts = [0, *ends[:-1]]
        return [self._of(number, records, *place) for number, place in enumerate(zip(starts, ends, strict=True))]

    def _of(self, number: int, records: pl.DataFrame, start: int, end: int) -> Anonymized:
        """What became of a group, whose records are those from `start` to `end`."""
        refused = sorted(row for row in self._refusals if start <= row < end)
        reasons = pl.Series("held_reason", [self._refusals[row] for row in refused], pl.String)
        own = records[start:end]
        return Anonymized(
            records=own.filter(~np.isin(np.arange(start, end), refused)) if refused else own,
            held=self._raw[refused].with_columns(reasons),
            withheld_fields=dict(sorted(self._withheld[number].items())),
            counted=self._counts[number],
        )

    def _column(self, name: str) -> pl.Series:
        column = self._raw[name]
        if column.dtype == ATTRIBUTES:
            return self._attributes(column)
        if name == RESOURCE:
            return self._resource(column)
        treatment = self._policy.columns[self._signal.name][name]
        if column.dtype == pl.String:
            return self._text(column, treatment)
        if treatment.action == "drop":
            return pl.Series(name, [None] * len(column), dtype=column.dtype)
        return self._list(column, treatment) if column.dtype == pl.List(pl.String) else column

    def _text(self, column: pl.Series, treatment: Treatment) -> pl.Series:
        if treatment.action == "id" and column.str.contains(PLAIN_ID).all():  # the usual case, told in one expression
            return column
        return self._masked(cells_of_column(column, self._records), treatment).series(column.name)

    def _list(self, column: pl.Series, treatment: Treatment) -> pl.Series:
        items = pl.DataFrame(column).with_row_index(_ROW).explode(column.name).drop_nulls()
        rows = items[_ROW].to_numpy().astype(np.int64)
        masked = self._masked(cells_of_column(items[column.name], self._records, rows), treatment)
        lists = items.with_columns(masked.series(column.name)).drop_nulls().group_by(_ROW).agg(column.name)
        every = pl.DataFrame({_ROW: pl.int_range(len(column), dtype=pl.UInt32, eager=True)})
        joined = every.join(lists, on=_ROW, how="left", maintain_order="left")[column.name]
        # An empty list where all was left out, null where there was none.
        return joined.zip_with(joined.is_not_null() | column.is_null(), pl.Series([[]], dtype=column.dtype))

    def _masked(self, cells: Cells, treatment: Treatment) -> Coded:
        """The texts of a column under its treatment, without what their threads are known to hold."""
        values = self._treated(cells, treatment)
        if treatment.action not in _TEXTUAL:
            return values
        every = np.arange(len(cells.rows))
        return values.with_places(dict(self._repeated(replace(cells, values=values), every, lambda _: treatment)))

    def _attributes(self, column: pl.Series) -> pl.Series:
        treated, kept, textual = self._by_key(cells_of_attributes(column, self._records))
        if self._is_looking:
            return column
        repeated = dict(self._repeated(treated, np.flatnonzero(textual), self._policy.attribute))
        return as_attributes(column, replace(treated, values=treated.values.with_places(repeated)), kept)

    def _resource(self, column: pl.Series) -> pl.Series:
        """Each distinct resource once; record by record only where a thread is known to hold what one says."""
        resources, cells, unreadable = cells_of_resources(column, self._records)
        treated, kept, textual = self._by_key(cells)
        if self._is_looking:
            return column
        entries: list[dict[str, str | None]] = [{} for _ in resources.texts]
        for number, key, value in treated.at(kept).told():
            entries[number][str(key)] = value
        known = self._by_thread(treated.at(textual))
        own: dict[int, dict[str, str | None]] = {}
        for place, text in self._repeated(known, np.arange(len(known.rows)), self._policy.attribute):
            row = int(known.rows[place])
            told = own.setdefault(row, dict(entries[resources.codes[row]]))
            told[str(known.keys.texts[known.keys.codes[place]])] = text
        for row in np.flatnonzero(resources.holding(unreadable)).tolist():
            self._refusals.setdefault(row, f"{column.name}: no JSON object of texts")
        shown = resources.with_texts({number: as_resource(told) for number, told in enumerate(entries)})
        return shown.with_places({row: as_resource(told) for row, told in own.items()}).series(column.name)

    def _by_thread(self, cells: Cells) -> Cells:
        """The texts of resources that could repeat something, once for each record."""
        suspects = self._known.suspects(cells.values.used()) if self._known else ()
        return cells.at(cells.values.holding(suspects)).by_record(self._records)

    def _by_key(self, cells: Cells) -> tuple[Cells, Flags, Flags]:
        """Attributes, each value under the treatment of its key; which are kept at all, and which are running text."""
        kept, textual = np.zeros(len(cells.rows), dtype=bool), np.zeros(len(cells.rows), dtype=bool)
        parts = []
        for treatment, keys in self._keys_by_treatment(cells).items():
            if self._is_looking and treatment.action not in _TELLING:
                continue
            chosen = np.flatnonzero(cells.keys.holding(keys))
            treated = self._treated(cells.at(chosen), treatment)
            parts.append((chosen, treated))
            kept[chosen] = ~treated.is_null() if treatment.action in _REMOVING else True
            textual[chosen] = treatment.action in _TEXTUAL
        return replace(cells, values=united(len(cells.rows), parts)), kept, textual

    def _keys_by_treatment(self, cells: Cells) -> Mapping[Treatment, list[int]]:
        """The numbers of the keys by their treatment; those that no policy names are counted as withheld."""
        known: dict[Treatment, list[int]] = {}
        unnamed = set()
        for number, key in cells.keys.used().items():
            treatment = self._policy.attribute(key)
            if treatment is not None:
                known.setdefault(treatment, []).append(number)
            else:
                unnamed.add(number)
        for group, number, count in cells.counts() if unnamed else ():
            if number in unnamed:
                key = str(cells.keys.texts[number])
                self._withheld[group][shown_key(key)] += count
                self._counts[group].withheld(key, count)
        # In an order that no other record has a say in: of two refusals of one record, the first is told.
        return dict(sorted(known.items(), key=lambda item: str(item[0])))

    def _treated(self, cells: Cells, treatment: Treatment) -> Coded:
        """The texts after treatment; what was found, what that gives away and which records are refused are noted."""
        texts = cells.values.used()
        if treatment.action == "id" and texts:
            is_other = ~pl.Series(list(texts.values())).str.contains(PLAIN_ID)
            texts = dict(compress(texts.items(), is_other))
        results = self._treatments.apply(texts.values(), treatment)
        scanned = {number: results[text] for number, text in texts.items()}
        if self._is_looking:
            self._note_mentions(cells, scanned)
            return cells.values
        self._count(cells, scanned)
        refused = {number: result.refusal for number, result in scanned.items() if result.refusal}
        if refused:
            held = cells.at(cells.values.holding(refused)).by_record(self._records)
            for row, number in zip(held.rows.tolist(), held.values.codes.tolist(), strict=True):
                self._refusals.setdefault(row, f"{cells.column}: {refused[number]}")
        return cells.values.with_texts({number: result.text for number, result in scanned.items()})

    def _count(self, cells: Cells, scanned: Mapping[int, Scanned]) -> None:
        """Note how many values of each field were looked at, and what was found in them."""
        for group, key, count in cells.at(~cells.values.is_null()).counts():
            self._counts[group].looked_at(_field(cells, key), count)
        found = {number: result.entities for number, result in scanned.items() if result.entities}
        if not found:
            return
        for group, key, number, count in cells.at(cells.values.holding(found)).counts_by_text():
            for entity, times in found[number].items():
                self._counts[group].found(_field(cells, key), entity, times * count)

    def _note_mentions(self, cells: Cells, scanned: Mapping[int, Scanned]) -> None:
        told = [
            (number, found.entity, found.value)
            for number, result in scanned.items()
            for found in result.found
            if spreads(found.entity, found.value)
        ]
        threading = THREADS.get(self._signal.name)
        if threading is None or not told:
            return
        found = pl.DataFrame(told, schema={"in": pl.Int64, "entity": pl.String, "value": pl.String}, orient="row")
        there = cells.at(cells.values.holding(found["in"].to_list())).by_record(self._records)
        threads = self._raw[threading.column].gather(pl.Series(there.rows))
        held = pl.DataFrame({_GROUP: there.groups, "thread": threads, "in": there.values.codes})
        self._mentions.append(held.drop_nulls().unique().join(found, on="in").select(_GROUP, *MENTIONS_SCHEMA))

    def _repeated(
        self, cells: Cells, places: Numbers, treatment_of: Callable[[str], Treatment | None]
    ) -> Iterator[tuple[int, str | None]]:
        """Of the treated texts at these places, those that repeat what their threads are known to hold: place and text
        without it.

        Args:
            treatment_of: the treatment that the texts of a key had.
        """
        if self._known is None or self._threads is None:
            return
        texts = cells.at(places).values
        places = places[texts.holding(self._known.suspects(texts.used()))]
        some = cells.at(places)
        threads, values = self._threads.gather(pl.Series(some.rows)), some.values.series("value")
        beside = self._known.beside(threads, values)
        treatments = [treatment_of(str(key)) for key in some.keys.texts]
        propagate = cache(self._treatments.propagate)
        groups, keys = some.groups.tolist(), some.keys.codes.tolist()
        for place, row, group, times, key, *pair in zip(
            places.tolist(), some.rows.tolist(), groups, some.times, keys, threads, values, strict=True
        ):
            mentions, treatment = beside.get((pair[0], pair[1])), treatments[key]
            if mentions is None:
                continue
            assert treatment is not None, "a text that is kept was treated"
            scanned = propagate(pair[1], mentions, treatment)
            if scanned.refusal:
                self._refusals.setdefault(row, f"{cells.column}: {scanned.refusal}")
            for entity, count in scanned.entities.items() if times else ():
                self._counts[group].propagated(_field(cells, key), entity, count)
            yield place, scanned.text


def _records(groups: Sequence[Group]) -> Records:
    return Records(
        groups=np.repeat(np.arange(len(groups)), [group.frame.height for group in groups]),
        is_counted=np.concatenate(
            [np.arange(group.frame.height) < group.frame.height - group.planted for group in groups]
        ),
    )


def _field(cells: Cells, key: int) -> str:
    """The name under which the values of a key are counted."""
    name = str(cells.keys.texts[key])
    return name if name == cells.column else attribute_field(name)
