"""Any CSV, JSON lines or answer of a database: the source's YAML says which column holds what.

`columns` maps a column of the signal to one or more headers (or dotted paths), of which the first that is filled
counts; a header called like a column needs no mapping. `constants` fills columns with one value for all rows;
`event_at: received` dates records that have no time by when they were first received. What is not mapped goes to
`attributes`, where the signal has it, and is left out otherwise.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

import orjson

from governance.signals import ATTRIBUTES, SIGNALS
from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.fields import add, attributes_of, event_time, mapped
from orchestration.sources.otlp_values import UNKNOWN_SERVICE, severity_name
from orchestration.sources.reading import LINE_LIMIT, files, json_values, lines
from orchestration.sources.values import Json, MalformedRecord, required_timestamp, whole_number

DELIMITERS = ",;\t|"
_UNREADABLE = "an open quote or a field over 16 MiB; nothing behind this line was read"
# Where a record has no time or id of its own column, these stand in for it, in this order.
_TIMES = ("event_at", "start_unix_nano", "time_unix_nano", "created_at")
_IDS: Mapping[str, tuple[str, ...]] = {
    "spans": ("trace_id", "span_id"),
    "tickets": ("ticket_id",),
    "deployments": ("deployment_id", "status"),
    "incidents": ("incident_id", "entry_type"),
}
# The same where an id is a text that anonymising could change: a hash of these columns, the first of which is needed.
_KEYED: Mapping[str, tuple[str, ...]] = {
    "pull_requests": ("pull_request_id", "event_at"),
    "commits": ("sha", "repository", "pull_request_id"),
    "reviews": ("review_id", "status"),
    "ci_runs": ("run_id", "attempt", "event_at"),
    "surveys": ("response_id", "survey", "question"),
}
_DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    "spans": {"service": UNKNOWN_SERVICE, "operation": "unknown_operation", "kind": "unspecified", "status": "unset"},
    "logs": {"service": UNKNOWN_SERVICE, "severity": "UNSET"},
    "ci_runs": {"attempt": 1},
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {"spans": ("trace_id", "span_id", "duration_ns")}
_LOWER = ("status", "kind", "entry_type", "event_type", "author_role", "conclusion", "measure", "audience")


class Tabular:
    """Records of one signal from rows of a table."""

    version = 1

    def documents(self, pull: Pull) -> Iterator[Document]:
        return files(pull)

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        signal = pull.source.signals[0]
        rows = Rows(document, pull)
        for line, size, row in (_csv if pull.source.type == "csv" else _jsonl)(document):
            rows.consumed(size)
            try:
                if isinstance(row, str):
                    raise MalformedRecord(row)
                add(rows, pull, signal, _fields(row, pull, signal), line)
            except MalformedRecord as reason:
                rows.reject(line, reason, signal)
            if rows.is_full:
                yield rows.batch()
        yield rows.batch()


class Table(Tabular):
    """Records of one signal from the answer to a query."""

    def documents(self, pull: Pull) -> Iterator[Document]:
        from orchestration.sources.database import answers  # SQLAlchemy, a fifth of a second of every start

        return answers(pull)


# A row with its line and size, or in its place the reason why there is none.
_Row = tuple[int, int, Mapping[str, Json] | str]


def _jsonl(document: Document) -> Iterator[_Row]:
    for value in json_values(document):
        entries = value.content if isinstance(value.content, list) and value.reason is None else [value.content]
        for number, entry in enumerate(entries, start=1):
            line = number if len(entries) > 1 else value.line
            size = value.size * number // len(entries) - value.size * (number - 1) // len(entries)
            if value.reason is not None:
                yield line, size, value.reason
            else:
                yield line, size, entry if isinstance(entry, Mapping) else "not an object"


def _csv(document: Document) -> Iterator[_Row]:
    feed = _Feed(document)
    csv.field_size_limit(LINE_LIMIT)
    header: list[str] = []
    reader = csv.reader(feed, strict=True, delimiter=feed.delimiter)
    while True:
        line = feed.number + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, 0, _UNREADABLE
            return
        reason = feed.take_reason()
        if reason or not row:
            if reason:
                yield line, 0, reason
        elif not header:
            header = [name.strip() for name in row]
        elif len(row) != len(header):
            yield line, sum(map(len, row)), f"{len(row)} fields instead of {len(header)}"
        else:
            yield line, sum(map(len, row)), dict(zip(header, row, strict=True))


class _Feed:
    """The lines of a document as text for the csv reader, which cannot say that a line was unreadable."""

    def __init__(self, document: Document) -> None:
        self._lines = lines(document)
        self._ahead = next(self._lines, None)
        self._reason: str | None = None
        self.number = 0
        first = self._ahead.content.decode(errors="replace") if self._ahead else ""
        self.delimiter = max(DELIMITERS, key=first.count)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead
        if line is None:
            raise StopIteration
        self._ahead = next(self._lines, None)
        self.number = line.number
        self._reason = self._reason or line.reason
        try:
            return line.content.decode()
        except UnicodeDecodeError:
            self._reason = self._reason or "invalid UTF-8"
            return line.content.decode(errors="replace")

    def take_reason(self) -> str | None:
        """Why the row just read cannot be taken, if so."""
        reason, self._reason = self._reason, None
        return reason


def _fields(row: Mapping[str, Json], pull: Pull, signal: str) -> dict[str, Json]:
    columns = SIGNALS[signal].columns
    own = {name: value for name, value in row.items() if name in columns and value not in (None, "")}
    fields: dict[str, Json] = {**_DEFAULTS.get(signal, {}), **own, **mapped(row, pull, signal)}
    for name in _LOWER:
        if isinstance(value := fields.get(name), str):
            fields[name] = value.strip().lower()
    fields.setdefault("event_at", next((fields[name] for name in _TIMES if fields.get(name) is not None), None))
    if columns.get("attributes") == ATTRIBUTES:
        used = {
            path for paths in pull.source.columns.values() for path in ([paths] if isinstance(paths, str) else paths)
        }
        left = {name: value for name, value in row.items() if name not in used and name not in columns}
        fields["attributes"] = attributes_of(left)
    _identify(fields, row, pull, signal)
    _complete(fields, pull, signal)
    return fields


def _identify(fields: dict[str, Json], row: Mapping[str, Json], pull: Pull, signal: str) -> None:
    """Give the record the id its system has for it, or else one made of the whole row."""
    parts = [fields.get(name) for name in _IDS.get(signal, ())]
    if fields.get("record_id"):
        pass
    elif parts and all(parts) and signal == "spans":
        fields["record_id"] = "-".join(str(part).lower() for part in parts)
    elif parts and all(parts):
        moment = required_timestamp(event_time(fields, pull), pull.latest_us, "event_at")
        fields["record_id"] = ":".join([*map(str, parts), str(moment // 1_000_000)])
    elif fields.get((keyed := _KEYED.get(signal, ("",)))[0]):
        fields["record_id"] = pull.keys.record_id("\x00".join(str(fields.get(name)) for name in keyed).encode())
    else:
        fields["record_id"] = pull.keys.record_id(orjson.dumps(row, option=orjson.OPT_SORT_KEYS))
    for name in ("ticket_id", "deployment_id", "incident_id"):
        if name in SIGNALS[signal].columns and name in _IDS.get(signal, ()):
            fields[name] = fields.get(name) or fields["record_id"]


def _complete(fields: dict[str, Json], pull: Pull, signal: str) -> None:
    """What records need beyond their mapping: exact times, known levels, ids that join, scales."""
    for name in _REQUIRED.get(signal, ()):
        if fields.get(name) is None:
            raise MalformedRecord(f"{name} is missing; map a column to it")
    for name in ("trace_id", "span_id", "parent_span_id"):
        if isinstance(value := fields.get(name), str):
            fields[name] = value.strip().lower()
    if (whole_number(fields.get("duration_ns"), "duration_ns") or 0) < 0:
        raise MalformedRecord("duration_ns is negative")
    nanoseconds = {"spans": "start_unix_nano", "logs": "time_unix_nano"}.get(signal)
    if nanoseconds and fields.get(nanoseconds) is None:
        fields[nanoseconds] = required_timestamp(event_time(fields, pull), pull.latest_us, "event_at") * 1_000
    scale = (fields.get("score_min"), fields.get("score_max"))
    if signal == "surveys" and fields.get("score") is not None and None in scale:
        raise MalformedRecord("score has no scale; map score_min and score_max, or say them under constants")
    if signal == "logs":
        fields["severity"] = severity_name(str(fields.get("severity") or ""))
