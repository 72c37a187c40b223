"""The parts of OTLP/JSON shared by spans and logs: ids, times, enums and attributes, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.sources import Source
from orchestration.sources.values import Attributes, Json, MalformedRecord, as_text, clean, list_of, object_of

UNKNOWN_SERVICE = "unknown_service"

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
_INTEGER = re.compile(r"-?[0-9]{1,20}")


@dataclass(frozen=True)
class Lift:
    """Which attributes become which column."""

    candidates: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, source: Source) -> Lift:
        own = {name: [keys] if isinstance(keys, str) else keys for name, keys in source.columns.items()}
        names = {*LIFTED, *own}
        return cls({name: (*own.get(name, ()), *LIFTED.get(name, ())) for name in names})

    def take(self, attributes: Attributes, column: str) -> str | None:
        """The column's value, taken out of `attributes`; None where there is none."""
        for key in self.candidates[column]:
            if key in attributes:
                value = attributes[key]
                if value is not None and not value.isspace():
                    del attributes[key]
                    return value
        return None


def hex_id(value: Json, length: int, field: str) -> str | None:
    """An id in lower case; None where it is absent or all zero, which OTLP takes as absent."""
    if value is None or value == "":
        return None
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
    """An enum's number: OTLP/JSON writes integers, other writers decimal text or the name; absent is 0."""
    if type(value) is int:
        return value
    if value is None:
        return 0
    if isinstance(value, str):
        if value in names:
            return names[value]
        if _INTEGER.fullmatch(value):
            return int(value)
    raise MalformedRecord(f"{field} is no enum value")


def text_of(value: Json, field: str) -> str:
    """A string field; absent is empty."""
    if type(value) is str:
        return clean(value)
    if value is None:
        return ""
    raise MalformedRecord(f"{field} is not a string")


def severity_name(text: str) -> str:
    """A logger's word for a level as one of SEVERITIES; UNSET where it is none."""
    return _LEVELS.get(text.strip().upper(), "UNSET")


def read_attributes(node: Json, into: Attributes, prefix: str = "") -> None:
    """Add a list of attributes to `into` as text; of a key that is there twice the last one stays."""
    for entry in list_of(node, "attributes"):
        if not isinstance(entry, dict) or type(key := entry.get("key")) is not str:
            raise MalformedRecord("attributes has an entry without a key")
        value = entry.get("value")
        # The two usual kinds are taken here: they are 97 % of all values, and the call costs as much as the work.
        if type(value) is dict and len(value) == 1 and type(text := value.get("stringValue")) is str:
            into[prefix + clean(key)] = clean(text)
        else:
            into[prefix + clean(key)] = any_text(value)


def any_text(node: Json) -> str | None:
    """An AnyValue as text: scalars as they are, arrays and maps as JSON; an empty one is None."""
    return None if node is None else as_text(_plain(node, 0))


def _plain(node: Json, depth: int) -> Json:
    if depth > NESTING_LIMIT:
        return None
    for kind, value in object_of(node, "value").items():
        match kind, value:
            case _, None:
                continue
            case "stringValue" | "bytesValue", str():
                return value
            case "boolValue", bool():
                return value
            case "intValue", str() if _INTEGER.fullmatch(value):
                return value
            case "intValue", int() if not isinstance(value, bool):
                return value
            case "doubleValue", str() | int() | float() if not isinstance(value, bool):
                return value
            case "arrayValue", dict():
                return [_plain(item, depth + 1) for item in list_of(value.get("values"), "arrayValue")]
            case "kvlistValue", dict():
                return _plain_map(value, depth)
            case (
                "stringValue" | "bytesValue" | "boolValue" | "intValue" | "doubleValue" | "arrayValue" | "kvlistValue",
                _,
            ):
                raise MalformedRecord(f"{kind} has the wrong type")
    return None


def _plain_map(value: Mapping[str, Json], depth: int) -> Json:
    result: dict[str, Json] = {}
    for entry in list_of(value.get("values"), "kvlistValue"):
        if not isinstance(entry, dict) or not isinstance(key := entry.get("key"), str):
            raise MalformedRecord("kvlistValue has an entry without a key")
        result[key] = _plain(entry.get("value"), depth + 1)
    return result
