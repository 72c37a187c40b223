"""What a file is, told from its content: never from its name."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice

from orchestration.discovery.heads import Head
from orchestration.sources.reading import LINE_LIMIT, json_values, page
from orchestration.sources.tabular import DELIMITERS
from orchestration.sources.values import Json

_ROWS = 500
# A header that is a number, an address or a time is a row of data.
_DATA = re.compile(r"[\W\d_]*|.*@.*|\d{4}-\d\d-\d\d.*|.{65,}", re.DOTALL)
_NOT_RECORDS = "a JSON document that holds no records of a known form; write one record a line (JSON lines), or CSV"

# Keys that only one system writes: of an entry, and of the page around it.
_ENTRIES: Sequence[tuple[str, tuple[frozenset[str], ...]]] = (
    ("otlp", (frozenset({"resourceSpans"}), frozenset({"resourceLogs"}))),
    (
        "zendesk",
        (
            frozenset({"child_events", "ticket_id"}),
            frozenset({"requester_id", "submitter_id", "status"}),
            frozenset({"requester_id", "brand_id"}),
        ),
    ),
    (
        "pagerduty",
        (
            frozenset({"incident_number", "created_at"}),
            frozenset({"log_entries", "created_at"}),
            frozenset({"escalation_policy", "urgency", "created_at"}),
        ),
    ),
    (
        "github",
        (
            frozenset({"deployment", "deployment_status"}),
            frozenset({"environment", "sha", "created_at"}),
            frozenset({"environment", "ref", "created_at"}),
            frozenset({"title", "state", "number", "created_at"}),
            frozenset({"title", "state", "html_url", "created_at"}),
            frozenset({"workflow_id", "head_sha", "created_at"}),
            frozenset({"pull_request_url", "submitted_at"}),
            frozenset({"sha", "commit", "parents"}),
        ),
    ),
)
# Forms that are known and not read, with what to do instead.
_OTHERS: Sequence[tuple[frozenset[str], str]] = (
    (frozenset({"resourceMetrics"}), "OTLP metrics: not collected"),
    (frozenset({"resource_spans"}), "OTLP with keys in snake_case; write OTLP/JSON with lowerCamelCase"),
    (frozenset({"traceID", "spans"}), "Jaeger's JSON; let the Collector write it as OTLP/JSON (exporter `file`)"),
    (
        frozenset({"traceId", "localEndpoint"}),
        "Zipkin's JSON; let the Collector write it as OTLP/JSON (exporter `file`)",
    ),
    (frozenset({"key", "fields"}), "Jira's issues; write their fields flat, one issue a line (JSON lines), or CSV"),
    (frozenset({"message", "documentation_url"}), "an error answer of a server"),
    (frozenset({"errors"}), "an error answer of a server"),
)
_PAGES = (
    *("tickets", "ticket_events", "users", "incidents", "data", "issues", "result", "results", "deployments"),
    "workflow_runs",
)


@dataclass(frozen=True)
class Kind:
    """What a file is.

    Attributes:
        type: a type of source; None where it cannot be read.
        reason: then, why not and what to do.
        rows: of a table, the first rows by header (nested objects as dotted headers).
    """

    type: str | None
    reason: str = ""
    rows: tuple[Mapping[str, Json], ...] = field(default=(), repr=False)


def recognise(head: Head) -> Kind:
    """What the file behind `head` is."""
    if head.reason:
        return Kind(None, head.reason)
    start = head.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not start:
        return Kind(None, "one record longer than what is looked at of a file" if not head.is_whole else "empty")
    return _json(head) if start in (b"{", b"[") else _table(head.content)


def _json(head: Head) -> Kind:
    values = [value for value in islice(json_values(page("", head.content)), _ROWS) if value.reason is None]
    entries = [entry for value in values for entry in _entries(value.content)]
    objects = [entry for entry in entries[:_ROWS] if isinstance(entry, Mapping)]
    if not values:
        return Kind(None, "begins like JSON, but nothing in it can be parsed")
    if not objects:
        return Kind(None, _NOT_RECORDS)
    for entry in objects[:20]:
        for type_, forms in _ENTRIES:
            if any(form <= entry.keys() for form in forms):
                return Kind(type_)
        for form, reason in _OTHERS:
            if form <= entry.keys():
                return Kind(None, reason)
    page_of_users = isinstance(values[0].content, Mapping) and isinstance(values[0].content.get("users"), list)
    if page_of_users and {"role", "email"} & objects[0].keys():
        return Kind("zendesk")
    is_one_document = len(values) == 1 and isinstance(values[0].content, Mapping)
    if is_one_document:
        return Kind(None, _NOT_RECORDS)
    return Kind("jsonl", rows=tuple(_flat(entry) for entry in objects))


def _entries(content: Json) -> Iterator[Json]:
    """The records of a JSON value: itself, those of an array, or those of a page."""
    if isinstance(content, list):
        yield from content
        return
    if isinstance(content, Mapping):
        for key in _PAGES:
            if isinstance(listed := content.get(key), list) and listed:
                yield from listed
                return
        if isinstance(incident := content.get("incident"), Mapping):
            content = incident
    yield content


def _flat(entry: Mapping[str, Json]) -> dict[str, Json]:
    """The fields of a record, those of nested objects under dotted names."""
    flat: dict[str, Json] = {}
    for key, value in entry.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{name}": inner for name, inner in value.items()}
        else:
            flat[key] = value
    return flat


def _table(content: bytes) -> Kind:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Kind(None, "no text in UTF-8")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter not in first:
        return Kind(None, _plain_lines())
    csv.field_size_limit(LINE_LIMIT)
    try:
        rows = list(islice(csv.reader(StringIO(text, newline="\n"), delimiter=delimiter, strict=True), _ROWS))
    except csv.Error:
        return Kind(None, _plain_lines())
    rows = [row for row in rows if row]
    if not rows:
        return Kind(None, "empty")
    header, body = [name.strip() for name in rows[0]], rows[1:]
    fitting = [row for row in body if len(row) == len(header)]
    if not body or len(fitting) < len(body) / 2:
        return Kind(None, "a header without rows" if not body else _plain_lines())
    if any(_DATA.fullmatch(name) for name in header) or len({*header}) < len(header):
        return Kind(None, "a table whose first line is no header; write one, each name once")
    return Kind("csv", rows=tuple(dict(zip(header, row, strict=True)) for row in fitting))


def _plain_lines() -> str:
    return "plain text; let a collector write it as OTLP/JSON (receiver `filelog`, exporter `file`), or as JSON lines"
