"""From which fields of the records a published column is made: through the models, and what the stages count.

The models' part is what the transform stage keeps of their SQL (`column_lineage.json`), the stages' part is said here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from governance.access import AccessPolicy, Role
from governance.metrics import Metric
from governance.privacy import load_privacy
from governance.signals import RESOURCE, SIGNALS
from orchestration.origins import ROWS, Logic, Origins
from orchestration.stages.warehousing import LAKE_TABLES

# One row per column and column it is made of. `relation` is schema and model, `lake.<table>`, or `anonymized.<signal>`
# and `landing.<signal>` for the records' own fields. treatment: what privacy.yml does to a field on its way.
LINEAGE_SCHEMA = pl.Schema(
    dict.fromkeys(("relation", "column_name", "from_relation", "from_column", "treatment"), pl.String())
)
_LAKE, _SEEDS = "lake.", "seeds."
_DAY = "event_date"  # the time of rows that stand for a day
_AUDIT = ("run_id", "as_of", "definition_hash")
_CALENDARS = ("intermediate.int_days_unheard",)  # on which days a figure is known, not what it is made of
_TEXTS = {"tickets": ("subject", "description"), "ticket_events": ("body",), "surveys": ("body",)}
# Columns that stages make, and of which fields: () where it is none (a count of records, a label, a draw). A column
# called like a field is that field.
COUNTED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("source", "signal", "grain", "measure", "weight", "kept_because", "draw", "floor_share"), ()),
    **dict.fromkeys(("span_count", "record_count", "text_source"), ()),
    **dict.fromkeys(
        ("event_date", "period_start_at", "minute_start_at", "first_seen_on", "first_span_at"), ("event_at",)
    ),
    **dict.fromkeys(("error_count", "has_error", "is_forced"), ("status",)),
    "origin_error_count": ("status", "parent_span_id"),
    **dict.fromkeys(("duration_ms", "bucket", "root_duration_ns", "is_slow"), ("duration_ns",)),
    **dict.fromkeys(("self_ms", "slowest_self_bucket"), ("start_unix_nano", "duration_ns", "parent_span_id")),
    "root_service": ("service",),
    **dict.fromkeys(("root_operation", "is_rare"), ("operation",)),
    **dict.fromkeys(("template", "template_id"), ("body",)),
    **dict.fromkeys(("trace_count", "failing_trace_count"), ("trace_id",)),
    **dict.fromkeys(("compared_days", "expected_count", "is_new", "is_rising", "is_noise"), ("event_at", "body")),
    "document_id": ("ticket_id",),
}


class Lineage:
    """What each column is made of, of models and of what they read.

    Args:
        models: by `schema.model`, the columns of each and their origins.
        logic: by `schema.model`, what its columns are computed by.
    """

    def __init__(self, models: Mapping[str, Origins], logic: Mapping[str, Logic] | None = None) -> None:
        self._models, self._logic = models, logic or {}
        self._fields: dict[tuple[str, str], frozenset[tuple[str, str]]] = {}
        self._treatments = load_privacy().columns

    @classmethod
    def load(cls, path: Path) -> Lineage:
        """What the transform stage left; nothing where there is none."""
        try:
            known = json.loads(path.read_text())
        except (OSError, ValueError):
            known = {}
        origins, logic = ({name: model.get(of, {}) for name, model in known.items()} for of in ("origins", "logic"))
        return cls(origins, logic)

    def knows(self, relation: str) -> bool:
        """Whether the SQL of a model was understood."""
        return bool(self._models.get(relation))

    def logic(self, relation: str, columns: Iterable[str]) -> dict[str, str]:
        """By column, a digest of what it is computed by; nothing where no model of that name was built."""
        known = self._logic.get(relation, {})
        return {name: known.get(name) or known[ROWS] for name in columns if known}

    def edges(self, columns: Iterable[tuple[str, str]]) -> pl.DataFrame:
        """Everything these columns (relation, name) are made of, step by step (LINEAGE_SCHEMA)."""
        rows, seen, due = list[tuple[str, str, str, str, str | None]](), set[tuple[str, str]](), list(columns)
        while due:
            if (place := due.pop()) in seen:
                continue
            seen.add(place)
            for origin in self._models.get(place[0], {}).get(place[1], ()):
                if origin[1] != ROWS:
                    due.append((origin[0], origin[1]))
                    rows.append((*place, *origin, None))
            rows += self._of_stages(*place)
        return pl.DataFrame(sorted(set(rows), key=str), LINEAGE_SCHEMA, orient="row")

    def of_role(self, role: Role) -> pl.DataFrame:
        """What each column of a role's tables is made of; the first step is from the table to its relation."""
        columns = [(table, column.name) for table in role.tables for column in table.columns]
        copied = [(table.name, name, table.relation, name, None) for table, name in columns]
        made = self.edges((table.relation, name) for table, name in columns)
        return pl.concat([pl.DataFrame(copied, LINEAGE_SCHEMA, orient="row"), made])

    def fields(self, relation: str, column: str) -> frozenset[tuple[str, str]]:
        """The fields (signal, name) whose values a column is made of."""
        place = (relation, column)
        if place not in self._fields:
            self._fields[place] = frozenset()  # a model that read itself would never end
            table = relation.removeprefix(_LAKE)
            own = lake_fields(table, column) if relation.startswith(_LAKE) and table in LAKE_TABLES else []
            origins = self._models.get(relation, {}).get(column, ())
            self._fields[place] = frozenset(own).union(*(self.fields(*origin) for origin in origins))
        return self._fields[place]

    def published_fields(self, access: AccessPolicy) -> set[tuple[str, str]] | None:
        """The fields (signal, name) that published columns are made of; None where no model's SQL is known yet."""
        if not self._models:
            return None
        columns = [(table.relation, column) for table in access.tables.values() for column in table.columns]
        return set[tuple[str, str]]().union(*(self.fields(*place) for place in columns))

    def signals(self, relation: str, columns: Iterable[str]) -> list[str]:
        """The signals whose records these columns depend on, counts of rows included; none: no record, or not known."""
        found, seen, due = set[str](), set[tuple[str, str]](), [(relation, column) for column in columns]
        while due:
            place = due.pop()
            if place in seen or place[1] in _AUDIT or place[0] in _CALENDARS:
                continue
            seen.add(place)
            if place[0].startswith(_LAKE):
                found.update(_signals_of(place[0]))
            elif not place[0].startswith(_SEEDS):
                if not self.knows(place[0]):
                    return []
                due += [(origin[0], origin[1]) for origin in self._models[place[0]].get(place[1], ())]
        return sorted(found)

    def _of_stages(self, relation: str, column: str) -> Iterator[tuple[str, str, str, str, str | None]]:
        """What a column of schema `lake` is made of, down to landing; nothing of a policy or of the ledger."""
        name = relation.removeprefix(_LAKE)
        if not relation.startswith(_LAKE) or name not in LAKE_TABLES:
            return
        for signal, field in lake_fields(name, column):
            treatment = self._treatments[signal].get(field)
            yield relation, column, f"anonymized.{signal}", field, None
            yield f"anonymized.{signal}", field, f"landing.{signal}", field, str(treatment) if treatment else None


def signals_of(catalogue: Iterable[Metric], lineage: Lineage) -> dict[str, list[str]]:
    """By metric, the signals its values are made of; a metric whose lineage is not known is left out.

    They are made of what is measured, and of when it was: without the record that dates it, there would be no row to
    count. A row of a day alone is there whatever happened on it.
    """
    found = {
        one.name: lineage.signals(
            f"marts.{one.table}",
            [*one.columns[1 + len(one.dimensions) :], *(() if one.time == _DAY else (one.time,))],
        )
        for one in catalogue
    }
    return {name: signals for name, signals in found.items() if signals}


def _signals_of(relation: str) -> Sequence[str]:
    name = relation.removeprefix(_LAKE)
    if name in ("ledger", "freshness", "malformed"):
        return list(SIGNALS)
    if name not in LAKE_TABLES or name == "state_history":
        return []  # a policy, or what earlier runs said
    table = LAKE_TABLES[name]
    if table.signal is None:
        return list(SIGNALS)
    return list(_TEXTS) if table.state == "themes" else [table.signal]


def lake_fields(table: str, column: str) -> list[tuple[str, str]]:
    """The fields (signal, name) that a column of a relation of schema `lake` is made of."""
    signal = LAKE_TABLES[table].signal
    if signal is None or signal not in SIGNALS:
        return []
    if LAKE_TABLES[table].state == "themes" and column in ("theme", "theme_id", "confidence"):
        return [(name, field) for name, fields in _TEXTS.items() for field in fields]
    fields = (column,) if column in SIGNALS[signal].schema else COUNTED.get(column, ())
    return [(signal, field) for field in fields]


def personal_fields() -> set[tuple[str, str]]:
    """The fields (signal, name) that privacy.yml marks as personal: pseudonyms, and text that people may be named in.

    Attributes, which it treats key by key, are among them: any can be such a text.
    """
    return {
        (signal, field)
        for signal, treatments in load_privacy().columns.items()
        for field, treatment in treatments.items()
        if treatment.action in ("pseudonymise", "scan")
    } | {(signal, name) for signal in SIGNALS for name in ("attributes", RESOURCE)}


def unmarked(policy: AccessPolicy, lineage: Lineage) -> dict[str, str]:
    """Published columns (`table.column`) made of personal fields that access.yml does not mark, and of which fields.

    Only what some role sees as it is. None where the policy says nothing of what is personal.
    """
    personal, found = personal_fields(), dict[str, str]()
    if policy.personal is None:
        return found
    for role in policy.roles.values():
        for table in role.tables:
            for column in table.columns:
                place = f"{table.name}.{column.name}"
                fields = lineage.fields(table.relation, column.name) & personal
                if fields and column.mask != "blank" and place not in policy.personal_columns:
                    found[place] = ", ".join(f"{signal}.{field}" for signal, field in sorted(fields))
    return found
