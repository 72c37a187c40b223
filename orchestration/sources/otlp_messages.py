"""The messages of OTLP/JSON as typed structures: unknown fields are ignored, a wrong type is an error.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding; 64-bit integers may be text or numbers, enums numbers,
decimal text or names, and any field may be missing. Decoded typed, a request takes a tenth of the time of a reading by
dictionaries: nothing in it is looked at by Python's garbage collector.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

import msgspec
import orjson

from orchestration.sources.values import Json, MalformedRecord

T = TypeVar("T")
_NULL = msgspec.Raw(b"null")


class AnyValue(msgspec.Struct, rename="camel", gc=False):
    """One value; of a valid one, exactly one field is set."""

    string_value: str | None = None
    int_value: str | int | None = None
    bool_value: bool | None = None
    double_value: str | int | float | None = None
    array_value: object = None
    kvlist_value: object = None
    bytes_value: str | None = None


class KeyValue(msgspec.Struct, gc=False):
    key: str
    value: AnyValue | None = None


class Resource(msgspec.Struct, gc=False):
    attributes: tuple[KeyValue, ...] | None = None


class Scope(msgspec.Struct, gc=False):
    name: str | None = None
    version: str | None = None


class Status(msgspec.Struct, gc=False):
    message: str | None = None
    code: str | int | None = None


class Event(msgspec.Struct, gc=False):
    name: str | None = None
    attributes: tuple[KeyValue, ...] | None = None


class Span(msgspec.Struct, rename="camel", gc=False):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: str | int | None = None
    start_time_unix_nano: str | int | None = None
    end_time_unix_nano: str | int | None = None
    attributes: tuple[KeyValue, ...] | None = None
    events: tuple[Event, ...] | None = None
    status: Status | None = None


class LogRecord(msgspec.Struct, rename="camel", gc=False):
    time_unix_nano: str | int | None = None
    observed_time_unix_nano: str | int | None = None
    severity_number: str | int | None = None
    severity_text: str | None = None
    body: AnyValue | None = None
    attributes: tuple[KeyValue, ...] | None = None
    trace_id: object = None  # a broken one is no reason to lose the record
    span_id: object = None


class Log(msgspec.Struct, gc=False):
    """A log record, and what its id is made of.

    Attributes:
        record: None where a field has the wrong type.
        reason: why there is none.
        canonical: all that was sent, as canonical JSON; None where it is nested too deeply.
    """

    record: LogRecord | None
    reason: str
    canonical: bytes | None


class ScopeSpans(msgspec.Struct, gc=False):
    scope: msgspec.Raw = _NULL
    spans: list[Span] | None = None


class ResourceSpans(msgspec.Struct, rename="camel", gc=False):
    resource: msgspec.Raw = _NULL
    scope_spans: list[ScopeSpans] | None = None
    instrumentation_library_spans: object = None  # an old name: taken apart


class ScopeLogs(msgspec.Struct, rename="camel", gc=False):
    scope: msgspec.Raw = _NULL
    log_records: list[msgspec.Raw] | None = None


class ResourceLogs(msgspec.Struct, rename="camel", gc=False):
    resource: msgspec.Raw = _NULL
    scope_logs: list[ScopeLogs] | None = None
    instrumentation_library_logs: object = None


class _Request(msgspec.Struct, rename="camel", gc=False):
    resource_spans: list[ResourceSpans] | msgspec.UnsetType | None = msgspec.UNSET
    resource_logs: list[ResourceLogs] | msgspec.UnsetType | None = msgspec.UNSET


class Block(NamedTuple):
    """What one resource sent: the resource as it is written, and the records of each scope, likewise."""

    resource: bytes
    groups: list[tuple[bytes, Sequence[Span | Log]]]


class Request(NamedTuple):
    """An export request of spans or of logs, and of nothing else."""

    signal: str
    blocks: list[Block]


_request = msgspec.json.Decoder(_Request)
_resource = msgspec.json.Decoder(Resource | None)
_scope = msgspec.json.Decoder(Scope | None)
# What cannot be told from the structures: a NUL must be taken out of a text.
_ESCAPED_NUL = b"\\u0000"


@lru_cache(maxsize=4_096)
def resource_of(text: bytes) -> Resource | None:
    """A resource as it is written: emitters repeat theirs in every request.

    Raises:
        msgspec.DecodeError: a field has the wrong type.
    """
    resource: Resource | None = _resource.decode(text)
    return resource


@lru_cache(maxsize=4_096)
def scope_of(text: bytes) -> Scope | None:
    """A scope as it is written.

    Raises:
        msgspec.DecodeError: a field has the wrong type.
    """
    scope: Scope | None = _scope.decode(text)
    return scope


@lru_cache(maxsize=4_096)
def canonical_of(resource: bytes) -> bytes:
    """A resource as canonical JSON; one that is not there is empty.

    Raises:
        orjson.JSONDecodeError: it is no JSON, or nested too deeply.
        orjson.JSONEncodeError: it is nested too deeply.
    """
    return orjson.dumps(orjson.loads(resource) or {}, option=orjson.OPT_SORT_KEYS)


def export_request(line: bytes) -> Request | None:
    """A line as an export request; None where it is something else, or not good in all its parts."""
    if _ESCAPED_NUL in line:
        return None
    try:
        if not line.isascii():
            line.decode()
        request = _request.decode(line)
        spans, logs = request.resource_spans, request.resource_logs
        if spans and logs is msgspec.UNSET:
            return _request_of_spans(spans)
        return _request_of_logs(logs) if logs and spans is msgspec.UNSET else None
    except (msgspec.DecodeError, orjson.JSONDecodeError, orjson.JSONEncodeError, UnicodeDecodeError, RecursionError):
        return None


def _request_of_spans(resources: list[ResourceSpans]) -> Request | None:
    if any(block.instrumentation_library_spans for block in resources):
        return None
    blocks = [
        Block(bytes(block.resource), [(bytes(group.scope), group.spans or ()) for group in block.scope_spans or ()])
        for block in resources
    ]
    for resource, groups in blocks:
        resource_of(resource)
        for scope, _ in groups:
            scope_of(scope)
    return Request("spans", blocks)


def _request_of_logs(resources: list[ResourceLogs]) -> Request | None:
    if any(block.instrumentation_library_logs for block in resources):
        return None
    blocks: list[Block] = []
    for block in resources:
        resource = bytes(block.resource)
        resource_of(resource)
        canonical_of(resource)
        groups: list[tuple[bytes, Sequence[Span | Log]]] = []
        for group in block.scope_logs or ():
            scope = bytes(group.scope)
            scope_of(scope)
            logs = [log_of(orjson.loads(bytes(record))) for record in group.log_records or ()]
            if any(log.canonical is None for log in logs):
                return None
            groups.append((scope, logs))
        blocks.append(Block(resource, groups))
    return Request("logs", blocks)


def log_of(record: Json) -> Log:
    """A log record by what was sent."""
    try:
        canonical = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        canonical = None
    try:
        return Log(converted(record, LogRecord), "", canonical)
    except MalformedRecord as reason:
        return Log(None, str(reason), canonical)


def converted(node: Json, kind: type[T]) -> T:
    """Decoded JSON as one of the structures.

    Raises:
        MalformedRecord: a field has the wrong type.
    """
    try:
        return msgspec.convert(node, kind)
    except msgspec.ValidationError as error:
        path = str(error).partition("`$.")[2].rstrip("`")
        field = re.sub(r"\[[^]]*\]", "", path).rpartition(".")[2]
        raise MalformedRecord(f"{field} has the wrong type" if field else "not an object of OTLP/JSON") from None
    except RecursionError:
        raise MalformedRecord("nested too deeply") from None
