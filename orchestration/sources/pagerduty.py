"""PagerDuty: incidents with their log entries, one record an entry that changes or explains the incident.

Files hold `{"incidents": [...]}` pages (or an array, or one incident a line), each incident with the answer of its
`/log_entries` put into it as `log_entries`. An incident without entries yields what its own times say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial

from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.documents import is_error, numbered, read_entries
from orchestration.sources.fields import add, attributes_of, mapped
from orchestration.sources.reading import files
from orchestration.sources.values import (
    Json,
    MalformedRecord,
    as_text,
    at,
    first_at,
    identifier,
    list_of,
    required_timestamp,
)

_ENTRY_TYPES = {
    "trigger_log_entry": "trigger",
    "acknowledge_log_entry": "acknowledge",
    "annotate_log_entry": "note",
    "resolve_log_entry": "resolve",
}
_STATUS_AFTER = {"trigger": "triggered", "acknowledge": "acknowledged", "resolve": "resolved"}
_ENTRY_TEXT = ("channel.summary", "channel.content", "note", "channel.details", "summary")
# PagerDuty has no field for the begin of the harm: a custom field, or this line in the incident's details.
_STARTED = re.compile(r"^\s*started_at:\s*(\S+)", re.MULTILINE | re.IGNORECASE)


class PagerDuty:
    """Log entries of incidents from PagerDuty's REST answers."""

    version = 1

    def documents(self, pull: Pull) -> Iterator[Document]:
        return files(pull)

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        return read_entries(document, pull, _entries, partial(_add_incident, pull))


def _entries(content: Json, line: int) -> Iterator[tuple[int, Json]]:
    if isinstance(content, Mapping) and "incidents" in content:
        return numbered(list(list_of(content["incidents"], "incidents")), line)
    if is_error(content):
        raise MalformedRecord("an error answer instead of incidents")
    if isinstance(content, Mapping) and isinstance(content.get("incident"), Mapping):
        content = content["incident"]
    return numbered(content, line)


def _add_incident(pull: Pull, incident: Mapping[str, Json], rows: Rows, number: int) -> None:
    shared = _incident(pull, incident)
    own = mapped(incident, pull, "incidents")
    status = "triggered"
    for entry in _log(pull, incident, rows, number):
        status = _STATUS_AFTER.get(str(entry["entry_type"]), status)
        try:
            add(rows, pull, "incidents", {**shared, **entry, "status": status, **own}, number)
        except MalformedRecord as reason:
            rows.reject(number, reason, "incidents")


def _incident(pull: Pull, incident: Mapping[str, Json]) -> dict[str, Json]:
    details = as_text(at(incident, "body.details"))
    said = _STARTED.search(details or "")
    return {
        "incident_id": identifier(incident.get("id"), "id"),
        "created_at": required_timestamp(incident.get("created_at"), pull.latest_us, "created_at"),
        "started_at": at(incident, "custom_fields.started_at") or (said[1] if said else None),
        "deployment_id": at(incident, "custom_fields.deployment_id"),
        "service": first_at(incident, ["service.summary", "service.name"]),
        "urgency": incident.get("urgency"),
        "title": first_at(incident, ["title", "summary"]),
        "attributes": attributes_of(
            {
                "incident_number": incident.get("incident_number"),
                "priority": at(incident, "priority.summary"),
                "escalation_policy": at(incident, "escalation_policy.summary"),
                "details": details,
            }
        ),
    }


def _log(pull: Pull, incident: Mapping[str, Json], rows: Rows, number: int) -> list[dict[str, Json]]:
    """The incident's entries in order of time; entries of other types (notifications) are skipped and counted."""
    entries: list[tuple[int, dict[str, Json]]] = []
    for entry in list_of(incident.get("log_entries"), "log_entries"):
        kind = _ENTRY_TYPES.get(str(at(entry, "type")).removesuffix("_reference"))
        if not isinstance(entry, Mapping) or kind is None:
            rows.skip()
            continue
        try:
            moment = required_timestamp(entry.get("created_at"), pull.latest_us, "created_at of a log entry")
            entries.append((moment, _entry(kind, entry, incident, moment)))
        except MalformedRecord as reason:
            rows.reject(number, reason, "incidents")
    if not entries:
        return list(_implied(incident))
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0])]


def _entry(kind: str, entry: Mapping[str, Json], incident: Mapping[str, Json], moment: int) -> dict[str, Json]:
    text = as_text(first_at(entry, _ENTRY_TEXT))
    said = (text, as_text(entry.get("summary")))
    if kind == "note" and any(line and line.strip().lower().startswith("mitigated") for line in said):
        kind = "mitigate"
    return {
        "record_id": f"{incident.get('id')}:{identifier(entry.get('id'), 'id of a log entry')}",
        "event_at": moment,
        "entry_type": kind,
        "entry_text": text,
        "agent": first_at(entry, ["agent.summary", "agent.name", "agent.id"]),
    }


def _implied(incident: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    """What an incident without entries says about its own course."""

    def entry(kind: str, moment: Json, agent: Json = None) -> dict[str, Json]:
        record_id = f"{incident.get('id')}:{kind}:{moment}"
        return {"record_id": record_id, "event_at": moment, "entry_type": kind, "agent": agent}

    yield entry("trigger", incident.get("created_at"))
    status, changed = incident.get("status"), incident.get("last_status_change_at")
    acknowledged = [node for node in list_of(incident.get("acknowledgements"), "acknowledgements") if at(node, "at")]
    for node in acknowledged:
        yield entry("acknowledge", at(node, "at"), at(node, "acknowledger.summary"))
    if status == "acknowledged" and not acknowledged and changed:
        yield entry("acknowledge", changed)
    resolved = incident.get("resolved_at") or changed
    if status == "resolved" and resolved:
        yield entry("resolve", resolved, at(incident, "last_status_change_by.summary"))
