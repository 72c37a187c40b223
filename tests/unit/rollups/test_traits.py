from collections.abc import Callable

import polars as pl
import pytest

from governance.sampling import TRAITS_SCHEMA, AlwaysKeep, Attribute, SamplingPolicy
from orchestration.rollups.histogram import bucket_of
from orchestration.rollups.schemas import LATENCY_SCHEMA
from orchestration.rollups.traits import (
    THRESHOLDS_SCHEMA,
    accounts_of,
    columns_read,
    find_traits,
    slow_thresholds,
    survey,
)
from tests.days import traits_of

Frame = Callable[..., pl.DataFrame]
NO_THRESHOLDS = pl.DataFrame(schema=THRESHOLDS_SCHEMA)
MS = 1_000_000


def latency(operation: str, durations: list[int]) -> pl.LazyFrame:
    counts = pl.DataFrame({"value": durations}).select(bucket=bucket_of(pl.col("value")))
    filled = counts.with_columns(
        *(pl.lit(None, kind).alias(name) for name, kind in LATENCY_SCHEMA.items() if name != "bucket")
    )
    return (
        filled.with_columns(
            service=pl.lit("cart"),
            operation=pl.lit(operation),
            measure=pl.lit("duration"),
            span_count=pl.lit(1, pl.Int64),
        )
        .select(LATENCY_SCHEMA.names())
        .lazy()
    )


def test_a_trace_has_the_traits_of_its_spans(spans: Frame, policy: SamplingPolicy) -> None:
    day = spans(
        {"at": 20, "parent_span_id": "s1", "account_id": "second", "operation": "child"},
        {"at": 10, "duration_ns": 7, "status": "error"},
        {"at": 15, "parent_span_id": "s1", "account_id": "first", "operation": "child"},
    )
    found = traits_of(day, policy, thresholds=NO_THRESHOLDS)
    assert found.schema == TRAITS_SCHEMA
    trace = found.row(0, named=True)
    assert trace["account_id"] == "first"  # of the earliest span that has one
    assert trace["has_error"] is True
    assert (trace["root_operation"], trace["root_duration_ns"], trace["span_count"]) == ("get", 7, 3)
    assert trace["first_span_at"] == day["event_at"].min()
    assert accounts_of(day).rows() == [(trace["trace_id"], "first")]


def test_spans_without_a_trace_have_no_account_of_one(spans: Frame) -> None:
    day = spans({"trace_id": None, "account_id": "own"}, {"trace_id": "t"})
    assert accounts_of(day).rows() == [("t", None)]


def test_traits_follow_from_the_columns_that_are_read_alone(spans: Frame, policy: SamplingPolicy) -> None:
    kept = AlwaysKeep(attributes=(Attribute(key="team", value="x"),))
    forced = policy.model_copy(update={"always_keep": kept})
    day = spans({"attributes": [{"key": "team", "value": "x"}]}, {"trace_id": "other"})
    for one in (policy, forced):
        read = day.select(columns_read(one))
        assert read.width < day.width
        surveyed = survey([day.lazy()], None, one)
        assert find_traits(read, surveyed, one).equals(find_traits(day, surveyed, one))
    assert traits_of(day, forced)["is_forced"].sum() == 1


@pytest.mark.parametrize(
    ("row", "root"),
    [
        ({}, "get"),
        ({"parent_span_id": "s0"}, "get"),  # its own parent
        ({"parent_span_id": "yesterday"}, None),  # the root is on another day: unknown, not slow
    ],
)
def test_a_root_is_a_span_without_parent(
    spans: Frame, policy: SamplingPolicy, row: dict[str, str], root: str | None
) -> None:
    trace = traits_of(spans(row), policy, thresholds=NO_THRESHOLDS).row(0, named=True)
    assert trace["root_operation"] == root
    assert trace["is_slow"] is False


@pytest.mark.parametrize(
    ("earlier", "duration_ms", "is_slow"),
    [
        ([10] * 99 + [500], 12, True),  # above p99 = 10 ms
        ([10] * 99 + [500], 10, False),
        ([10] * 98 + [500] * 2, 400, False),
        (None, 12, False),  # first day: measured by itself, and nothing is above its own only value
    ],
)
def test_slow_is_above_the_percentile_of_the_days_before(
    spans: Frame, policy: SamplingPolicy, earlier: list[int] | None, duration_ms: int, *, is_slow: bool
) -> None:
    day = spans({"duration_ns": duration_ms * MS})
    before = latency("get", [value * MS for value in earlier]) if earlier else None
    assert traits_of(day, policy, latency=before)["is_slow"].item() is is_slow


def test_an_operation_unknown_to_the_days_before_is_measured_by_its_own_day(
    spans: Frame, policy: SamplingPolicy
) -> None:
    day = spans(*[{"operation": "new", "duration_ns": 10 * MS, "trace_id": f"t{n}"} for n in range(100)])
    thresholds = slow_thresholds(latency("get", [5]), day.lazy(), policy)
    assert thresholds["operation"].to_list() == ["get", "new"]
    assert thresholds["threshold_ns"][1] == pytest.approx(10 * MS, rel=0.011)


def test_on_the_first_day_at_most_one_in_a_hundred_is_slow(spans: Frame, policy: SamplingPolicy) -> None:
    day = spans(*[{"trace_id": f"t{n}", "duration_ns": 2**n} for n in range(2, 60) for _ in range(4)])
    day = day.with_columns(trace_id=pl.concat_str("trace_id", "record_id"))
    slow = traits_of(day, policy)["is_slow"]
    assert slow.sum() <= len(slow) / 100


def test_a_trace_with_a_rare_operation_is_rare(spans: Frame, policy: SamplingPolicy) -> None:
    rows = [{"trace_id": f"t{n:03}"} for n in range(400)]
    day = spans(*rows, {"trace_id": "t007", "parent_span_id": "s7", "operation": "refund"})
    found = traits_of(day, policy, thresholds=NO_THRESHOLDS)
    assert found.filter("is_rare")["trace_id"].to_list() == ["t007"]


def test_ids_in_operation_names_do_not_make_every_trace_rare(spans: Frame, policy: SamplingPolicy) -> None:
    rows = [{"trace_id": f"t{n:04}", "operation": f"GET /orders/{n:04}"} for n in range(1000)]
    assert (
        traits_of(spans(*rows), policy, thresholds=NO_THRESHOLDS)["is_rare"].sum() == 200
    )  # those that keep their name


@pytest.mark.parametrize(
    "always",
    [
        {"trace_ids": ("t",)},
        {"record_ids": ("r0",)},
        {"attributes": (Attribute(key="debug.keep", value="true"),)},
    ],
)
def test_a_trace_is_forced_by_id_or_attribute(
    spans: Frame, policy: SamplingPolicy, always: dict[str, tuple[object, ...]]
) -> None:
    forcing = policy.model_copy(update={"always_keep": policy.always_keep.model_copy(update=always)})
    day = spans(
        {"attributes": [{"key": "debug.keep", "value": "true"}]},
        {"trace_id": "u", "attributes": [{"key": "debug.keep", "value": "false"}]},
    )
    assert traits_of(day, forcing, thresholds=NO_THRESHOLDS).select("trace_id", "is_forced").rows() == [
        ("t", True),
        ("u", False),
    ]


def test_a_day_without_spans_has_no_traits(spans: Frame, policy: SamplingPolicy) -> None:
    assert traits_of(spans(), policy).schema == TRAITS_SCHEMA
