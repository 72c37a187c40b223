"""Spans of export requests, read column by column: what is as it should be is told so for thousands at once.

A span of which anything is unusual is read alone by the careful reader, so that there is one place that says what is
refused and why; of any other span both say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from governance.signals import SIGNALS, TIMESTAMP
from orchestration.sources.connector import Cell, Rows, attribute_series, is_enough
from orchestration.sources.otlp_messages import Span
from orchestration.sources.otlp_values import Lift, Origin, add_events, read_attributes
from orchestration.sources.values import EARLIEST_US, TEXT_LIMIT, Attributes, MalformedRecord

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")
CALLING = ("client", "producer")

# The cells of one span, in the order of the signal's columns.
ReadOne = Callable[[Span, Origin], tuple[int, Sequence[Cell]]]


class SpanColumns:
    """Collects spans until they are asked for."""

    def __init__(self, lift: Lift, latest_us: int, file: str, read_one: ReadOne) -> None:
        self._lift, self._latest_us, self._file, self._read_one = lift, latest_us, file, read_one
        self._spans: list[Span] = []
        self._origins: list[Origin] = []
        self._lines: list[tuple[int, int, int]] = []  # number and bytes of each line, and how many spans before it
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return is_enough(len(self._spans), self._bytes)

    def line(self, number: int, size: int) -> None:
        """The spans added next are those of this line."""
        self._lines.append((number, size, len(self._spans)))
        self._bytes += size

    def add(self, spans: Sequence[Span], origin: Origin) -> None:
        self._spans += spans
        self._origins += [origin] * len(spans)

    def hand_over(self, rows: Rows) -> None:
        """Give the spans so far to `rows`, in their order, those that cannot be taken with the reason."""
        if not self._spans:
            return
        odd, frame = self._usual()
        unusual: dict[int, tuple[int, Sequence[Cell]] | MalformedRecord] = {}
        for place in odd:
            try:
                unusual[place] = self._read_one(self._spans[place], self._origins[place])
            except MalformedRecord as reason:
                unusual[place] = reason
        lines, sizes = self._shares({place for place, one in unusual.items() if isinstance(one, MalformedRecord)})
        usual = np.delete(np.arange(len(self._spans)), odd)
        frame = frame.with_columns(
            raw_bytes=pl.Series(sizes[usual]),
            received_file=pl.lit(self._file, pl.String),
            received_line=pl.Series(lines[usual]),
        ).select(*SIGNALS["spans"].landing_schema)
        done = 0
        for before, place in enumerate(odd):
            rows.extend("spans", frame[done : place - before])
            done = place - before
            one = unusual[place]
            if isinstance(one, MalformedRecord):
                rows.reject(int(lines[place]), str(one), "spans")
            else:
                rows.consumed(int(sizes[place]))
                rows.add("spans", *one, int(lines[place]))
        rows.extend("spans", frame[done:])
        self._spans, self._origins, self._lines, self._bytes = [], [], [], 0

    def _shares(self, refused: set[int]) -> tuple[np.ndarray, np.ndarray]:
        """Line and bytes of each span; those of a line share its bytes, the refused ones have none."""
        firsts = [first for _, _, first in self._lines]
        lines, sizes = np.zeros(len(self._spans), np.int64), np.zeros(len(self._spans), np.int64)
        for (number, size, first), last in zip(self._lines, [*firsts[1:], len(self._spans)], strict=True):
            lines[first:last] = number
            good = (
                [place for place in range(first, last) if place not in refused] if refused else np.arange(first, last)
            )
            if len(good):
                sizes[good] = np.diff(size * np.arange(len(good) + 1) // len(good))
        return lines, sizes

    def _usual(self) -> tuple[list[int], pl.DataFrame]:
        """The places of the unusual spans, and the other ones as a frame in their order."""
        table = self._checked()
        kinds, is_usual = table["kind"].to_list(), table["is_usual"].to_list()
        lifted: list[Sequence[str | None]] = []
        resources: list[str | None] = []
        attributes: list[Attributes] = []
        odd: list[int] = []
        for place, (span, origin) in enumerate(zip(self._spans, self._origins, strict=True)):
            own: Attributes = {}
            try:
                if not is_usual[place]:
                    raise MalformedRecord
                read_attributes(span.attributes, own)
                if span.events:
                    add_events(span.events, own)
                cells, resource = self._lift.cells(own, origin, is_calling=kinds[place] in CALLING)
            except MalformedRecord:
                odd.append(place)
                continue
            lifted.append(cells)
            resources.append(resource)
            attributes.append(own)
        columns: Mapping[str, Sequence[str | None]] = dict(
            zip(self._lift.columns, zip(*lifted, strict=True), strict=True) if lifted else ()
        )
        usual = table.filter(~pl.int_range(pl.len()).is_in(odd)) if odd else table
        return odd, usual.with_columns(
            *(pl.Series(name, columns.get(name, ()), pl.String) for name in self._lift.columns),
            pl.Series("resource", resources, pl.String),
            attribute_series("attributes", attributes),
        )

    def _checked(self) -> pl.DataFrame:
        """What a span says itself, a row each, and whether it is all as usual."""
        spans = self._spans
        table = pl.DataFrame(
            {
                "trace_id": [span.trace_id for span in spans],
                "span_id": [span.span_id for span in spans],
                "parent_span_id": [span.parent_span_id or None for span in spans],
                "operation": [span.name or "" for span in spans],
                "start": [str(span.start_time_unix_nano) for span in spans],
                "end": [str(span.end_time_unix_nano) for span in spans],
                "kind": [_number(span.kind) for span in spans],
                "status": [_number(span.status.code) if span.status else 0 for span in spans],
                "status_message": [span.status.message or None if span.status else None for span in spans],
            },
            schema_overrides={"kind": pl.Int64, "status": pl.Int64, "status_message": pl.String}
            | dict.fromkeys(("trace_id", "span_id", "parent_span_id"), pl.String),
        )
        start, end, event_us = pl.col("start_unix_nano"), pl.col("end"), pl.col("event_us")
        is_usual = pl.all_horizontal(
            _is_id("trace_id", 32),
            _is_id("span_id", 16),
            pl.col("parent_span_id").is_null() | _is_id("parent_span_id", 16),
            event_us.is_between(EARLIEST_US, self._latest_us),
            (end // 1_000).is_between(EARLIEST_US, self._latest_us),
            end >= start,
            pl.col("kind").is_between(0, len(KINDS) - 1),
            pl.col("status").is_between(0, len(STATUSES) - 1),
            pl.col("operation", "status_message").fill_null("").str.len_chars() <= TEXT_LIMIT,
        )
        return (
            table.lazy()
            .with_columns(_nanoseconds("start").alias("start_unix_nano"), _nanoseconds("end"))
            .with_columns(event_us=start // 1_000, duration_ns=end - start)
            .with_columns(
                is_usual=is_usual.fill_null(value=False),
                record_id=pl.format("{}-{}", "trace_id", "span_id"),
                event_at=event_us.cast(TIMESTAMP),
                kind=_named("kind", KINDS),
                status=_named("status", STATUSES),
            )
            .collect()
        )


def _number(value: str | int | None) -> int:
    """An enum as a number; -1: it is written in another way, or no number a column holds."""
    return value if type(value) is int and -1 <= value <= 99 else 0 if value is None else -1


def _is_id(name: str, digits: int) -> pl.Expr:
    return pl.col(name).str.contains(f"^[0-9a-f]{{{digits}}}$") & (pl.col(name) != "0" * digits)


def _nanoseconds(name: str) -> pl.Expr:
    text = pl.col(name)
    return pl.when(text.str.contains("^[0-9]{1,19}$")).then(text).cast(pl.Int64, strict=False)


def _named(name: str, names: Sequence[str]) -> pl.Expr:
    return pl.col(name).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
