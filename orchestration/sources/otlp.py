"""OpenTelemetry's OTLP/JSON as the Collector's file exporter writes it: one export request a line, spans or logs.

What a line is follows from its content, never from the file's name. Unknown fields are ignored, wrong types are
not: a bad record is set aside alone, a bad request as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import orjson

from governance.signals import as_resource
from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.otlp_messages import (
    Event,
    LogRecord,
    Resource,
    Scope,
    Span,
    Status,
    TraceRequest,
    converted,
    trace_request,
)
from orchestration.sources.otlp_values import (
    SEVERITIES,
    UNKNOWN_SERVICE,
    Lift,
    any_text,
    enum_number,
    hex_id,
    nanoseconds,
    read_attributes,
    required_hex_id,
    severity_name,
    text_of,
)
from orchestration.sources.reading import files, json_values
from orchestration.sources.values import (
    Attributes,
    Json,
    MalformedRecord,
    clean,
    list_of,
    object_of,
    plausible,
)

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_KIND_NAMES = {f"SPAN_KIND_{kind.upper()}": number for number, kind in enumerate(_KINDS)}
_STATUSES = ("unset", "ok", "error")
_STATUS_NAMES = {f"STATUS_CODE_{status.upper()}": number for number, status in enumerate(_STATUSES)}
_CALLING = ("client", "producer")
_NO_STATUS = Status()

_SEVERITY_NAMES = {
    f"SEVERITY_NUMBER_{name}{'' if step == 0 else step + 1}": 4 * index + step + 1
    for index, name in enumerate(SEVERITIES)
    for step in range(4)
}


class _Origin:
    """What the records of one scope of one resource share."""

    def __init__(self, attributes: Attributes, canonical: bytes) -> None:
        self.attributes, self.canonical = attributes, canonical
        self._without: dict[tuple[str, ...], str | None] = {}

    def resource(self, taken: tuple[str, ...]) -> str | None:
        """The attributes as a JSON object, without those that a record took for columns of its own."""
        if taken not in self._without:
            left = {key: value for key, value in self.attributes.items() if key not in taken}
            self._without[taken] = as_resource(left)
        return self._without[taken]


_ReadRecord = Callable[[Json, _Origin, int], None]


class Otlp:
    """Spans and log records from OTLP/JSON, plain or gzip."""

    version = 3

    def documents(self, pull: Pull) -> Iterator[Document]:
        return files(pull)

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        reader = _Reader(document, pull)
        typed = trace_request if "spans" in pull.source.signals else lambda line: None
        for value in json_values(document, typed=typed):
            reader.rows.consumed(value.size)
            if isinstance(value.message, TraceRequest):
                reader.spans(value.message, value.line)
            elif value.reason is not None:
                reader.rows.reject(value.line, value.reason)
            else:
                reader.request(value.content, value.line)
            if reader.rows.is_full:
                yield reader.rows.batch()
        yield reader.rows.batch()


class _Reader:
    """Reads the export requests of one document into rows."""

    def __init__(self, document: Document, pull: Pull) -> None:
        self.rows = Rows(document, pull)
        self._pull = pull
        self._latest = pull.latest_us
        self._lift = Lift.of(pull.source)
        # Key of the request -> signal, keys of the scopes (an old name last), key of the records, reader of one.
        self._kinds: dict[str, tuple[str, tuple[str, str], str, _ReadRecord]] = {
            "resourceSpans": ("spans", ("scopeSpans", "instrumentationLibrarySpans"), "spans", self._span_of),
            "resourceLogs": ("logs", ("scopeLogs", "instrumentationLibraryLogs"), "logRecords", self._log_of),
        }

    def spans(self, request: TraceRequest, line: int) -> None:
        """An export request that is good in all its parts, as far as types go."""
        for block in request.resource_spans:
            try:
                shared = _shared(block.resource)
                origins = [(_origin(group.scope, shared, b""), group.spans or ()) for group in block.scope_spans or ()]
            except MalformedRecord as reason:
                self.rows.reject(line, str(reason), "spans")
                continue
            for origin, spans in origins:
                for span in spans:
                    try:
                        self._span(span, origin, line)
                    except MalformedRecord as reason:
                        self.rows.reject(line, str(reason), "spans")

    def request(self, content: Json, line: int) -> None:
        """One export request, or an array of them."""
        if isinstance(content, list) and content:
            for part in content:
                self._request(part, line)
        else:
            self._request(content, line)

    def _request(self, content: Json, line: int) -> None:
        if not isinstance(content, dict):
            self.rows.reject(line, "not an export request of OTLP/JSON")
            return
        known = [key for key in self._kinds if key in content]
        if content and not known:
            self.rows.reject(line, _why_unknown(content))
        for key in known:
            signal = self._kinds[key][0]
            if signal not in self._pull.source.signals:
                self.rows.reject(line, f"{signal} are not collected by this source")
                continue
            try:
                resources = list_of(content[key], key)
            except MalformedRecord as reason:
                self.rows.reject(line, str(reason), signal)
                continue
            for resource in resources:
                self._resource(resource, key, line)

    def _resource(self, node: Json, key: str, line: int) -> None:
        signal, scope_keys, records_key, read = self._kinds[key]
        try:
            block = object_of(node, key)
            resource = object_of(block.get("resource"), "resource")
            shared = _shared(converted(resource, Resource))
            scopes = next((block[name] for name in scope_keys if block.get(name) is not None), None)
            groups = [object_of(scope, scope_keys[0]) for scope in list_of(scopes, scope_keys[0])]
            records = [(scope, list_of(scope.get(records_key), records_key)) for scope in groups]
            canonical = orjson.dumps(resource, option=orjson.OPT_SORT_KEYS) if signal == "logs" else b""
            origins = [
                (_origin(converted(scope.get("scope") or {}, Scope), shared, canonical), of_scope)
                for scope, of_scope in records
            ]
        except MalformedRecord as reason:
            self.rows.reject(line, str(reason), signal)
            return
        except orjson.JSONEncodeError:
            self.rows.reject(line, "resource is nested too deeply", signal)
            return
        for origin, of_scope in origins:
            for record in of_scope:
                try:
                    read(record, origin, line)
                except MalformedRecord as reason:
                    self.rows.reject(line, str(reason), signal)

    def _span_of(self, record: Json, origin: _Origin, line: int) -> None:
        self._span(converted(record, Span), origin, line)

    def _span(self, span: Span, origin: _Origin, line: int) -> None:
        trace_id = required_hex_id(span.trace_id, 32, "traceId")
        span_id = required_hex_id(span.span_id, 16, "spanId")
        parent_id = hex_id(span.parent_span_id, 16, "parentSpanId")
        start = nanoseconds(span.start_time_unix_nano, "startTimeUnixNano")
        end = nanoseconds(span.end_time_unix_nano, "endTimeUnixNano")
        event_us = plausible(start // 1_000, self._latest, "startTimeUnixNano")
        plausible(end // 1_000, self._latest, "endTimeUnixNano")
        if end < start:
            raise MalformedRecord("endTimeUnixNano is before startTimeUnixNano")
        kind = _name(_KINDS, enum_number(span.kind, _KIND_NAMES, "kind"))
        operation = text_of(span.name)
        status = span.status or _NO_STATUS
        code = enum_number(status.code, _STATUS_NAMES, "status.code")
        attributes: Attributes = {}
        read_attributes(span.attributes, attributes)
        if span.events:
            _add_events(span.events, attributes)
        lifted, taken = self._lift.taken(attributes, origin.attributes)
        cells = (
            f"{trace_id}-{span_id}",
            event_us,
            trace_id,
            span_id,
            parent_id,
            lifted("service") or UNKNOWN_SERVICE,
            lifted("service_version"),
            operation,
            kind,
            start,
            end - start,
            # What no specification knows is told as it is: the gate sets such rows aside, with a reason.
            _STATUSES[code] if 0 <= code < len(_STATUSES) else f"code {code}",
            text_of(status.message) or None,
            lifted("account_id"),
            lifted("account_plan"),
            lifted("feature_flag"),
            lifted("feature_variant"),
            lifted("dependency") if kind in _CALLING else None,
            origin.resource(tuple(taken)),
            attributes,
        )
        self.rows.add("spans", event_us, cells, line)

    def _log_of(self, record: Json, origin: _Origin, line: int) -> None:
        log = converted(record, LogRecord)
        time = nanoseconds(log.time_unix_nano, "timeUnixNano")
        time = time or nanoseconds(log.observed_time_unix_nano, "observedTimeUnixNano")
        if not time:
            raise MalformedRecord("timeUnixNano and observedTimeUnixNano are missing")
        event_us = plausible(time // 1_000, self._latest, "timeUnixNano")
        number, severity = _severity(log)
        attributes: Attributes = {}
        read_attributes(log.attributes, attributes)
        try:
            canonical = origin.canonical + b"\n" + orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            raise MalformedRecord("nested too deeply") from None
        lifted, taken = self._lift.taken(attributes, origin.attributes)
        cells = (
            self._pull.keys.record_id(canonical),
            event_us,
            time,
            lifted("service") or UNKNOWN_SERVICE,
            lifted("service_version"),
            number,
            severity,
            any_text(log.body),
            _context_id(log.trace_id, 32, "traceId"),
            _context_id(log.span_id, 16, "spanId"),
            lifted("account_id"),
            origin.resource(tuple(taken)),
            attributes,
        )
        self.rows.add("logs", event_us, cells, line)


def _name(names: tuple[str, ...], number: int) -> str:
    """The name of an enum's number; a number of a later OTLP than ours counts as unspecified, the first."""
    return names[number] if 0 <= number < len(names) else names[0]


def _shared(resource: Resource | None) -> Attributes:
    shared: Attributes = {}
    read_attributes(resource.attributes if resource else None, shared)
    return shared


def _origin(scope: Scope | None, shared: Attributes, canonical: bytes) -> _Origin:
    named = {"otel.scope.name": scope.name, "otel.scope.version": scope.version} if scope else {}
    return _Origin(shared | {key: clean(text) for key, text in named.items() if text}, canonical)


def _add_events(events: Sequence[Event], attributes: Attributes) -> None:
    """Span events (an exception, as a rule) as attributes `event.<key>`; of several events the first one's stay."""
    added: Attributes = {}
    for event in reversed(events):
        read_attributes(event.attributes, added, "event.")
        if name := text_of(event.name):
            added["event.name"] = name
    attributes.update(added)


def _context_id(value: object, length: int, field: str) -> str | None:
    """The id of a log record's trace or span; a record with a broken one is kept without it."""
    if value is not None and not isinstance(value, str):
        raise MalformedRecord(f"{field} has the wrong type")
    try:
        return hex_id(value, length, field)
    except MalformedRecord:
        return None


def _severity(record: LogRecord) -> tuple[int | None, str]:
    """Number and name; the number wins over the text, 0 says nothing. One that is none is left for the gate to see."""
    number = enum_number(record.severity_number, _SEVERITY_NAMES, "severityNumber")
    text = text_of(record.severity_text)
    if 1 <= number <= 24:
        return number, SEVERITIES[(number - 1) // 4]
    return number or None, severity_name(text)


def _why_unknown(content: dict[str, Json]) -> str:
    if "resourceMetrics" in content:
        return "metrics are not collected"
    if "resource_spans" in content or "resource_logs" in content:
        return "keys in snake_case; OTLP/JSON writes lowerCamelCase"
    return "not an export request of OTLP/JSON"
