"""Frames of a few records: each test says only what matters to it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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


# Records that pass their suite, to be spoilt.
GOOD: dict[str, dict[str, object]] = {
    "spans": {
        "trace_id": "a" * 32,
        "span_id": "b" * 16,
        "service": "cart",
        "operation": "GET /cart",
        "kind": "server",
        "duration_ns": 1_000,
        "status": "ok",
        "attributes": [{"key": "http.route", "value": "/cart"}],
    },
    "logs": {"service": "cart", "severity": "INFO", "severity_number": 9, "body": "cart saved"},
    "tickets": {"ticket_id": "1", "created_at": datetime(2018, 1, 1, tzinfo=UTC), "status": "open"},
    "ticket_events": {"ticket_id": "1", "event_type": "comment", "body": "it is slow"},
    "deployments": {"deployment_id": "1", "status": "success"},
    "incidents": {"incident_id": "1", "entry_type": "trigger"},
    "pull_requests": {"pull_request_id": "a/b#1", "created_at": datetime(2018, 1, 1, tzinfo=UTC), "status": "open"},
    "commits": {"sha": "a" * 40, "message": "Tidy up"},
    "reviews": {"review_id": "1", "pull_request_id": "a/b#1", "status": "approved"},
    "ci_runs": {"run_id": "1", "attempt": 1, "status": "in_progress"},
    "outcomes": {"journey": "place order", "measure": "conversion", "value": 3.0, "unit": "count", "population": 5},
    "surveys": {"survey": "pulse", "audience": "user", "score": 7.0, "score_min": 0.0, "score_max": 10.0},
}


@pytest.fixture
def records() -> Frame:
    """`records(signal, day, {column: value}, ...)`: one row per dict, good but for what the dict says."""

    def build(signal: str, day: str, *changes: dict[str, object]) -> pl.DataFrame:
        noon = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=12)
        rows = [
            {"record_id": f"{day}-{place}", "event_at": noon, **GOOD[signal], **change}
            for place, change in enumerate(changes)
        ]
        return pl.DataFrame(rows, schema=SIGNALS[signal].schema)

    return build


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody can enter, unlike those of pytest."""
    made = Path(tempfile.mkdtemp(prefix="feedback-audit-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)
