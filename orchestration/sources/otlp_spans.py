"""Spans of export requests as columns."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from governance.signals import TIMESTAMP
from orchestration.sources.otlp_columns import Columns, Read, holds_id, named, nanoseconds_in, small_number
from orchestration.sources.otlp_messages import KeyValue, Span, Status
from orchestration.sources.otlp_values import (
    Origin,
    add_events,
    enum_number,
    hex_id,
    nanoseconds,
    read_attributes,
    required_hex_id,
    text_of,
)
from orchestration.sources.values import EARLIEST_US, TEXT_LIMIT, Attributes, MalformedRecord, plausible

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
CALLING = ("client", "producer")
_KIND_NAMES = {f"SPAN_KIND_{kind.upper()}": number for number, kind in enumerate(KINDS)}
_STATUS_NAMES = {f"STATUS_CODE_{status.upper()}": number for number, status in enumerate(STATUSES)}
_NO_STATUS = Status()


class SpanColumns(Columns[Span]):
    """Collects spans."""

    signal = "spans"
    lifted = (
        "service",
        "service_version",
        "account_id",
        "account_plan",
        "feature_flag",
        "feature_variant",
        "dependency",
    )

    def alone(self, record: Span, origin: Origin) -> Read:
        trace_id = required_hex_id(record.trace_id, 32, "traceId")
        span_id = required_hex_id(record.span_id, 16, "spanId")
        parent_id = hex_id(record.parent_span_id, 16, "parentSpanId")
        start = nanoseconds(record.start_time_unix_nano, "startTimeUnixNano")
        end = nanoseconds(record.end_time_unix_nano, "endTimeUnixNano")
        event_us = plausible(start // 1_000, self._latest_us, "startTimeUnixNano")
        plausible(end // 1_000, self._latest_us, "endTimeUnixNano")
        if end < start:
            raise MalformedRecord("endTimeUnixNano is before startTimeUnixNano")
        kind = _name(KINDS, enum_number(record.kind, _KIND_NAMES, "kind"))
        status = record.status or _NO_STATUS
        code = enum_number(status.code, _STATUS_NAMES, "status.code")
        attributes = self._attributes(record)
        lifted, resource = self._lift.cells(attributes, origin, is_calling=kind in CALLING)
        service, version, account, plan, flag, variant, dependency = lifted
        return event_us, (
            f"{trace_id}-{span_id}",
            event_us,
            trace_id,
            span_id,
            parent_id,
            service,
            version,
            text_of(record.name),
            kind,
            start,
            end - start,
            # What no specification knows is told as it is: the gate sets such rows aside, with a reason.
            STATUSES[code] if 0 <= code < len(STATUSES) else f"code {code}",
            text_of(status.message) or None,
            account,
            plan,
            flag,
            variant,
            dependency,
            resource,
            attributes,
        )

    def _attributes(self, record: Span) -> Attributes:
        own: Attributes = {}
        read_attributes(record.attributes, own)
        if record.events:
            add_events(record.events, own)
        return own

    def _listed(self) -> list[Sequence[KeyValue]]:
        return [span.attributes or () for span in self._records]

    def _unlisted(self) -> list[int]:
        return [place for place, span in enumerate(self._records) if span.events]

    def _checked(self) -> pl.DataFrame:
        spans = self._records
        table = pl.DataFrame(
            {
                "trace_id": [span.trace_id for span in spans],
                "span_id": [span.span_id for span in spans],
                "parent_span_id": [span.parent_span_id or None for span in spans],
                "operation": [span.name or "" for span in spans],
                "start": [str(span.start_time_unix_nano) for span in spans],
                "end": [str(span.end_time_unix_nano) for span in spans],
                "kind": [small_number(span.kind) for span in spans],
                "status": [small_number(span.status.code) if span.status else 0 for span in spans],
                "status_message": [span.status.message or None if span.status else None for span in spans],
            },
            schema_overrides={"kind": pl.Int64, "status": pl.Int64, "status_message": pl.String}
            | dict.fromkeys(("trace_id", "span_id", "parent_span_id"), pl.String),
        )
        start, end, event_us = pl.col("start_unix_nano"), pl.col("end"), pl.col("event_us")
        is_usual = pl.all_horizontal(
            holds_id("trace_id", 32),
            holds_id("span_id", 16),
            pl.col("parent_span_id").is_null() | holds_id("parent_span_id", 16),
            event_us.is_between(EARLIEST_US, self._latest_us),
            (end // 1_000).is_between(EARLIEST_US, self._latest_us),
            end >= start,
            pl.col("kind").is_between(0, len(KINDS) - 1),
            pl.col("status").is_between(0, len(STATUSES) - 1),
            pl.col("operation", "status_message").fill_null("").str.len_chars() <= TEXT_LIMIT,
        )
        return (
            table.lazy()
            .with_columns(nanoseconds_in("start").alias("start_unix_nano"), nanoseconds_in("end"))
            .with_columns(event_us=start // 1_000, duration_ns=end - start)
            .with_columns(
                is_usual=is_usual.fill_null(value=False),
                record_id=pl.format("{}-{}", "trace_id", "span_id"),
                event_at=event_us.cast(TIMESTAMP),
                kind=named("kind", dict(enumerate(KINDS))),
                status=named("status", dict(enumerate(STATUSES))),
            )
            .with_columns(is_calling=pl.col("kind").is_in(CALLING))
            .collect()
        )


def _name(names: tuple[str, ...], number: int) -> str:
    """The name of an enum's number; a number of a later OTLP than ours counts as unspecified, the first."""
    return names[number] if 0 <= number < len(names) else names[0]
