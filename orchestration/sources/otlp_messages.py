"""The messages of OTLP/JSON as typed structures: unknown fields are ignored, a wrong type is an error.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding; 64-bit integers may be text or numbers, enums numbers,
decimal text or names, and any field may be missing. Decoded typed, a request takes a tenth of the time of a reading by
dictionaries: nothing in it is looked at by Python's garbage collector.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeVar

import msgspec

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
    attributes: list[KeyValue] | None = None


class Scope(msgspec.Struct, gc=False):
    name: str | None = None
    version: str | None = None


class Status(msgspec.Struct, gc=False):
    message: str | None = None
    code: str | int | None = None


class Event(msgspec.Struct, gc=False):
    name: str | None = None
    attributes: list[KeyValue] | None = None


class Span(msgspec.Struct, rename="camel", gc=False):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: str | int | None = None
    start_time_unix_nano: str | int | None = None
    end_time_unix_nano: str | int | None = None
    attributes: list[KeyValue] | None = None
    events: list[Event] | None = None
    status: Status | None = None


class LogRecord(msgspec.Struct, rename="camel", gc=False):
    time_unix_nano: str | int | None = None
    observed_time_unix_nano: str | int | None = None
    severity_number: str | int | None = None
    severity_text: str | None = None
    body: AnyValue | None = None
    attributes: list[KeyValue] | None = None
    trace_id: object = None  # a broken one is no reason to lose the record
    span_id: object = None


class ScopeSpans(msgspec.Struct, gc=False):
    scope: msgspec.Raw = _NULL
    spans: list[Span] | None = None


class ResourceSpans(msgspec.Struct, rename="camel", gc=False):
    resource: msgspec.Raw = _NULL
    scope_spans: list[ScopeSpans] | None = None
    instrumentation_library_spans: object = None  # an old name: taken apart


class TraceRequest(msgspec.Struct, rename="camel", gc=False):
    """An export request of spans, and of nothing else."""

    resource_spans: list[ResourceSpans]
    resource_logs: object = None


_trace_request = msgspec.json.Decoder(TraceRequest)
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


def trace_request(line: bytes) -> TraceRequest | None:
    """A line as an export request of spans; None where it is something else, or not good in all its parts."""
    try:
        request = _trace_request.decode(line)
        for block in request.resource_spans:
            resource_of(bytes(block.resource))
            for group in block.scope_spans or ():
                scope_of(bytes(group.scope))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    is_plain = request.resource_logs is None and _ESCAPED_NUL not in line
    return request if is_plain and not any(b.instrumentation_library_spans for b in request.resource_spans) else None


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
