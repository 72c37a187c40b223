"""Log records of export requests as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from governance.signals import TIMESTAMP
from orchestration.sources.otlp_columns import Columns, Read, holds_id, named, nanoseconds_in, small_number
from orchestration.sources.otlp_messages import AnyValue, KeyValue, Log, LogRecord
from orchestration.sources.otlp_values import (
    SEVERITIES,
    Origin,
    any_text,
    enum_number,
    hex_id,
    nanoseconds,
    read_attributes,
    severity_name,
    text_of,
)
from orchestration.sources.values import EARLIEST_US, Attributes, MalformedRecord, plausible

_SEVERITY_NAMES: Mapping[int, str] = {number: SEVERITIES[(number - 1) // 4] for number in range(1, 25)}
_SEVERITY_NUMBERS = {
    f"SEVERITY_NUMBER_{name}{'' if step == 0 else step + 1}": 4 * index + step + 1
    for index, name in enumerate(SEVERITIES)
    for step in range(4)
}
_NO_RECORD = LogRecord()  # it has no time: what stands for one is unusual


class LogColumns(Columns[Log]):
    """Collects log records."""

    signal = "logs"
    lifted = ("service", "service_version", "account_id")

    def alone(self, record: Log, origin: Origin) -> Read:
        log = record.record
        if log is None:
            raise MalformedRecord(record.reason)
        time = nanoseconds(log.time_unix_nano, "timeUnixNano")
        time = time or nanoseconds(log.observed_time_unix_nano, "observedTimeUnixNano")
        if not time:
            raise MalformedRecord("timeUnixNano and observedTimeUnixNano are missing")
        event_us = plausible(time // 1_000, self._latest_us, "timeUnixNano")
        number, severity = _severity(log)
        attributes = self._attributes(record)
        record_id = self._id(record, origin)
        if record_id is None:
            raise MalformedRecord("nested too deeply")
        (service, version, account), resource = self._lift.cells(attributes, origin)
        return event_us, (
            record_id,
            event_us,
            time,
            service,
            version,
            number,
            severity,
            any_text(log.body),
            _context_id(log.trace_id, 32, "traceId"),
            _context_id(log.span_id, 16, "spanId"),
            account,
            resource,
            attributes,
        )

    def _attributes(self, record: Log) -> Attributes:
        own: Attributes = {}
        read_attributes(record.record.attributes if record.record else None, own)
        return own

    def _listed(self) -> list[Sequence[KeyValue]]:
        return [(log.record.attributes or ()) if log.record else () for log in self._records]

    def _unlisted(self) -> list[int]:
        return []

    def _id(self, record: Log, origin: Origin) -> str | None:
        """Equal records of equal resources have one id; None: nested too deeply for canonical JSON."""
        if record.canonical is None:
            return None
        return self._keys.record_id(origin.canonical + b"\n" + record.canonical)

    def _checked(self) -> pl.DataFrame:
        logs = [log.record or _NO_RECORD for log in self._records]
        bodies = [_body(log.body) for log in logs]
        numbers = [small_number(log.severity_number) for log in logs]
        table = pl.DataFrame(
            {
                "record_id": list(map(self._id, self._records, self._origins)),
                "time": ["0" if log.time_unix_nano is None else str(log.time_unix_nano) for log in logs],
                "observed": [str(log.observed_time_unix_nano) for log in logs],
                "severity_number": numbers,
                "said": [
                    None if number else severity_name(text_of(log.severity_text))
                    for log, number in zip(logs, numbers, strict=True)
                ],
                "body": [text for text, _ in bodies],
                "is_readable": [is_readable for _, is_readable in bodies],
                "trace_id": [_context(log.trace_id) for log in logs],
                "span_id": [_context(log.span_id) for log in logs],
            },
            schema_overrides={"severity_number": pl.Int64}
            | dict.fromkeys(("record_id", "said", "body", "trace_id", "span_id"), pl.String),
        )
        time, event_us = pl.col("time_unix_nano"), pl.col("event_us")
        is_usual = pl.all_horizontal(
            pl.col("record_id").is_not_null(),
            event_us.is_between(EARLIEST_US, self._latest_us),
            pl.col("severity_number").is_between(0, 24),
            pl.col("is_readable"),
            pl.col("trace_id").is_null() | holds_id("trace_id", 32),
            pl.col("span_id").is_null() | holds_id("span_id", 16),
        )
        said = nanoseconds_in("time")
        return (
            table.lazy()
            .with_columns(time_unix_nano=pl.when(said == 0).then(nanoseconds_in("observed")).otherwise(said))
            .with_columns(event_us=time // 1_000)
            .with_columns(
                is_usual=is_usual.fill_null(value=False),
                is_calling=pl.lit(value=False),
                event_at=event_us.cast(TIMESTAMP),
                severity=named("severity_number", _SEVERITY_NAMES).fill_null(pl.col("said")),
                severity_number=pl.when(pl.col("severity_number") > 0).then("severity_number"),
            )
            .collect()
        )


def _body(value: AnyValue | None) -> tuple[str | None, bool]:
    """A body as text, and whether it can be read."""
    try:
        return any_text(value), True
    except MalformedRecord:
        return None, False


def _context(value: object) -> str | None:
    """An id, null where there is none; one of another type is told as one that cannot be."""
    return (value or None) if isinstance(value, str) else None if value is None else "?"


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
    number = enum_number(record.severity_number, _SEVERITY_NUMBERS, "severityNumber")
    text = text_of(record.severity_text)
    if 1 <= number <= 24:
        return number, _SEVERITY_NAMES[number]
    return number or None, severity_name(text)
