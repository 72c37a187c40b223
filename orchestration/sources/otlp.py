"""OpenTelemetry's OTLP/JSON as the Collector's file exporter writes it: one export request a line, spans or logs.

What a line is follows from its content, never from the file's name. Unknown fields are ignored, wrong types are
not: a bad record is set aside alone, a bad request as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import orjson

from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.otlp_columns import Read
from orchestration.sources.otlp_logs import LogColumns
from orchestration.sources.otlp_messages import (
    Log,
    Resource,
    Scope,
    Span,
    canonical_of,
    converted,
    export_request,
    log_of,
    resource_of,
    scope_of,
)
from orchestration.sources.otlp_spans import SpanColumns
from orchestration.sources.otlp_values import Origin, read_attributes
from orchestration.sources.reading import Value, files, json_values
from orchestration.sources.values import Attributes, Json, MalformedRecord, clean, list_of, object_of

_MOST_ORIGINS = 4_096


class _Keys(NamedTuple):
    """Where a kind of request holds what: its signal, the keys of the scopes (an old name last) and of the records."""

    signal: str
    scopes: tuple[str, str]
    records: str


_REQUESTS = {
    "resourceSpans": _Keys("spans", ("scopeSpans", "instrumentationLibrarySpans"), "spans"),
    "resourceLogs": _Keys("logs", ("scopeLogs", "instrumentationLibraryLogs"), "logRecords"),
}


class _Usual(NamedTuple):
    """An export request: its records by what they share."""

    signal: str
    groups: list[tuple[Origin, Sequence[Span | Log]]]


class Otlp:
    """Spans and log records from OTLP/JSON, plain or gzip."""

    version = 4

    def documents(self, pull: Pull) -> Iterator[Document]:
        return files(pull)

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        reader = _Reader(document, pull)
        for value in json_values(document, typed=reader.usual_request):
            if isinstance(value.message, _Usual):
                reader.usual(value.message, value.line, value.size)
            else:
                reader.other(value)
            if reader.is_full:
                yield reader.batch()
        yield reader.batch()


class _Reader:
    """Reads the export requests of one document into rows."""

    def __init__(self, document: Document, pull: Pull) -> None:
        self._rows = Rows(document, pull)
        self._collected = pull.source.signals
        self._origins: dict[tuple[str, bytes, bytes], Origin] = {}
        spans, logs = SpanColumns(pull, document.name), LogColumns(pull, document.name)
        self._columns: dict[str, SpanColumns | LogColumns] = {"spans": spans, "logs": logs}
        self._alone: dict[str, Callable[[Json, Origin], Read]] = {
            "spans": lambda record, origin: spans.alone(converted(record, Span), origin),
            "logs": lambda record, origin: logs.alone(log_of(record), origin),
        }

    @property
    def is_full(self) -> bool:
        return self._rows.is_full or any(columns.is_full for columns in self._columns.values())

    def batch(self) -> Batch:
        """What was read since the last batch."""
        self._settle()
        return self._rows.batch()

    def usual_request(self, line: bytes) -> _Usual | None:
        """A line that is an export request of what is collected, good in all its parts as far as types go."""
        request = export_request(line)
        if request is None or request.signal not in self._collected:
            return None
        try:
            return _Usual(
                request.signal,
                [
                    (self._origin(request.signal, resource, scope), records)
                    for resource, groups in request.blocks
                    for scope, records in groups
                ],
            )
        except MalformedRecord:
            return None

    def usual(self, request: _Usual, line: int, size: int) -> None:
        """Its records; what was read of other signals comes before them."""
        for signal, columns in self._columns.items():
            if signal == request.signal:
                columns.line(line, size)
                for origin, records in request.groups:
                    columns.add(records, origin)  # type: ignore[arg-type]  # they are records of that signal
            else:
                columns.hand_over(self._rows)

    def _origin(self, signal: str, resource: bytes, scope: bytes) -> Origin:
        """The same for the same texts: what is planned for one line's records holds for all."""
        key = (signal, resource, scope)
        if (known := self._origins.get(key)) is not None:
            return known
        if len(self._origins) >= _MOST_ORIGINS:
            self._origins.clear()
        canonical = canonical_of(resource) if signal == "logs" else b""
        origin = self._origins[key] = Origin(_scoped(scope_of(scope), _shared(resource_of(resource))), canonical)
        return origin

    def other(self, value: Value) -> None:
        """A line that is something else, or not good in all its parts."""
        self._settle()
        self._rows.consumed(value.size)
        if value.reason is not None:
            self._rows.reject(value.line, value.reason)
        else:
            self._parts(value.content, value.line)

    def _settle(self) -> None:
        """Make rows of what was collected: at any time, records of one signal alone."""
        for columns in self._columns.values():
            columns.hand_over(self._rows)

    def _parts(self, content: Json, line: int) -> None:
        """One export request, or an array of them."""
        if isinstance(content, list) and content:
            for part in content:
                self._request(part, line)
        else:
            self._request(content, line)

    def _request(self, content: Json, line: int) -> None:
        if not isinstance(content, dict):
            self._rows.reject(line, "not an export request of OTLP/JSON")
            return
        known = [key for key in _REQUESTS if key in content]
        if content and not known:
            self._rows.reject(line, _why_unknown(content))
        for key in known:
            signal = _REQUESTS[key].signal
            if signal not in self._collected:
                self._rows.reject(line, f"{signal} are not collected by this source")
                continue
            try:
                resources = list_of(content[key], key)
            except MalformedRecord as reason:
                self._rows.reject(line, reason, signal)
                continue
            for resource in resources:
                self._resource(resource, key, line)

    def _resource(self, node: Json, key: str, line: int) -> None:
        signal, scope_keys, records_key = _REQUESTS[key]
        try:
            block = object_of(node, key)
            resource = object_of(block.get("resource"), "resource")
            shared = _shared(converted(resource, Resource))
            scopes = next((block[name] for name in scope_keys if block.get(name) is not None), None)
            groups = [object_of(scope, scope_keys[0]) for scope in list_of(scopes, scope_keys[0])]
            records = [(scope, list_of(scope.get(records_key), records_key)) for scope in groups]
            canonical = orjson.dumps(resource, option=orjson.OPT_SORT_KEYS) if signal == "logs" else b""
            origins = [
                (Origin(_scoped(converted(scope.get("scope") or {}, Scope), shared), canonical), of_scope)
                for scope, of_scope in records
            ]
        except MalformedRecord as reason:
            self._rows.reject(line, reason, signal)
            return
        except orjson.JSONEncodeError:
            self._rows.reject(line, "resource is nested too deeply", signal)
            return
        for origin, of_scope in origins:
            for record in of_scope:
                try:
                    event_us, cells = self._alone[signal](record, origin)
                except MalformedRecord as reason:
                    self._rows.reject(line, reason, signal)
                else:
                    self._rows.add(signal, event_us, cells, line)


def _shared(resource: Resource | None) -> Attributes:
    shared: Attributes = {}
    read_attributes(resource.attributes if resource else None, shared)
    return shared


def _scoped(scope: Scope | None, shared: Attributes) -> Attributes:
    named = {"otel.scope.name": scope.name, "otel.scope.version": scope.version} if scope else {}
    return shared | {key: clean(text) for key, text in named.items() if text}


def _why_unknown(content: dict[str, Json]) -> str:
    if "resourceMetrics" in content:
        return "metrics are not collected"
    if "resource_spans" in content or "resource_logs" in content:
        return "keys in snake_case; OTLP/JSON writes lowerCamelCase"
    return "not an export request of OTLP/JSON"
