"""Which signal a table holds and which header fills which column: guessed from names, checked against values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.signals import SIGNALS, TIMESTAMP
from orchestration.sources.fields import RECEIVED
from orchestration.sources.otlp_values import severity_name
from orchestration.sources.values import Json, MalformedRecord, as_text, latest_us, timestamp, whole_number

# Column of the signal -> words that headers use for it, the best first; compared in lower case with `_` between words.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "spans": {
        "trace_id": "trace_id traceid trace",
        "span_id": "span_id spanid",
        "parent_span_id": "parent_span_id parent_id parentspanid parentid parentspan",
        "start_unix_nano": "start_unix_nano start_time_unix_nano starttimeunixnano",
        "event_at": "start_time timestamp start time",
        "duration_ns": "duration_ns duration_nano duration_nanos durationnano",
        "service": "service service_name servicename process_service_name app",
        "operation": "operation operation_name operationname span_name name",
        "kind": "kind span_kind spankind",
        "status": "status status_code statuscode",
        "status_message": "status_message statusmessage",
    },
    "logs": {
        "event_at": "timestamp time_unix_nano event_at time ts datetime date_time @timestamp eventtime asctime date "
        "created_at",
        "body": "body message msg content log text event_message raw line",
        "severity": "severity level log_level loglevel severity_text levelname lvl priority",
        "service": "service service_name servicename app application component logger source container pod_name "
        "podname",
        "trace_id": "trace_id traceid",
        "span_id": "span_id spanid",
        "account_id": "account_id customer_id tenant_id",
    },
    "tickets": {
        "ticket_id": "ticket_id ticket_number ticket number issue_key issue_id case_number case_id key id incident_id "
        "tinyid",
        "event_at": "updated_at updated last_updated modified last_modified changed sys_updated_on updatedat "
        "created_at created opened_at opened createdat sys_created_on date timestamp github_updated_at",
        "created_at": "created_at created opened_at opened createdat sys_created_on submitted date_created "
        "github_created_at created_date date",
        "closed_at": "closed_at closed resolved_at resolved solved_at closedat resolutiondate resolution_date "
        "completedat",
        "status": "status state ticket_status incident_state",
        "priority": "priority urgency severity prioritylabel",
        "ticket_type": "ticket_type type issue_type issuetype request_type",
        "channel": "channel via contact_type",
        "subject": "subject title summary short_description headline",
        "description": "description body text description_text details content message",
        "requester": "requester requester_email email reporter caller_id caller author contact requester_id "
        "author_name creator_name customer_email opened_by creator user",
        "account_id": "account_id organization_id company_id customer_id organization company account customer",
        "service": "service product business_service component product_area cmdb_ci application",
        "tags": "tags labels",
    },
    "ticket_events": {
        "ticket_id": "ticket_id issue_id case_id issue_key",
        "event_at": "created_at created timestamp updated_at date createdat github_created_at created_date",
        "body": "body comment text message content",
        "author": "author author_id author_username user user_id account_id created_by creator",
        "author_role": "author_role role",
        "is_public": "is_public public",
        "event_type": "event_type",
    },
    "deployments": {
        "deployment_id": "deployment_id deploy_id deployment release_id id",
        "event_at": "updated_at finished_at deployed_at finished_date completed_at timestamp created_at date "
        "started_at created_date",
        "created_at": "created_at started_at deployed_at started_date created_date",
        "status": "status state result",
        "service": "service application app repo repository project component",
        "service_version": "version release tag service_version",
        "environment": "environment env stage target",
        "ref": "ref branch ref_name",
        "sha": "sha commit commit_sha revision",
        "description": "description notes",
        "creator": "creator deployer author deployed_by user",
    },
    "incidents": {
        "incident_id": "incident_id incident_number incident id",
        "entry_type": "entry_type",
        "event_at": "updated_at created_at created timestamp opened_at",
        "created_at": "created_at created opened_at triggered_at",
        "started_at": "started_at impact_started_at",
        "service": "service service_name component",
        "urgency": "urgency severity priority",
        "status": "status state",
        "title": "title summary short_description name",
        "entry_text": "entry_text note notes description",
        "agent": "agent assignee owner acknowledged_by",
    },
}  # fmt: skip

# What a table must have to be one of a signal; one of each group. The first signal that is complete is meant.
_NEEDED: Sequence[tuple[str, tuple[tuple[str, ...], ...]]] = (
    ("spans", (("trace_id",), ("span_id",), ("duration_ns",), ("event_at", "start_unix_nano"))),
    ("incidents", (("incident_id",), ("entry_type",), ("event_at",))),
    ("deployments", (("environment", "sha"), ("ref", "sha", "service_version"), ("event_at",))),
    ("ticket_events", (("ticket_id",), ("body",), ("author",), ("event_at",))),
    ("tickets", (("subject", "description"), ("priority", "requester", "ticket_type", "status", "ticket_id"))),
    ("logs", (("body",),)),
)
_REQUESTING = re.compile(r"title|subject|summary|short_description|description|priority|requester|urgency")
_STATUSES = frozenset(("new", "open", "pending", "hold", "solved", "closed"))
_ENOUGH = 0.9
_SERVICES = 20


@dataclass(frozen=True)
class Mapped:
    """A table as a source reads it.

    Attributes:
        columns: column of the signal -> header; constants: column -> one value for every row.
        notes: by column, what the guess rests on, or what a steward must look at.
    """

    signal: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    notes: Mapping[str, str]


def guess(rows: Sequence[Mapping[str, Json]], as_of: datetime) -> Mapped | None:
    """The mapping of a table; None where its headers tell no signal."""
    headers = list(dict.fromkeys(header for row in rows for header in row))
    latest = latest_us(as_of)
    for signal, needed in _NEEDED:
        columns = dict(_columns(signal, headers, rows, latest))
        if all(any(column in columns for column in group) for group in needed) and _is_meant(signal, headers):
            return Mapped(signal, columns, *_completed(signal, columns, rows))
    return None


def _is_meant(signal: str, headers: Sequence[str]) -> bool:
    """A body with a level is a log line, not the text of a ticket; a title or a requester makes it a ticket."""
    words = [_word(header) for header in headers]
    return signal != "tickets" or any(_REQUESTING.fullmatch(word) for word in words)


def _columns(
    signal: str, headers: Sequence[str], rows: Sequence[Mapping[str, Json]], latest: int
) -> Iterator[tuple[str, str]]:
    by_word: dict[str, str] = {}
    for header in headers:
        by_word.setdefault(_word(header), header)
    taken: set[str] = set()
    for column, words in _WORDS[signal].items():
        dtype = SIGNALS[signal].columns[column]
        is_time = dtype == TIMESTAMP
        for word in words.split():
            named = by_word.get(word)
            if named is None or (named in taken and not is_time):
                continue
            values = [row[named] for row in rows if row.get(named) not in (None, "")]
            if not values or not _fits(column, values, latest, is_time=is_time):
                continue
            taken.add(named)
            yield column, named
            break


def _completed(
    signal: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Json]]
) -> tuple[dict[str, str], dict[str, str]]:
    constants: dict[str, str] = {}
    notes = {column: f"by its name, {len(rows):,} rows looked at" for column in columns}
    for column in ("event_at", "created_at"):
        if column in SIGNALS[signal].fields and column not in columns and "start_unix_nano" not in columns:
            constants[column] = RECEIVED
            notes[column] = "no header holds a time that can be read (ISO 8601 or Unix time): the time of receiving"
    if signal == "tickets":
        _judge_status(columns, rows, constants, notes)
    if signal == "ticket_events" and "event_type" not in columns:
        constants["event_type"] = "comment"
        notes["event_type"] = "the table holds texts by authors"
    return constants, notes


def _judge_status(
    columns: Mapping[str, str], rows: Sequence[Mapping[str, Json]], constants: dict[str, str], notes: dict[str, str]
) -> None:
    if "status" not in columns:
        constants["status"] = "open"
        notes["status"] = "no header holds a status: all count as open"
        return
    values = [str(row.get(columns["status"]) or "").strip().lower() for row in rows]
    unknown = sum(value not in _STATUSES for value in values)
    if unknown:
        notes["status"] = (
            f"LOOK: {100 * unknown / len(values):.0f} % of the rows hold another status than "
            f"{', '.join(sorted(_STATUSES))}: the gate will set them aside"
        )


def _fits(column: str, values: Sequence[Json], latest: int, *, is_time: bool) -> bool:
    """Whether the values of a header can be a column's: names alone are shared by too many things."""
    if is_time:
        return _are_times(values, latest)
    if column in ("duration_ns", "start_unix_nano"):
        return _are_whole(values)
    if column == "severity":
        return _share(values, lambda value: severity_name(value or "") != "UNSET") >= _ENOUGH / 2
    if column == "service":  # a name of few, not a number, not a text of each
        is_named = _share(values, lambda value: any(map(str.isalpha, value or ""))) >= _ENOUGH
        return is_named and len({repr(value) for value in values}) <= max(_SERVICES, len(values) / 5)
    return True


def _are_times(values: Sequence[Json], latest: int) -> bool:
    return _share(values, lambda value: timestamp(value, latest, "") is not None) >= _ENOUGH


def _are_whole(values: Sequence[Json]) -> bool:
    return _share(values, lambda value: whole_number(value, "") is not None) >= _ENOUGH


def _share(values: Sequence[Json], holds: Callable[[str | None], bool]) -> float:
    count = 0
    for value in values:
        try:
            count += holds(as_text(value))
        except MalformedRecord:
            continue
    return count / len(values)


def _word(header: str) -> str:
    """`businessService`, `Business Service` and `business-service` as `business_service`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip())
    return re.sub(r"[^a-z0-9@]+", "_", spaced.lower()).strip("_")
