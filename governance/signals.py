"""The signals and the exact shape of their records: the contract between the stages.

A record is a span, a log record, one version of a ticket, one event of a ticket, one status of a deployment or
one log entry of an incident. `event_at` is the record's own version time: it decides the UTC day it belongs to,
and that never changes. `record_id` is stable: pulling again gives the same id. `raw_bytes` is what the record took in
its source: the bytes of its line or entry, shared evenly among the records that came out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import polars as pl

TIMESTAMP = pl.Datetime("us", "UTC")
ATTRIBUTES = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
# The attributes of what sent a record and its neighbours (resource and scope), as a JSON object of texts with sorted
# keys: the same few texts in thousands of records, so every stage looks at each once.
RESOURCE = "resource"

# Where a record was read: kept in landing and held, never passed on (a file's name can name a person).
PROVENANCE: Mapping[str, pl.DataType] = {"received_file": pl.String(), "received_line": pl.Int64()}

_COMMON: dict[str, pl.DataType] = {"record_id": pl.String(), "event_at": TIMESTAMP}
_TEXT, _INT = pl.String(), pl.Int64()


@dataclass(frozen=True)
class Signal:
    """One kind of record: its landing columns by name, without the provenance."""

    name: str
    columns: Mapping[str, pl.DataType]
    is_sampled: bool = False

    @property
    def fields(self) -> Mapping[str, pl.DataType]:
        """The columns that a source's own mapping can fill; the others follow from how a record was sent and read."""
        return {name: kind for name, kind in self.columns.items() if name not in (RESOURCE, "raw_bytes")}

    @property
    def landing_schema(self) -> pl.Schema:
        """Columns of a landing or held partition."""
        return pl.Schema({**self.columns, **PROVENANCE})

    @property
    def schema(self) -> pl.Schema:
        """Columns of an anonymized, checked or quarantined partition."""
        return pl.Schema(dict(self.columns))


def _signal(name: str, *, is_sampled: bool = False, **columns: pl.DataType) -> Signal:
    return Signal(name, {**_COMMON, **columns, "raw_bytes": _INT}, is_sampled)


SIGNALS: Mapping[str, Signal] = {
    signal.name: signal
    for signal in (
        _signal(
            "spans",
            is_sampled=True,
            trace_id=_TEXT,  # 32 lower-case hex digits
            span_id=_TEXT,  # 16 lower-case hex digits
            parent_span_id=_TEXT,  # null: a root
            service=_TEXT,
            service_version=_TEXT,
            operation=_TEXT,
            kind=_TEXT,  # unspecified | internal | server | client | producer | consumer
            start_unix_nano=_INT,
            duration_ns=_INT,
            status=_TEXT,  # unset | ok | error
            status_message=_TEXT,
            account_id=_TEXT,
            account_plan=_TEXT,
            feature_flag=_TEXT,
            feature_variant=_TEXT,
            dependency=_TEXT,  # what a client span called: peer.service, db.system, server.address
            resource=_TEXT,  # see RESOURCE
            attributes=ATTRIBUTES,  # the span's own, values as text
        ),
        _signal(
            "logs",
            is_sampled=True,
            time_unix_nano=_INT,
            service=_TEXT,
            service_version=_TEXT,
            severity_number=_INT,  # 1..24, null: not said
            severity=_TEXT,  # TRACE | DEBUG | INFO | WARN | ERROR | FATAL | UNSET
            body=_TEXT,
            trace_id=_TEXT,
            span_id=_TEXT,
            account_id=_TEXT,
            resource=_TEXT,
            attributes=ATTRIBUTES,
        ),
        _signal(
            "tickets",  # one row per version of a ticket; event_at is its updated_at
            ticket_id=_TEXT,
            created_at=TIMESTAMP,
            status=_TEXT,  # new | open | pending | hold | solved | closed
            closed_at=TIMESTAMP,  # null: not closed, or not said
            priority=_TEXT,
            ticket_type=_TEXT,
            channel=_TEXT,
            subject=_TEXT,
            description=_TEXT,
            requester=_TEXT,  # whoever wrote it: an e-mail address, login or id
            account_id=_TEXT,
            service=_TEXT,  # product area where the system has a field for it
            tags=pl.List(pl.String),
            attributes=ATTRIBUTES,
        ),
        _signal(
            "ticket_events",
            ticket_id=_TEXT,
            event_type=_TEXT,  # comment | status
            author=_TEXT,
            author_role=_TEXT,  # end_user | agent | null: not said
            is_public=pl.Boolean(),
            status=_TEXT,
            body=_TEXT,
        ),
        _signal(
            "deployments",  # one row per status of a deployment; event_at is the status's created_at
            deployment_id=_TEXT,
            status=_TEXT,  # created | queued | pending | in_progress | success | failure | error | inactive
            created_at=TIMESTAMP,
            service=_TEXT,
            service_version=_TEXT,
            environment=_TEXT,
            ref=_TEXT,
            sha=_TEXT,
            description=_TEXT,
            creator=_TEXT,
            attributes=ATTRIBUTES,
        ),
        _signal(
            "incidents",  # one row per log entry of an incident; event_at is the entry's created_at
            incident_id=_TEXT,
            entry_type=_TEXT,  # trigger | acknowledge | mitigate | resolve | note
            started_at=TIMESTAMP,  # when it began to hurt, where the system says so
            created_at=TIMESTAMP,
            service=_TEXT,
            urgency=_TEXT,
            status=_TEXT,  # triggered | acknowledged | resolved
            title=_TEXT,
            entry_text=_TEXT,
            agent=_TEXT,
            deployment_id=_TEXT,  # the deployment the incident names as its cause, where it does
            attributes=ATTRIBUTES,
        ),
    )
}

# What could not be read: one row per line, record or file set aside. No content, only where and why.
MALFORMED_SCHEMA = pl.Schema(
    {"signal": pl.String, "event_date": pl.Date, "file": pl.String, "line": pl.Int64, "reason": pl.String}
)


def resource_entries(resource: str | None) -> list[tuple[str, str | None]]:
    """The attributes of a resource (see RESOURCE) by key.

    Raises:
        ValueError: it is no JSON object of texts; the message does not show it.
    """
    try:
        entries = orjson.loads(resource) if resource is not None else {}
    except orjson.JSONDecodeError:
        entries = None
    if not isinstance(entries, dict) or not all(value is None or isinstance(value, str) for value in entries.values()):
        raise ValueError("no JSON object of texts") from None
    return list(entries.items())


def as_resource(entries: Mapping[str, str | None]) -> str | None:
    """Attributes as a resource; null where there are none."""
    return orjson.dumps(entries, option=orjson.OPT_SORT_KEYS).decode() if entries else None
