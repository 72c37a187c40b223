"""The exact shape of every rollup: the contract with the models that read them."""

from __future__ import annotations

import polars as pl

from governance.signals import TIMESTAMP

_TEXT, _COUNT, _MS = pl.String(), pl.Int64(), pl.Float64()

# What spans are counted by; null where a span does not say.
SPAN_DIMENSIONS = ("service", "operation", "kind", "service_version", "feature_flag", "feature_variant", "dependency")
_BY_HOUR = {"hour_start_at": TIMESTAMP, **dict.fromkeys(SPAN_DIMENSIONS, _TEXT)}

# One row per hour and distinct dimensions. origin_error_count: error spans without a child in error, where the error
# began. self_ms: duration without the time covered by children, where the time went.
REQUESTS_SCHEMA = pl.Schema(
    {
        **_BY_HOUR,
        "span_count": _COUNT,
        "error_count": _COUNT,
        "origin_error_count": _COUNT,
        "duration_ms": _MS,
        "self_ms": _MS,
    }
)
# One row per hour, distinct dimensions, measure (duration | self) and bucket of its nanoseconds (see histogram).
LATENCY_SCHEMA = pl.Schema({**_BY_HOUR, "measure": _TEXT, "bucket": pl.Int32(), "span_count": _COUNT})
# One row per day, account and what it met; spans without an account are left out.
SPAN_ACCOUNT_DAYS_SCHEMA = pl.Schema(
    {
        "event_date": pl.Date(),
        "account_id": _TEXT,
        **{name: _TEXT for name in SPAN_DIMENSIONS if name != "dependency"},
        "span_count": _COUNT,
        "origin_error_count": _COUNT,
        "slowest_self_bucket": pl.Int32(),
        "self_ms": _MS,
    }
)
# One row per hour, service, version, severity and template of a log body.
LOG_TEMPLATES_SCHEMA = pl.Schema(
    {
        "hour_start_at": TIMESTAMP,
        "service": _TEXT,
        "service_version": _TEXT,
        "severity": _TEXT,
        "template_id": _TEXT,
        "template": _TEXT,
        "record_count": _COUNT,
        "trace_count": _COUNT,
        "failing_trace_count": _COUNT,
    }
)
# One row per day, account, service and template; records without an account are left out.
LOG_ACCOUNT_DAYS_SCHEMA = pl.Schema(
    {
        "event_date": pl.Date(),
        "account_id": _TEXT,
        "service": _TEXT,
        "template_id": _TEXT,
        "record_count": _COUNT,
    }
)
