"""The parts of OTLP/JSON shared by spans and logs: ids, times, enums and attributes, read strictly."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, cast

from governance.signals import as_resource
from governance.sources import Source
from orchestration.sources.otlp_messages import AnyValue, Event, KeyValue, converted
from orchestration.sources.values import (
    TEXT_LIMIT,
    Attributes,
    Json,
    MalformedRecord,
    as_text,
    clean,
    list_of,
    object_of,
)

UNKNOWN_SERVICE = "unknown_service"
_STANDARD = str.maketrans("-_", "+/")  # of base64

# Attributes that have a column of their own, first present wins; `columns` of a source's YAML comes before these.
LIFTED: Mapping[str, Sequence[str]] = {
    "service": ("service.name",),
    "service_version": ("service.version",),
    "account_id": ("account.id", "app.account.id", "user.account", "user.account_id", "tenant.id", "enduser.id"),
    "account_plan": ("app.account.plan", "account.plan"),
    "feature_flag": ("feature_flag.key",),
    "feature_variant": ("feature_flag.result.variant", "feature_flag.variant"),
    # Only of client and producer spans: of the others these name the span's own side.
    "dependency": (
        "peer.service",
        "db.system.name",
        "db.system",
        "messaging.system",
        "rpc.service",
        "server.address",
        "net.peer.name",
    ),
}

SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
# What loggers write for a level, as one of OpenTelemetry's six.
_LEVELS = {name: name for name in SEVERITIES} | {
    "INFORMATION": "INFO",
    "NOTICE": "INFO",
    "WARNING": "WARN",
    "ERR": "ERROR",
    "SEVERE": "ERROR",
    "CRITICAL": "FATAL",
    "CRIT": "FATAL",
    "ALERT": "FATAL",
    "EMERGENCY": "FATAL",
    "PANIC": "FATAL",
}

# Attribute values may hold values: what lies deeper than this is left out.
NESTING_LIMIT = 32

_HEX = {length: re.compile(f"[0-9a-fA-F]{{{length}}}") for length in (16, 32)}
_LOWER_HEX = {length: re.compile(f"[0-9a-f]{{{length}}}") for length in (16, 32)}
_INTEGER = re.compile(r"-?[0-9]{1,20}")


class Origin:
    """What the records of one scope of one resource share.

    Attributes:
        attributes: of the resource and the scope.
        canonical: the resource as canonical JSON, where records get their ids from it.
    """

    def __init__(self, attributes: Attributes, canonical: bytes = b"") -> None:
        self.attributes, self.canonical = attributes, canonical
        self.plans: dict[tuple[frozenset[str], frozenset[str], bool], Plan] = {}

    def resource(self, taken: Collection[str]) -> str | None:
        """The attributes as a JSON object, without those that a record took for columns of its own."""
        return as_resource({key: value for key, value in self.attributes.items() if key not in taken})


class Plan(NamedTuple):
    """Where the columns of records come from that share an origin and have the same of the lifted attributes.

    Attributes:
        cells: of each column what the origin gives.
        own: number of the column and key, of those that the record's own attributes give.
        resource: what is left of the origin.
    """

    cells: tuple[str | None, ...]
    own: tuple[tuple[int, str], ...]
    resource: str | None


@dataclass(frozen=True)
class Lift:
    """Which attributes become which column.

    Attributes:
        columns: those that the records of the signal have.
        candidates: keys by column, first present wins.
    """

    columns: tuple[str, ...]
    candidates: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, source: Source, columns: tuple[str, ...]) -> Lift:
        own = {name: [keys] if isinstance(keys, str) else keys for name, keys in source.columns.items()}
        return cls(columns, {name: (*own.get(name, ()), *LIFTED.get(name, ())) for name in columns})

    @cached_property
    def keys(self) -> frozenset[str]:
        """All that a column is looked for under."""
        return frozenset(key for keys in self.candidates.values() for key in keys)

    def cells(
        self, own: Attributes, origin: Origin, *, is_calling: bool = False
    ) -> tuple[Sequence[str | None], str | None]:
        """A record's columns, taken out of its own attributes, else of those it shares; and the rest of the latter."""
        there = self.keys.intersection(own)
        blank = frozenset([key for key in there if is_blank(own[key])])
        plan = self.plan(there, blank, origin, is_calling=is_calling)
        if not plan.own:
            return plan.cells, plan.resource
        cells = list(plan.cells)
        for number, key in plan.own:
            cells[number] = own.pop(key)
        return cells, plan.resource

    def plan(self, there: frozenset[str], blank: frozenset[str], origin: Origin, *, is_calling: bool) -> Plan:
        """Of a record that has these of the keys itself: what is blank says nothing, stays where it is, and hides what
        is shared under its key.
        """
        known = origin.plans.get((there, blank, is_calling))
        if known is None:
            known = origin.plans[there, blank, is_calling] = self._plan(
                there - blank, blank, origin, is_calling=is_calling
            )
        return known

    def _plan(self, there: frozenset[str], blank: frozenset[str], origin: Origin, *, is_calling: bool) -> Plan:
        cells: list[str | None] = []
        own: list[tuple[int, str]] = []
        used: set[str] = set()
        for number, column in enumerate(self.columns):
            cells.append(UNKNOWN_SERVICE if column == "service" else None)
            if column == "dependency" and not is_calling:
                continue
            for key in self.candidates[column]:
                shared = None if key in blank else origin.attributes.get(key)
                if key in used or not (key in there or (shared and not shared.isspace())):
                    continue
                used.add(key)
                if key in there:
                    own.append((number, key))
                else:
                    cells[number] = shared
                break
        return Plan(tuple(cells), tuple(own), origin.resource(used - {key for _, key in own}))


def hex_id(value: Json, length: int, field: str) -> str | None:
    """An id in lower case; None where it is absent or all zero, which OTLP takes as absent."""
    if value is None or value == "":
        return None
    if type(value) is str and _LOWER_HEX[length].fullmatch(value):
        return value if value.strip("0") else None
    if not isinstance(value, str) or not _HEX[length].fullmatch(value):
        raise MalformedRecord(f"{field} is not {length} hex digits")
    return value.lower() if value.strip("0") else None


def required_hex_id(value: Json, length: int, field: str) -> str:
    found = hex_id(value, length, field)
    if found is None:
        raise MalformedRecord(f"{field} is missing or zero")
    return found


def nanoseconds(value: Json, field: str) -> int:
    """An unsigned 64-bit time, exact: decimal text or a JSON integer; absent is 0, as in protobuf."""
    if type(value) is str and 0 < len(value) <= 20 and value.isascii() and value.isdigit():
        return int(value)
    if type(value) is int and value >= 0:
        return value
    if value is None:
        return 0
    raise MalformedRecord(f"{field} is not an unsigned integer of nanoseconds")


def enum_number(value: Json, names: Mapping[str, int], field: str) -> int:
    """An enum's number (32 bits): OTLP/JSON writes integers, others decimal text or the name; absent is 0."""
    if value is None:
        return 0
    if isinstance(value, str):
        if value in names:
            return names[value]
        value = int(value) if _INTEGER.fullmatch(value) else value
    if type(value) is int and -(2**31) <= value < 2**31:
        return value
    raise MalformedRecord(f"{field} is no enum value")


def text_of(value: str | None) -> str:
    """A string field; absent is empty."""
    return clean(value) if value else ""


def severity_name(text: str) -> str:
    """A logger's word for a level as one of SEVERITIES; UNSET where it is none."""
    return _LEVELS.get(text.strip().upper(), "UNSET")


def read_attributes(entries: Sequence[KeyValue] | None, into: Attributes, prefix: str = "") -> None:
    """Add a list of attributes to `into` as text; of a key that is there twice the last one stays."""
    for entry in entries or ():
        key, value = entry.key, entry.value
        text = value.string_value if value is not None else None
        if text is None:
            text = plain_text(value)
        elif len(text) > TEXT_LIMIT or "\x00" in text:
            text = clean(text)
        if len(key) > TEXT_LIMIT or "\x00" in key:
            key = clean(key)
        into[prefix + key if prefix else key] = text


def plain_text(value: AnyValue | None) -> str | None:
    """What `any_text` says, a decimal number at once."""
    number = value.int_value if value is not None and value.string_value is None else None
    if type(number) is str and len(number) <= 20 and number.isascii() and number.isdecimal():
        return number
    return any_text(value)


def is_blank(text: str | None) -> bool:
    """Whether a text says nothing."""
    return not text or text.isspace()


def add_events(events: Sequence[Event], attributes: Attributes) -> None:
    """Span events (an exception, as a rule) as attributes `event.<key>`; of several events the first one's stay."""
    added: Attributes = {}
    for event in reversed(events):
        read_attributes(event.attributes, added, "event.")
        if name := text_of(event.name):
            added["event.name"] = name
    attributes.update(added)


def any_text(value: AnyValue | None) -> str | None:
    """An AnyValue as text: scalars as they are, arrays and maps as JSON; an empty one is None."""
    return None if value is None else as_text(_scalar_or_nested(value))


def _scalar_or_nested(value: AnyValue) -> Json:
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return _integer(value.int_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.double_value is not None:
        return value.double_value
    if value.bytes_value is not None:
        return _decoded(value.bytes_value)
    held = {"arrayValue": value.array_value, "kvlistValue": value.kvlist_value}
    return _nested(cast("Json", {kind: nested for kind, nested in held.items() if nested is not None}), 0)


def _decoded(encoded: str) -> str:
    """Bytes as the text that they are; of others how many: in base64 nobody would see what they say of whom."""
    digits = encoded.rstrip("=").translate(_STANDARD)
    try:
        data = b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        raise MalformedRecord("bytesValue is not base64") from None
    text = data.decode(errors="ignore")
    is_text = text.encode() == data and all(sign.isprintable() or sign.isspace() for sign in text)
    return text if is_text else f"({len(data)} bytes)"


def _integer(value: str | int) -> str | int:
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise MalformedRecord("intValue has the wrong type")
    return value


def _nested(node: Json, depth: int) -> Json:
    """What an array or a map holds, as plain JSON; what lies deeper than NESTING_LIMIT is left out."""
    if depth > NESTING_LIMIT:
        return None
    value = object_of(node, "value")
    if (array := value.get("arrayValue")) is not None:
        return [
            _nested(item, depth + 1) for item in list_of(object_of(array, "arrayValue").get("values"), "arrayValue")
        ]
    if (entries := value.get("kvlistValue")) is not None:
        return _plain_map(object_of(entries, "kvlistValue"), depth)
    return _scalar_or_nested(converted(node, AnyValue)) if value else None


def _plain_map(value: Mapping[str, Json], depth: int) -> Json:
    result: dict[str, Json] = {}
    for entry in list_of(value.get("values"), "kvlistValue"):
        if not isinstance(entry, dict) or not isinstance(key := entry.get("key"), str):
            raise MalformedRecord("kvlistValue has an entry without a key")
        result[key] = _nested(entry.get("value"), depth + 1)
    return result
