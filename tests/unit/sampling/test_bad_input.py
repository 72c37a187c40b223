"""What telemetry does that nobody promised it would not."""

import time
from collections.abc import Callable

import polars as pl
import pytest

from governance.sampling import (
    SamplingPolicy,
    TraceDay,
    draws,
    sample_spans,
    span_volumes,
    verdicts,
)
from governance.signals import SIGNALS
from tests.days import traits_of
from tests.unit.conftest import MIDNIGHT

Frame = Callable[..., pl.DataFrame]
Day = Callable[..., TraceDay]
MILLION = 1_000_000


@pytest.fixture(scope="module")
def endless_trace() -> pl.DataFrame:
    """One trace of a million spans, each the child of the one before."""
    schema = SIGNALS["spans"].schema
    number = pl.int_range(MILLION, eager=True).alias("number")
    made = {
        "record_id": pl.format("r{}", "number"),
        "event_at": (MIDNIGHT // 1000 + pl.col("number")).cast(schema["event_at"]),
        "trace_id": pl.lit("endless"),
        "span_id": pl.format("s{}", "number"),
        "parent_span_id": pl.when(pl.col("number") > 0).then(pl.format("s{}", pl.col("number") - 1)),
        "service": pl.lit("loop"),
        "operation": pl.lit("step"),
        "kind": pl.lit("internal"),
        "start_unix_nano": MIDNIGHT + pl.col("number") * 1000,
        "duration_ns": pl.lit(1000, pl.Int64),
        "status": pl.when(pl.col("number") == MILLION - 1).then(pl.lit("error")).otherwise(pl.lit("ok")),
        "raw_bytes": pl.lit(300, pl.Int64),
    }
    filled = {name: made.get(name, pl.lit(None, kind)) for name, kind in schema.items()}
    return number.to_frame().select(**filled)


def test_a_trace_of_a_million_spans_is_one_trace(
    endless_trace: pl.DataFrame, day_of: Day, policy: SamplingPolicy
) -> None:
    started = time.perf_counter()
    found = traits_of(endless_trace, policy)
    sample = sample_spans(endless_trace.lazy(), verdicts([day_of(found)]))
    seconds = time.perf_counter() - started
    trace = found.row(0, named=True)
    assert (found.height, trace["span_count"], trace["raw_bytes"]) == (1, MILLION, 300 * MILLION)
    assert (trace["has_error"], trace["root_operation"]) == (True, "step")
    assert sample.outcomes.rows() == [("loop", "error", MILLION, 300 * MILLION, 0, 0)]
    assert span_volumes(found, policy).rows() == [("prioritised", MILLION, 300 * MILLION)]
    assert seconds < 20  # measured: 1.9 s


def test_a_span_id_that_is_there_twice_in_one_trace_counts_twice(
    spans: Frame, day_of: Day, policy: SamplingPolicy
) -> None:
    """As of clients that give their span's id to the server's: which is the parent's cannot be told."""
    day = spans(
        {"span_id": "a", "parent_span_id": None, "at": 0, "kind": "client", "duration_ns": 100},
        {"span_id": "a", "parent_span_id": None, "at": 10, "kind": "server", "duration_ns": 50, "status": "error"},
        {"span_id": "b", "parent_span_id": "a", "at": 20, "kind": "internal", "duration_ns": 5},
    )
    found = traits_of(day, policy)
    trace = found.row(0, named=True)
    assert (trace["span_count"], trace["has_error"], trace["root_duration_ns"]) == (3, True, 100)
    assert sample_spans(day, verdicts([day_of(found)])).rows["kind"].to_list() == ["client", "server", "internal"]


def test_clocks_hours_off_change_what_is_slow_of_no_trace(spans: Frame, policy: SamplingPolicy) -> None:
    """A child that starts hours before its root, or after it, is no root and makes it no longer."""
    day = spans(
        {"span_id": "root", "at": 7_200 * 10**9, "duration_ns": 5},
        {"span_id": "early", "parent_span_id": "root", "at": 0},
        {"span_id": "late", "parent_span_id": "root", "at": 50_000 * 10**9},
    )
    trace = traits_of(day, policy).row(0, named=True)
    assert (trace["root_duration_ns"], trace["is_slow"]) == (5, False)
    assert trace["first_span_at"] == day["event_at"].min()


def test_a_service_with_nearly_all_rows_takes_no_trace_of_the_others(spans: Frame, policy: SamplingPolicy) -> None:
    loud = [{"trace_id": f"loud{n}", "service": "loud"} for n in range(990)]
    calm = [{"trace_id": f"calm{n}", "service": "calm"} for n in range(10)]
    found = traits_of(spans(*loud, *calm), policy)
    floors = found.filter(pl.col("floor_share").is_not_null())
    number = policy.traces.floor_per_service
    assert floors["trace_id"].str.slice(0, 4).value_counts().sort("trace_id").rows() == [
        ("calm", number),
        ("loud", number),
    ]
    drawn = sorted(draws(pl.Series([f"calm{n}" for n in range(10)])))
    assert set(floors.filter(pl.col("trace_id").str.starts_with("calm"))["floor_share"]) == {drawn[number]}
