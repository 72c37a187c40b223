"""Strict readings of single values: a wrong type or an implausible time is a reason, never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import TypeAlias

import orjson

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"
Attributes: TypeAlias = dict[str, str | None]

# A longer text is cut there: it bounds the memory and the time of every stage behind this one.
TEXT_LIMIT = 65_536
CUT_MARK = " [truncated]"

# What is told to be older is told wrongly. Partitions begin here: what is received must have a day to land on.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
EARLIEST_US = int(EARLIEST.timestamp()) * 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"\d{1,20}(\.\d{1,12})?")


class MalformedRecord(Exception):
    """One record that cannot be taken: says which field and why, never what it held."""


class AheadOfRun(MalformedRecord):
    """One record of a time later than the run allows: a later run may take it.

    Attributes:
        microseconds: that time, since 1970.
    """

    def __init__(self, microseconds: int, field: str) -> None:
        super().__init__(f"{field} is out of range")
        self.microseconds = microseconds


def clean(text: str) -> str:
    """`text` as a database can store it: no NUL, at most TEXT_LIMIT characters."""
    if len(text) > TEXT_LIMIT:
        text = text[:TEXT_LIMIT] + CUT_MARK
    return text.replace("\x00", "") if "\x00" in text else text


def as_text(value: Json) -> str | None:
    """A JSON value as text: a scalar as it is written, anything nested as JSON; null and blank text as None."""
    if value is None or isinstance(value, str):
        return clean(value) if value and not value.isspace() else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    try:
        return clean(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
    except orjson.JSONEncodeError:
        raise MalformedRecord("nested too deeply") from None


def object_of(value: Json, field: str) -> Mapping[str, Json]:
    """`value` as an object; null counts as empty."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedRecord(f"{field} is not an object")
    return value


def list_of(value: Json, field: str) -> Sequence[Json]:
    """`value` as an array; null counts as empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedRecord(f"{field} is not an array")
    return value


def identifier(value: Json, field: str) -> str:
    """An id that a system writes as a number or as text: both are the same id."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
        raise MalformedRecord(f"{field} is missing" if value is None else f"{field} is no id")
    return clean(str(value).strip())


def latest_us(as_of: datetime) -> int:
    """The latest plausible time of a record pulled at `as_of`, in microseconds: clocks are skewed by a day at most."""
    return (as_of + timedelta(days=1) - _EPOCH) // _MICROSECOND


def plausible(microseconds: int, latest: int, field: str) -> int:
    """`microseconds` where it lies between 2000 and `latest`.

    Raises:
        AheadOfRun: it lies behind `latest`.
        MalformedRecord: it lies before 2000.
    """
    if microseconds > latest:
        raise AheadOfRun(microseconds, field)
    if microseconds < EARLIEST_US:
        raise MalformedRecord(f"{field} is out of range")
    return microseconds


def to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def timestamp(value: Json, latest: int, field: str) -> int | None:
    """A time as microseconds since 1970, None where there is none.

    Taken are ISO 8601 (as UTC where it names no zone) and epoch numbers in s, ms, us or ns.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedRecord(f"{field} is no time")
    text = str(value).strip()
    return plausible(_epoch(text) if _NUMBER.fullmatch(text) else _iso(text, field), latest, field)


def required_timestamp(value: Json, latest: int, field: str) -> int:
    """`timestamp` of a field that must be there."""
    moment = timestamp(value, latest, field)
    if moment is None:
        raise MalformedRecord(f"{field} is missing")
    return moment


def _epoch(text: str) -> int:
    # The unit follows from the magnitude: 1e11 s is the year 5138, 1e11 ms is 1973, and so on.
    number = Decimal(text)
    for bound, factor in ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1)):
        if number < bound:
            return int(number * factor)
    return int(number // 1_000)


def _iso(text: str, field: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedRecord(f"{field} is not readable as a time") from None
    return to_microseconds(moment)


def whole_number(value: Json, field: str) -> int | None:
    """An exact integer, also from text; a fraction or an exponent is refused, never rounded."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        number = None
    if isinstance(number, Decimal) and number.is_finite() and number == number.to_integral_value():
        number = int(number) if abs(number) < 2**63 else None
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 2**63:
        raise MalformedRecord(f"{field} is no whole number")
    return number


def number(value: Json, field: str) -> float | None:
    """A finite number, also from text with a point for the fraction."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = float("nan") if isinstance(value, bool) or not isinstance(value, str | int | float) else float(value)
    except (ValueError, OverflowError):
        found = float("nan")
    if not isfinite(found):
        raise MalformedRecord(f"{field} is no number")
    return found


def at(node: Json, path: str) -> Json:
    """The value at a dotted path; in an array a part is an index, or the id or name of an entry that has a value.

    >>> at({"custom_fields": [{"id": 360001, "value": "checkout"}]}, "custom_fields.360001")
    'checkout'
    """
    if isinstance(node, Mapping) and path in node:
        return node[path]
    head, _, rest = path.partition(".")
    if isinstance(node, Mapping):
        found = node.get(head)
    elif isinstance(node, list):
        named = (e for e in node if isinstance(e, Mapping) and head in (str(e.get("id")), str(e.get("name"))))
        entry = next(named, None)
        found = entry.get("value") if entry else None
        if entry is None and head.isdecimal() and int(head) < len(node):
            found = node[int(head)]
    else:
        return None
    return at(found, rest) if rest else found


def first_at(node: Json, paths: str | Sequence[str]) -> Json:
    """The first of `paths` that holds something."""
    for path in [paths] if isinstance(paths, str) else paths:
        value = at(node, path)
        if value is not None and value != "":
            return value
    return None
