"""Rollups of real telemetry against figures that other programs computed from its source."""

import os
from collections.abc import Iterator
from pathlib import Path

import orjson
import polars as pl
import pytest

from governance.sampling import SamplingPolicy
from governance.signals import SIGNALS
from orchestration.rollups.grains import GRAINS, Grain, coarsen, start_of
from orchestration.rollups.histogram import percentile_buckets, percentile_from_buckets, value_of
from orchestration.rollups.spans import SpanRollup
from tests.bench.templates import grouping_accuracy, labelled, templates_of
from tests.days import span_bounds, span_rollup, traits_of

pytestmark = pytest.mark.skipif("FEEDBACK_REAL_DATA" not in os.environ, reason="FEEDBACK_REAL_DATA is not set")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


def real(path: str) -> Path:
    return Path(os.environ["FEEDBACK_REAL_DATA"]) / path


def span_rows(path: Path) -> Iterator[dict[str, object]]:
    for line in path.read_bytes().splitlines():
        for resource in orjson.loads(line)["resourceSpans"]:
            names = {item["key"]: item["value"].get("stringValue") for item in resource["resource"]["attributes"]}
            for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                yield {
                    "record_id": span["traceId"] + span["spanId"],
                    "event_at": start // 1000,
                    "trace_id": span["traceId"],
                    "span_id": span["spanId"],
                    "parent_span_id": span.get("parentSpanId") or None,
                    "service": names["service.name"],
                    "operation": span["name"],
                    "kind": KINDS[span.get("kind", 0)],
                    "start_unix_nano": start,
                    "duration_ns": end - start,
                    "status": ("unset", "ok", "error")[span.get("status", {}).get("code", 0)],
                }


@pytest.fixture(scope="module")
def day() -> pl.DataFrame:
    schema = SIGNALS["spans"].schema
    rows = list(span_rows(real("otlp/traces.jsonl")))
    read = pl.DataFrame(rows, schema={**schema, "event_at": pl.Int64()})
    return read.with_columns(pl.col("event_at").cast(schema["event_at"])).unique("record_id", keep="first")


@pytest.fixture(scope="module")
def rollup(day: pl.DataFrame, policy: SamplingPolicy) -> SpanRollup:
    found = traits_of(day, policy)
    assert found.height == 1247
    return span_rollup(day, found, policy.rollups)


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Figures by service."""
    document = orjson.loads(real("otlp/expected.json").read_bytes())
    figures: dict[str, dict[str, dict[str, dict[str, int]]]] = document["traces"]["per_service_distinct"]
    return figures


def test_counts_per_service_are_exact(rollup: SpanRollup, expected: dict[str, dict[str, int]]) -> None:
    counted = rollup.requests.group_by("service").agg(pl.col("span_count").sum(), pl.col("error_count").sum())
    figures = {(name, each["spans"], each["error_spans_by_status"]) for name, each in expected.items()}
    assert set(counted.iter_rows()) == figures


@pytest.mark.parametrize("percentile", ["p50", "p90", "p95", "p99"])
def test_percentiles_per_service_are_within_one_percent(
    rollup: SpanRollup, expected: dict[str, dict[str, dict[str, dict[str, int]]]], percentile: str
) -> None:
    durations = rollup.latency.filter(pl.col("measure") == "duration")
    for service, figures in expected.items():
        found = percentile_from_buckets(durations.filter(pl.col("service") == service), int(percentile[1:]) / 100)
        assert found == pytest.approx(figures["duration"]["nearest_rank_ns"][percentile], rel=0.0055), service


@pytest.mark.parametrize("grain", GRAINS)
def test_every_operation_is_counted_exactly_and_timed_within_six_thousandths(
    day: pl.DataFrame, rollup: SpanRollup, grain: Grain
) -> None:
    """Against the spans themselves: counts and errors equal, nearest-rank percentiles at most 0.6 % off."""
    keys = ["service", "operation", "period"]
    spans = day.with_columns(period=start_of(pl.col("event_at"), grain))
    counted = coarsen(rollup.requests, grain).rename({"period_start_at": "period"}).group_by(keys)
    exact = spans.group_by(keys).agg(pl.len().cast(pl.Int64), (pl.col("status") == "error").sum().cast(pl.Int64))
    found = counted.agg(len=pl.col("span_count").sum(), status=pl.col("error_count").sum())
    assert found.sort(keys).equals(exact.sort(keys))
    durations = coarsen(rollup.latency, grain).filter(measure="duration").rename({"period_start_at": "period"})
    for p in (0.5, 0.9, 0.95, 0.99):
        rank = (pl.col("duration_ns").count() * round(p * 100) + 99) // 100 - 1
        nearest = spans.group_by(keys).agg(exact=pl.col("duration_ns").sort().get(rank))
        buckets = percentile_buckets(durations, keys, p).with_columns(found=value_of(pl.col("bucket")))
        off = nearest.join(buckets, on=keys).select((pl.col("found") / pl.col("exact") - 1).abs())
        assert off.height == nearest.height
        assert off.filter(nearest["exact"].is_not_null()).to_series().max() <= 0.006


def test_nothing_of_it_is_lost_to_a_bound(day: pl.DataFrame, policy: SamplingPolicy) -> None:
    assert span_bounds(day, policy.rollups).overflow == {}


# Share of lines whose group is exactly that of loghub's labels; measured: see tests/bench/templates.py.
GROUPING = {
    "Apache": 0.99,
    "HPC": 0.99,
    "Hadoop": 0.985,
    "HealthApp": 0.99,
    "Linux": 0.8,
    "OpenStack": 0.99,
    "Thunderbird": 0.94,
    "Zookeeper": 0.99,
}


@pytest.mark.parametrize("system", GROUPING)
def test_lines_are_grouped_like_loghub_groups_them(system: str, policy: SamplingPolicy) -> None:
    assert grouping_accuracy(templates_of(labelled(system), policy.rollups.templates)) >= GROUPING[system]
