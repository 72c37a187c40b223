"""From named fields to the cells of a signal: types, defaults and the steward's own mapping."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from governance.signals import ATTRIBUTES, SIGNALS, TIMESTAMP
from orchestration.sources.connector import Cell, Pull, Rows
from orchestration.sources.values import (
    Attributes,
    Json,
    MalformedRecord,
    as_text,
    first_at,
    number,
    required_timestamp,
    timestamp,
    whole_number,
)

# Constant of a column of time for records without one of their own: the time they were first received.
RECEIVED = "received"
_TRUE, _FALSE = ("true", "t", "yes", "1"), ("false", "f", "no", "0")


def mapped(raw: Json, pull: Pull, signal: str) -> dict[str, Json]:
    """What the steward's `columns` and `constants` say about a raw record, of the signal's columns only."""
    known = SIGNALS[signal].fields
    own = {name: first_at(raw, paths) for name, paths in pull.source.columns.items() if name in known}
    fixed = {name: value for name, value in pull.source.constants.items() if name in known}
    return {**{name: value for name, value in own.items() if value is not None}, **fixed}


def add(rows: Rows, pull: Pull, signal: str, fields: Mapping[str, Json], line: int) -> None:
    """One record from its fields (columns that are missing are null).

    Raises:
        MalformedRecord: a field has the wrong type or an implausible time, or id or time are missing.
    """
    schema = {name: dtype for name, dtype in SIGNALS[signal].columns.items() if name != "raw_bytes"}
    event_us = required_timestamp(event_time(fields, pull), pull.latest_us, "event_at")
    cells = [_cell(_dated(fields.get(name), dtype, pull), dtype, pull, name) for name, dtype in schema.items()]
    cells[list(schema).index("event_at")] = event_us
    if not cells[list(schema).index("record_id")]:
        raise MalformedRecord("record_id is missing")
    rows.add(signal, event_us, cells, line)


def event_time(fields: Mapping[str, Json], pull: Pull) -> Json:
    """The field that dates the record, the time of receiving where the source's YAML says so."""
    return _dated(fields.get("event_at"), TIMESTAMP, pull)


def _dated(value: Json, dtype: pl.DataType, pull: Pull) -> Json:
    return pull.received_at.isoformat() if value == RECEIVED and dtype == TIMESTAMP else value


def attributes_of(raw: Mapping[str, Json]) -> dict[str, Json]:
    """`raw` without what says nothing."""
    return {key: value for key, value in raw.items() if value is not None and value != ""}


def _cell(value: Json, dtype: pl.DataType, pull: Pull, name: str) -> Cell:
    if dtype == TIMESTAMP:
        return None if name == "event_at" else timestamp(value, pull.latest_us, name)
    if dtype == ATTRIBUTES:
        return _attributes(value)
    if dtype == pl.List(pl.String):
        return _texts(value, name)
    if dtype == pl.Int64():
        return whole_number(value, name)
    if dtype == pl.Float64():
        return number(value, name)
    if dtype == pl.Boolean():
        return _boolean(value, name)
    return as_text(value)


def _attributes(value: Json) -> Attributes:
    if not isinstance(value, Mapping):
        return {}
    texts = ((key, as_text(item)) for key, item in value.items())
    return {key.replace("\x00", ""): text for key, text in texts if text is not None}


def _texts(value: Json, name: str) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(value, str):  # one cell of a table
        value = [part.strip() for part in value.replace(";", ",").split(",")]
    if not isinstance(value, list):
        raise MalformedRecord(f"{name} is not an array")
    return [text for item in value if (text := as_text(item)) is not None]


def _boolean(value: Json, name: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if not text:
        return None
    raise MalformedRecord(f"{name} is neither true nor false")
