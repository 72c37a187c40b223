"""What is collected and never shows: fields that pass anonymisation though no published column is made from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from governance.access import AccessPolicy
from governance.privacy import PrivacyPolicy
from governance.signals import RESOURCE, SIGNALS

# relation -> column -> the columns it is made from, as `ModelLineage` keeps them.
Lineage = Mapping[str, Mapping[str, Iterable[Iterable[str]]]]

# Every record has these for the accounts and the order, whatever is computed.
_BOOKKEEPING = frozenset(("record_id", "event_at", "raw_bytes", "source"))
# Of what is counted before the models read it: the signal, and the fields that a column with another name is made from.
_COUNTED: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "span_requests": (
        "spans",
        {
            "period_start_at": ("start_unix_nano",),
            "duration_ms": ("duration_ns",),
            "self_ms": ("duration_ns", "start_unix_nano", "span_id", "parent_span_id", "trace_id"),
            "error_count": ("status",),
            "origin_error_count": ("status", "span_id", "parent_span_id", "trace_id"),
        },
    ),
    "span_latency": ("spans", {"period_start_at": ("start_unix_nano",), "bucket": ("duration_ns",)}),
    "span_account_days": ("spans", {}),
    "log_templates": (
        "logs",
        {
            "minute_start_at": ("time_unix_nano",),
            "template": ("body",),
            "template_id": ("body",),
            "trace_count": ("trace_id",),
        },
    ),
    "log_template_days": ("logs", {"template": ("body",), "template_id": ("body",), "trace_count": ("trace_id",)}),
    "log_account_days": ("logs", {"template_id": ("body",)}),
}
_THEMES = "text_themes"
_TEXTS = (
    *(("tickets", field) for field in ("subject", "description", "requester")),
    ("ticket_events", "body"),
    ("surveys", "body"),
)


def unused_fields(lineage: Lineage, access: AccessPolicy, privacy: PrivacyPolicy) -> dict[str, list[str]]:
    """By signal, the fields that are kept and that no published column is made from; signals without any are left out.

    A field that models only join or filter by counts as not used.

    Args:
        lineage: of every model.
    """
    published = [(table.relation, column) for table in access.tables.values() for column in table.columns]
    used = _used(_origins(lineage, published))
    found = {}
    for name, signal in SIGNALS.items():
        treatments = privacy.columns[name]
        kept = [
            column
            for column in signal.columns
            if column not in _BOOKKEEPING and (column not in treatments or treatments[column].action != "drop")
        ]
        if left := [column for column in kept if (name, column) not in used and column != RESOURCE]:
            found[name] = left
    return found


def _origins(lineage: Lineage, columns: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Every column that these are made from, over all models between."""
    seen, left = set[tuple[str, str]](), list(columns)
    while left:
        place = left.pop()
        if place not in seen:
            seen.add(place)
            relation, column = place
            left += [(one, of) for one, of in lineage.get(relation, {}).get(column, ())]
    return seen


def _used(origins: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    used = set[tuple[str, str]]()
    for relation, column in origins:
        schema, _, name = relation.partition(".")
        if schema != "lake":
            continue
        if name == _THEMES:
            used.update(_TEXTS)
        signal, made_from = _COUNTED.get(name, (name, {}))
        used |= {(signal, field) for field in made_from.get(column, (column,))}
    return used
