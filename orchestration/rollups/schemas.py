"""The exact shape of every rollup: the contract with the models that read them."""

from __future__ import annotations

import polars as pl

from governance.signals import TIMESTAMP

# Counts and sums are 64 bits wide and nothing else is: made coarser, a rollup adds up these and groups by the rest.
_TEXT, _COUNT, _MS = pl.String(), pl.Int64(), pl.Float64()

# What spans are counted by; null where a span does not say.
SPAN_DIMENSIONS = ("service", "operation", "kind", "service_version", "feature_flag", "feature_variant", "dependency")
# A period is a minute, an hour or a day (`grain`) and has the UTC time of its start. `status`: ok | error | unset.
_BY_PERIOD = {
    "period_start_at": TIMESTAMP,
    "grain": _TEXT,
    **dict.fromkeys(SPAN_DIMENSIONS, _TEXT),
    "status": _TEXT,
}

# One row per period, distinct dimensions and status. origin_error_count: error spans without a child in error, where
# the error began. self_ms: duration without the time covered by children, where the time went. raw_bytes: what the
# spans took in their source.
REQUESTS_SCHEMA = pl.Schema(
    {
        **_BY_PERIOD,
        "span_count": _COUNT,
        "error_count": _COUNT,
        "origin_error_count": _COUNT,
        "duration_ms": _MS,
        "self_ms": _MS,
        "raw_bytes": _COUNT,
    }
)
# One row per period, distinct dimensions, status, measure (duration | self) and bucket of its nanoseconds (see
# histogram). Durations are counted by minute, own times by hour: what compares own times looks at whole hours, and by
# minute most rows would stand for one span.
LATENCY_SCHEMA = pl.Schema({**_BY_PERIOD, "measure": _TEXT, "bucket": pl.Int32(), "span_count": _COUNT})
# One row per day, account, plan it was seen with and what it met; spans without an account are left out.
SPAN_ACCOUNT_DAYS_SCHEMA = pl.Schema(
    {
        "event_date": pl.Date(),
        "account_id": _TEXT,
        "account_plan": _TEXT,
        **{name: _TEXT for name in SPAN_DIMENSIONS if name != "dependency"},
        "span_count": _COUNT,
        "origin_error_count": _COUNT,
        "slowest_self_bucket": pl.Int32(),
        "self_ms": _MS,
    }
)
# What of log records is added up beside their number: the bytes they took in their source.
LOG_SUMS = ("raw_bytes",)
# One row per minute, service, version, severity and template of a log body. A trace is counted in the first minute of
# the day in which it is met under these keys, so that minutes add up to hours and to the day.
LOG_TEMPLATES_SCHEMA = pl.Schema(
    {
        "minute_start_at": TIMESTAMP,
        "service": _TEXT,
        "service_version": _TEXT,
        "severity": _TEXT,
        "template_id": _TEXT,
        "template": _TEXT,
        "record_count": _COUNT,
        "trace_count": _COUNT,
        "failing_trace_count": _COUNT,
        **dict.fromkeys(LOG_SUMS, _COUNT),
    }
)
_TEMPLATE = {"service": _TEXT, "severity": _TEXT, "template_id": _TEXT, "template": _TEXT}
# One row per template a source is known to log, carried from day to day; `template` is what it has become since its id.
KNOWN_TEMPLATES_SCHEMA = pl.Schema({**_TEMPLATE, "first_seen_on": pl.Date(), "last_seen_on": pl.Date()})
# One row per day and template met on it: what later days are compared with, without what follows from earlier ones.
TEMPLATE_COUNTS_SCHEMA = pl.Schema(
    {"event_date": pl.Date(), "service": _TEXT, "template_id": _TEXT, "record_count": _COUNT}
)
# One row per day and template met on it. compared_days: days before on which the service logged at all; expected_count:
# records they let expect (null without such days); first_seen_on: null for '(other)'.
TEMPLATE_DAYS_SCHEMA = pl.Schema(
    {
        "event_date": pl.Date(),
        **_TEMPLATE,
        "record_count": _COUNT,
        "trace_count": _COUNT,
        "failing_trace_count": _COUNT,
        "first_seen_on": pl.Date(),
        "compared_days": _COUNT,
        "expected_count": pl.Float64(),
        "is_new": pl.Boolean(),
        "is_rising": pl.Boolean(),
        "is_noise": pl.Boolean(),
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
# One row per service of the records of a day that the sample kept.
KEPT_SCHEMA = pl.Schema({"service": _TEXT, "record_count": _COUNT, "raw_bytes": _COUNT})
