"""Frames of a few records: each test says only what matters to it."""

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from governance.sampling import TRAITS_SCHEMA, SamplingPolicy, draws, load_sampling_policy
from governance.signals import SIGNALS

MIDNIGHT = 20_000 * 86_400 * 10**9
Row = Mapping[str, object]
Frame = Callable[..., pl.DataFrame]


def _records(signal: str, rows: tuple[Row, ...], defaults: Row) -> pl.DataFrame:
    """`at` of a row is its time in nanoseconds after midnight."""
    schema = SIGNALS[signal].schema
    made = []
    for number, row in enumerate(rows):
        given = dict(row)
        at = MIDNIGHT + int(given.pop("at", 0))  # type: ignore[call-overload]
        start = "start_unix_nano" if signal == "spans" else "time_unix_nano"
        own = {"record_id": f"r{number}", "span_id": f"s{number}", start: at}
        made.append({**dict.fromkeys(schema), **own, **defaults, **given, "event_at": at // 1000})
    read = {**schema, "event_at": pl.Int64()}
    return pl.DataFrame(made, schema=read).with_columns(pl.col("event_at").cast(schema["event_at"]))


@pytest.fixture(scope="session")
def spans() -> Frame:
    defaults = {
        "trace_id": "t",
        "service": "cart",
        "operation": "get",
        "kind": "server",
        "duration_ns": 10,
        "status": "ok",
    }
    return lambda *rows: _records("spans", rows, defaults)


@pytest.fixture(scope="session")
def logs() -> Frame:
    return lambda *rows: _records(
        "logs", rows, {"service": "cart", "severity": "INFO", "body": "ready", "span_id": None}
    )


@pytest.fixture(scope="session")
def traits() -> Frame:
    flags = {"has_error": False, "is_slow": False, "is_rare": False, "is_forced": False}
    sizes = {"span_count": 1, "raw_bytes": 100}

    def made(*rows: Row) -> pl.DataFrame:
        filled = [{**dict.fromkeys(TRAITS_SCHEMA), **flags, **sizes, **row} for row in rows]
        frame = pl.DataFrame(filled, schema=TRAITS_SCHEMA)
        return frame.with_columns(draw=draws(frame["trace_id"]))

    return made


@pytest.fixture(scope="session")
def policy() -> SamplingPolicy:
    return load_sampling_policy()
