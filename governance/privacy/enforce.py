"""The stage: landing records in, records without personal data and secrets out, the rest held or withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import polars as pl

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy.fields import PLAIN_ID, Treatments
from governance.privacy.findings import FindingCounts, attribute_field, by_entity
from governance.privacy.found import Scanned
from governance.privacy.policy import PrivacyPolicy, Treatment, shown_key
from governance.privacy.threads import MENTIONS_SCHEMA, THREADS, Known, spreads
from governance.signals import Signal

_ROW, _REFUSED = "__row", "__refused"
# Treatments of text in which a known value can recur. What is kept as it is are words of systems (a status, an
# operation): a value that happens to be such a word must not take it out of them.
_TEXTUAL = ("scan", "url")
# Treatments of what people write and of who they are: what gives away a value that other texts repeat.
_TELLING = ("scan", "url", "pseudonymise")


@dataclass(frozen=True)
class Anonymized:
    """What became of one batch of landing records: `records.height + held.height` is the batch's.

    Attributes:
        records: anonymised, in the signal's schema.
        held: still raw, in the landing schema with `held_reason` (column and cause, never content).
        withheld_fields: attribute keys no policy names, with how often each was left out.
        findings: replacements by field and entity (FINDINGS_SCHEMA).
    """

    records: pl.DataFrame
    held: pl.DataFrame
    withheld_fields: Mapping[str, int]
    findings: pl.DataFrame

    @property
    def entities(self) -> Mapping[str, int]:
        """Replacements by entity."""
        return by_entity(self.findings)


class Anonymizer:
    """The stage under one policy and one keyring; pure: what became of a record depends on it and its thread alone."""

    def __init__(self, policy: PrivacyPolicy, keys: Keyring) -> None:
        self._policy = policy
        self._treatments = Treatments(policy, keys)

    def anonymize(
        self, frame: pl.DataFrame, signal: Signal, known: pl.DataFrame | None = None, *, planted: int = 0
    ) -> Anonymized:
        """Landing records of one signal without personal data and secrets.

        Args:
            frame: records in the signal's landing schema.
            known: what their threads are known to hold (MENTIONS_SCHEMA), see `mentions`; None: nothing but what
                the records themselves say.
            planted: so many records at the end are nobody's; they go the same way, and are not counted as findings.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        _check(frame, signal)
        if known is None:
            known = self.mentions(frame, signal)
        return _Batch(frame, signal, self._policy, self._treatments, frame.height - planted).anonymized(known)

    def mentions(self, frame: pl.DataFrame, signal: Signal) -> pl.DataFrame:
        """The values found in the records that must be masked wherever their threads repeat them (MENTIONS_SCHEMA).

        Raw values: they stay under landing's protection.

        Raises:
            PolicyError: a column of the landing schema is missing or has another type.
        """
        _check(frame, signal)
        if signal.name not in THREADS:
            return pl.DataFrame(schema=MENTIONS_SCHEMA)
        return _Batch(frame, signal, self._policy, self._treatments, frame.height).mentions()


def anonymize(
    frame: pl.DataFrame, signal: Signal, policy: PrivacyPolicy, keys: Keyring, known: pl.DataFrame | None = None
) -> Anonymized:
    """One batch through a new `Anonymizer`; see its `anonymize`."""
    return Anonymizer(policy, keys).anonymize(frame, signal, known)


class _Batch:
    def __init__(
        self, frame: pl.DataFrame, signal: Signal, policy: PrivacyPolicy, treatments: Treatments, counted: int
    ) -> None:
        self._raw, self._signal, self._policy, self._counted = frame, signal, policy, counted
        self._treatments = treatments
        self._counts = FindingCounts()
        self._withheld: Counter[str] = Counter()
        self._refusals: list[pl.DataFrame] = []
        self._mentions: list[pl.DataFrame] = []
        self._known: Known | None = None
        self._is_looking = False  # for mentions only: nothing is put together

    @property
    def _threads(self) -> pl.Series | None:
        threading = THREADS.get(self._signal.name)
        return self._raw[threading.column] if threading else None

    def mentions(self) -> pl.DataFrame:
        """What the records give away, by thread: their texts and the identities in their fields."""
        self._is_looking = True
        for name, treatment in self._policy.columns[self._signal.name].items():
            if treatment.action in _TELLING:
                self._column(name)
        if "attributes" in self._signal.columns:
            self._attributes()
        return pl.concat([pl.DataFrame(schema=MENTIONS_SCHEMA), *self._mentions]).unique().sort(pl.all())

    def anonymized(self, known: pl.DataFrame | None) -> Anonymized:
        """The records under the policy, with what their threads are known to hold masked in all their texts."""
        if known is not None and not known.is_empty() and self._threads is not None:
            self._known = Known(known, self._threads)
        columns = {
            name: self._attributes() if name == "attributes" else self._column(name) for name in self._signal.columns
        }
        reasons = pl.concat([_no_refusals(), *self._refusals]).group_by(_ROW).agg(pl.col(_REFUSED).first())
        records = pl.DataFrame(columns, schema=self._signal.schema).with_row_index(_ROW)
        held = self._raw.select(*self._signal.landing_schema).with_row_index(_ROW)
        return Anonymized(
            records=records.join(reasons, on=_ROW, how="anti", maintain_order="left").drop(_ROW),
            held=held.join(reasons, on=_ROW, how="inner", maintain_order="left")
            .drop(_ROW)
            .rename({_REFUSED: "held_reason"}),
            withheld_fields=dict(sorted(self._withheld.items())),
            findings=self._counts.table(),
        )

    def _column(self, name: str) -> pl.Series:
        treatment = self._policy.columns[self._signal.name][name]
        column = self._raw[name]
        if column.dtype == pl.String:
            rows = pl.int_range(len(column), dtype=pl.UInt32, eager=True)
            return self._treated(name, rows, column, treatment)
        if treatment.action == "drop":
            return pl.Series(name, [None] * len(column), dtype=column.dtype)
        return self._list(name, column, treatment) if column.dtype == pl.List(pl.String) else column

    def _list(self, name: str, column: pl.Series, treatment: Treatment) -> pl.Series:
        items = pl.DataFrame({name: column}).with_row_index(_ROW).explode(name).drop_nulls()
        treated = items.with_columns(self._treated(name, items[_ROW], items[name], treatment)).drop_nulls()
        grouped = treated.group_by(_ROW, maintain_order=True).agg(name)
        return _beside(column, grouped)

    def _attributes(self) -> pl.Series:
        column = self._raw["attributes"]
        pairs = pl.DataFrame({"attributes": column}).with_row_index(_ROW).explode("attributes")
        pairs = pairs.unnest("attributes").filter(pl.col("key").is_not_null())
        treatments = {key: self._policy.attribute(key) for key in pairs["key"].unique()}
        known: dict[Treatment, list[str]] = {}
        for key, treatment in treatments.items():
            if treatment is not None and (not self._is_looking or treatment.action in _TELLING):
                known.setdefault(treatment, []).append(key)
        named = [key for keys in known.values() for key in keys]
        unknown = pairs.filter(~pl.col("key").is_in(named), pl.col(_ROW) < self._counted)["key"].value_counts()
        for key, count in unknown.iter_rows():
            self._withheld[shown_key(key)] += count
            self._counts.withheld(key, count)
        parts = [pairs.clear().with_row_index("place")]
        placed = pairs.with_row_index("place")
        for treatment, keys in known.items():
            part = placed.filter(pl.col("key").is_in(keys))
            part = part.with_columns(self._treated("value", part[_ROW], part["value"], treatment, part["key"]))
            parts.append(
                part.filter(pl.lit(treatment.action not in ("drop", "generalise")) | pl.col("value").is_not_null())
            )
        kept = pl.concat(parts).sort("place")
        return _beside(
            column, kept.group_by(_ROW, maintain_order=True).agg(pl.struct("key", "value").alias("attributes"))
        )

    def _treated(
        self, name: str, rows: pl.Series, values: pl.Series, treatment: Treatment, keys: pl.Series | None = None
    ) -> pl.Series:
        """The values after treatment; rows with a refused value and all entities replaced are noted.

        `keys`: of attributes, which one each value belongs to.
        """
        if treatment.action == "id" and keys is None and values.str.contains(PLAIN_ID).all():
            # The usual case, told in one expression: anonymising 80,000 spans took 1.9 s instead of 2.9 s.
            counted_rows = values.head(int(rows.search_sorted(self._counted)))
            self._counts.looked_at(name, len(counted_rows) - counted_rows.null_count())
            return values
        listed = values.to_list()
        counted = listed[: rows.search_sorted(self._counted)]  # rows come in order
        keyed = Counter(counted) if keys is None else Counter(zip(keys.to_list(), counted, strict=False))
        told = keyed if keys is None else (value for _, value in keyed)
        distinct = dict.fromkeys(value for value in chain(told, listed[len(counted) :]) if value is not None)
        results = self._treatments.apply(distinct, treatment)
        if self._is_looking:
            self._note_mentions(rows, values, results)
            return values
        fields = {name: keyed} if keys is None else _by_field(keyed)
        self._count(fields, results)
        where = name if keys is None else "attributes"
        refused = {value: f"{where}: {result.refusal}" for value, result in results.items() if result.refusal}
        if refused:
            reasons = pl.DataFrame({_ROW: rows, _REFUSED: _replaced("reason", listed, refused)})
            self._refusals.append(reasons.drop_nulls())
        treated = _replaced(name, listed, {value: result.text for value, result in results.items()})
        return self._propagated(rows, treated, keys) if treatment.action in _TEXTUAL else treated

    def _count(self, fields: Mapping[str, Mapping[str | None, int]], results: Mapping[str, Scanned]) -> None:
        """Note what was found in the values of each field, given how often each value is there."""
        for field, values in fields.items():
            self._counts.looked_at(field, sum(values.values()) - values.get(None, 0))
            for value, rows in values.items():
                for entity, found in results[value].entities.items() if value is not None else ():
                    self._counts.found(field, entity, found * rows)

    def _note_mentions(self, rows: pl.Series, values: pl.Series, results: Mapping[str, Scanned]) -> None:
        if self._threads is None:
            return
        told = [
            (value, found.entity, found.value)
            for value, result in results.items()
            for found in result.found
            if spreads(found.entity, found.value)
        ]
        if told:
            held = pl.DataFrame({"thread": self._threads.gather(rows), "in": values}).drop_nulls().unique()
            found = pl.DataFrame(told, schema={"in": pl.String, "entity": pl.String, "value": pl.String}, orient="row")
            self._mentions.append(held.join(found, on="in").select(*MENTIONS_SCHEMA))

    def _propagated(self, rows: pl.Series, treated: pl.Series, keys: pl.Series | None) -> pl.Series:
        """The treated texts without what their threads are known to hold."""
        if self._known is None or self._threads is None:
            return treated
        beside = self._known.beside(rows, treated)
        if not beside:
            return treated
        changed = [
            (thread, text, self._treatments.propagate(text, mentions)) for (thread, text), mentions in beside.items()
        ]
        replaced = pl.DataFrame(
            [(thread, text, scanned.text) for thread, text, scanned in changed],
            schema={"thread": pl.String, "was": pl.String, "now": pl.String},
            orient="row",
        )
        texts = pl.DataFrame({"thread": self._threads.gather(rows), "was": treated})
        refused = {(thread, text): scanned.refusal for thread, text, scanned in changed if scanned.refusal}
        if refused:
            where = treated.name if keys is None else "attributes"
            told = [refused.get(pair) for pair in texts.iter_rows()]
            reasons = pl.Series(_REFUSED, [f"{where}: {reason}" if reason else None for reason in told], pl.String)
            self._refusals.append(pl.DataFrame([rows.alias(_ROW), reasons]).drop_nulls())
        replacements = {(thread, text): scanned.entities for thread, text, scanned in changed if scanned.entities}
        fields = [treated.name] * len(treated) if keys is None else map(attribute_field, keys)
        for row, field, thread, text in zip(rows, fields, texts["thread"], treated, strict=True):
            if row >= self._counted:
                break
            for entity, found in replacements.get((thread, text), {}).items():
                self._counts.propagated(field, entity, found)
        joined = texts.join(replaced, on=["thread", "was"], how="left", maintain_order="left")
        return joined.select(pl.coalesce("now", "was").alias(treated.name))[treated.name]


def _by_field(keyed: Mapping[tuple[str, str | None], int]) -> dict[str, dict[str | None, int]]:
    """How often each value of each attribute is there."""
    fields: dict[str, dict[str | None, int]] = {}
    for (key, value), rows in keyed.items():
        fields.setdefault(key, {})[value] = rows
    return {attribute_field(key): values for key, values in fields.items()}


def _replaced(name: str, values: list[str | None], mapping: Mapping[str, str | None]) -> pl.Series:
    """Each value's replacement. In Python: polars' own takes as long, and for a day of few rows ten times as long."""
    return pl.Series(name, [None if value is None else mapping.get(value) for value in values], dtype=pl.String)


def _beside(original: pl.Series, grouped: pl.DataFrame) -> pl.Series:
    """The lists of `grouped` at their rows; an empty one where all was left out, null where there was none."""
    rows = pl.DataFrame({_ROW: pl.int_range(len(original), dtype=pl.UInt32, eager=True), "was": original.is_not_null()})
    joined = rows.join(grouped, on=_ROW, how="left", maintain_order="left")
    empty = pl.lit(pl.Series([[]], dtype=original.dtype)).first()
    name = original.name
    return joined.select(pl.when(pl.col("was")).then(pl.coalesce(pl.col(name), empty)).otherwise(None).alias(name))[
        name
    ].cast(original.dtype)


def _no_refusals() -> pl.DataFrame:
    return pl.DataFrame(schema={_ROW: pl.UInt32, _REFUSED: pl.String})


def _check(frame: pl.DataFrame, signal: Signal) -> None:
    for name, dtype in signal.landing_schema.items():
        found = frame.schema.get(name)
        if found != dtype:
            raise PolicyError(
                f"landing {signal.name}: column {name} is {found or 'missing'}; expected {dtype}; pull again"
            )
