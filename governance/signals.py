"""The signals and the exact shape of their records: the contract between the stages.

A record is a span, a log record, one version of a ticket, one event of a ticket, one status of a deployment, one log
entry of an incident, one version of a pull request, a commit, a review, one version of a CI run, one measured outcome
or one answer to a survey. `event_at` is the record's own version time: it decides the UTC day it belongs to, and that
never changes. `record_id` is stable: pulling again gives the same id. `raw_bytes` is what the record took in its
source: the bytes of its line or entry, shared evenly among the records that came out of it.
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
_TEXT, _INT, _NUMBER = pl.String(), pl.Int64(), pl.Float64()


@dataclass(frozen=True)
class Signal:
    """One kind of record: its landing columns by name, without the provenance.

    Attributes:
        is_versioned: a record says how something stood at a time, which its id tells by the second.
        apart_by: columns of which one differs where two records are two whatever their id is (Zipkin gives a span that
            calls and the one it calls the same). Empty: records of one id are one.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    is_sampled: bool = False
    is_versioned: bool = False
    apart_by: tuple[str, ...] = ()

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


def _signal(
    name: str,
    *,
    is_sampled: bool = False,
    is_versioned: bool = False,
    apart_by: tuple[str, ...] = (),
    **columns: pl.DataType,
) -> Signal:
    return Signal(name, {**_COMMON, **columns, "raw_bytes": _INT}, is_sampled, is_versioned, apart_by)


SIGNALS: Mapping[str, Signal] = {
    signal.name: signal
    for signal in (
        _signal(
            "spans",
            is_sampled=True,
            apart_by=("service", "kind"),
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
            is_versioned=True,
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
            is_versioned=True,
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
            is_versioned=True,
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
        _signal(
            "pull_requests",  # one row per version of a pull request; event_at is its updated_at
            is_versioned=True,
            pull_request_id=_TEXT,  # repository#number
            repository=_TEXT,
            service=_TEXT,
            status=_TEXT,  # open | closed | merged
            is_draft=pl.Boolean(),
            title=_TEXT,
            description=_TEXT,
            author=_TEXT,
            base_branch=_TEXT,
            head_branch=_TEXT,
            head_sha=_TEXT,
            merge_commit_sha=_TEXT,  # null: not merged
            created_at=TIMESTAMP,  # when it was opened
            first_commit_at=TIMESTAMP,  # null: its commits were not read
            first_review_at=TIMESTAMP,  # by somebody else than its author; null: none, or not read
            approved_at=TIMESTAMP,  # the first approval; null: none, or not read
            merged_at=TIMESTAMP,
            closed_at=TIMESTAMP,
            additions=_INT,  # lines; null: not said
            deletions=_INT,
            changed_files=_INT,
            tags=pl.List(pl.String),
            attributes=ATTRIBUTES,
        ),
        _signal(
            "commits",  # one row per commit of a pull request or branch; event_at is when it was committed
            sha=_TEXT,
            repository=_TEXT,
            service=_TEXT,
            pull_request_id=_TEXT,  # null: read from a branch
            author=_TEXT,
            authored_at=TIMESTAMP,  # a rebase changes event_at, never this
            message=_TEXT,
            attributes=ATTRIBUTES,
        ),
        _signal(
            "reviews",  # one row per review and state of it; event_at is when it was submitted
            review_id=_TEXT,
            pull_request_id=_TEXT,
            repository=_TEXT,
            service=_TEXT,
            status=_TEXT,  # approved | changes_requested | commented | dismissed
            reviewer=_TEXT,
            sha=_TEXT,  # the commit that was looked at
            body=_TEXT,
            attributes=ATTRIBUTES,
        ),
        _signal(
            "ci_runs",  # one row per version of an attempt of a run; event_at is its updated_at
            is_versioned=True,
            run_id=_TEXT,
            attempt=_INT,  # 1: the first; more: somebody ran it again
            repository=_TEXT,
            service=_TEXT,
            workflow=_TEXT,
            trigger=_TEXT,  # push, pull_request, schedule, ...
            branch=_TEXT,
            sha=_TEXT,
            status=_TEXT,  # queued | requested | waiting | pending | in_progress | completed
            conclusion=_TEXT,  # success | failure | cancelled | ...; null: not completed
            title=_TEXT,
            actor=_TEXT,
            created_at=TIMESTAMP,  # when the first attempt was queued
            started_at=TIMESTAMP,  # when this attempt began
            completed_at=TIMESTAMP,  # null: not completed
            attributes=ATTRIBUTES,
        ),
        _signal(
            "outcomes",  # one row per measure of a journey and day; event_at is that day
            journey=_TEXT,
            service=_TEXT,  # the service the journey depends on most
            segment=_TEXT,  # plan, country, ...; null: of all
            measure=_TEXT,  # conversion | sign_up | renewal | support_cost
            value=_NUMBER,
            unit=_TEXT,  # count | ratio | a currency (ISO 4217)
            population=_INT,  # out of how many: visits, accounts due, accounts supported; null: not said
            reported_at=TIMESTAMP,  # of two figures for the same day the one reported later holds
            attributes=ATTRIBUTES,
        ),
        _signal(
            "surveys",  # one row per answer to a question; event_at is when it was given
            response_id=_TEXT,  # the answers one respondent gave together
            respondent=_TEXT,  # null: anonymous
            audience=_TEXT,  # developer | user
            team=_TEXT,
            service=_TEXT,
            survey=_TEXT,
            question=_TEXT,
            score=_NUMBER,  # null: words only
            score_min=_NUMBER,  # the scale of the score
            score_max=_NUMBER,
            body=_TEXT,
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
