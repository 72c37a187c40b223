"""Records that pass their suite, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from governance.signals import SIGNALS

Records = Callable[..., pl.DataFrame]

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
def records() -> Records:
    """`records(signal, day, {column: value}, ...)`: one row per dict, good but for what the dict says."""

    def build(signal: str, day: str, *changes: dict[str, object]) -> pl.DataFrame:
        noon = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=12)
        rows = [
            {"record_id": f"{day}-{place}", "event_at": noon, **GOOD[signal], **change}
            for place, change in enumerate(changes)
        ]
        return pl.DataFrame(rows, schema=SIGNALS[signal].schema)

    return build
