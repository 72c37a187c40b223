from collections.abc import Callable
from time import perf_counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import FeedbackError
from governance.sampling import SamplingPolicy
from orchestration.rollups.schemas import LATENCY_SCHEMA, REQUESTS_SCHEMA, SPAN_ACCOUNT_DAYS_SCHEMA
from orchestration.rollups.spans import measure
from tests.days import span_bounds, span_rollup, traits_of

Frame = Callable[..., pl.DataFrame]
MINUTE = 60 * 10**9


@pytest.mark.parametrize(
    ("children", "self_ns"),
    [
        ([], 100),
        ([(10, 20)], 80),
        ([(10, 20), (50, 20)], 60),
        ([(10, 20), (20, 20)], 70),  # overlapping children count once
        ([(10, 80), (20, 10), (30, 10)], 20),  # one inside the other
        ([(-50, 70)], 80),  # starts before its parent
        ([(90, 70)], 90),  # ends after it
        ([(-50, 300)], 0),  # covers it
        ([(200, 50), (-80, 10)], 100),  # wholly outside: another clock
        ([(10, 0)], 100),
    ],
)
def test_self_time_is_what_no_child_covers(spans: Frame, children: list[tuple[int, int]], self_ns: int) -> None:
    rows = [{"at": at, "duration_ns": length, "parent_span_id": "s0"} for at, length in children]
    measured = measure(spans({"duration_ns": 100}, *rows))
    assert measured.filter(pl.col("span_id") == "s0")["self_ns"].item() == self_ns


NODES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(NODES)
def test_self_time_equals_counting_nanoseconds_one_by_one(spans: Frame, nodes: list[tuple[int, int, int]]) -> None:
    """Any graph: orphans, cycles and spans that are their own parent among them."""
    rows = [{"parent_span_id": f"s{up}", "at": at, "duration_ns": length} for up, at, length in nodes]
    covered = [
        {t for up, at, length in nodes[:i] + nodes[i + 1 :] if up == i for t in range(at, at + length)}
        for i in range(len(nodes))
    ]
    expected = [len(set(range(at, at + length)) - covered[i]) for i, (_, at, length) in enumerate(nodes)]
    assert measure(spans(*rows)).sort("row")["self_ns"].to_list() == expected


@pytest.mark.parametrize(
    ("rows", "origins"),
    [
        ([{"status": "error"}], ["s0"]),
        # the error came from below
        ([{"status": "error"}, {"status": "error", "parent_span_id": "s0"}], ["s1"]),
        ([{"status": "error"}, {"status": "ok", "parent_span_id": "s0"}], ["s0"]),
        ([{"status": "ok"}, {"status": "error", "parent_span_id": "s0"}], ["s1"]),
        # the same span id in another trace is another span
        ([{"status": "error"}, {"status": "error", "parent_span_id": "s0", "trace_id": "u"}], ["s0", "s1"]),
        ([{"status": "error", "parent_span_id": "s0"}], ["s0"]),  # its own parent
        ([{"status": "error", "parent_span_id": "gone"}], ["s0"]),
        ([{"status": None}], []),
    ],
)
def test_an_error_begins_where_no_child_failed(spans: Frame, rows: list[dict[str, str]], origins: list[str]) -> None:
    assert sorted(measure(spans(*rows)).filter("is_origin_error")["span_id"]) == origins


def test_every_span_is_counted_once_per_minute_dimensions_and_status(
    spans: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    day = spans(
        {"duration_ns": 2_000_000, "feature_flag": "new-cart", "feature_variant": "on"},
        {"duration_ns": 4_000_000, "feature_flag": "new-cart", "feature_variant": "on", "status": "error"},
        {"at": MINUTE - 1, "duration_ns": 1_000_000, "feature_flag": "new-cart", "feature_variant": "on"},
        {"at": MINUTE, "duration_ns": 1_000_000, "status": None},
    )
    rollup = span_rollup(day, traits(), policy.rollups)
    columns = ["feature_variant", "status", "span_count", "error_count", "origin_error_count", "duration_ms", "self_ms"]
    assert rollup.requests.select(columns).rows() == [
        ("on", "error", 1, 1, 1, 4.0, 4.0),
        ("on", "ok", 2, 0, 0, 3.0, 3.0),
        (None, "unset", 1, 0, 0, 1.0, 1.0),
    ]
    assert rollup.requests["period_start_at"].diff().drop_nulls().dt.total_seconds().to_list() == [0, 60]
    assert set(rollup.requests["grain"]) == {"minute"}
    assert rollup.latency.group_by("measure").agg(pl.col("span_count").sum()).sort("measure").rows() == [
        ("duration", 4),
        ("self", 4),
    ]


def test_a_span_without_account_has_that_of_its_trace(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = spans({"account_id": "own"}, {"status": "error"}, {"trace_id": "nobody"})
    known = traits({"trace_id": "t", "account_id": "of-trace"}, {"trace_id": "nobody"})
    rollup = span_rollup(day, known, policy.rollups)
    rows = rollup.account_days.select("account_id", "span_count", "origin_error_count").rows()
    assert rows == [("of-trace", 1, 1), ("own", 1, 0)]


def test_dimensions_keep_their_most_frequent_values(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    limits = policy.rollups.model_copy(update={"max_values_per_service": 2})
    day = spans(*[{"operation": name} for name in ("a", "b", "b", "c", "d")], {"service": "pay", "operation": "z"})
    rollup = span_rollup(day, traits(), limits)
    rows = rollup.requests.select("service", "operation", "span_count").rows()
    assert rows == [("cart", "(other)", 2), ("cart", "a", 1), ("cart", "b", 2), ("pay", "z", 1)]
    assert span_bounds(day, limits).overflow == {"operation": 2}


SPANS = st.lists(
    st.fixed_dictionaries(
        {
            "trace_id": st.sampled_from(["t0", "t1", "t2", "t3", "t4", None]),
            "parent_span_id": st.sampled_from([None, "s0", "s1", "s2"]),
            "operation": st.sampled_from(["a", "b", "c", "d"]),
            "service": st.sampled_from(["cart", "pay"]),
            "status": st.sampled_from(["ok", "error", None]),
            "account_id": st.sampled_from([None, "a", "b"]),
            "duration_ns": st.integers(0, 10**10),
            "at": st.integers(0, 200).map(lambda seconds: seconds * 10**9),
        }
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(SPANS, st.integers(2, 4), st.integers(1, 3))
def test_a_day_in_parts_is_rolled_up_as_a_whole(
    spans: Frame, policy: SamplingPolicy, rows: list[dict[str, object]], parts: int, limit: int
) -> None:
    limits = policy.rollups.model_copy(update={"max_values_per_service": limit})
    floored = policy.traces.model_copy(update={"floor_per_service": limit, "rare_share": 0.3})
    bounded = policy.model_copy(update={"rollups": limits, "traces": floored})
    day = spans(*rows)
    whole, parted = (traits_of(day, bounded, parts=number) for number in (1, parts))
    assert whole.equals(parted)
    one, other = (span_rollup(day, whole, limits, parts=number) for number in (1, parts))
    for table in ("requests", "latency", "account_days"):
        assert getattr(one, table).equals(getattr(other, table))


def test_the_order_of_spans_changes_nothing(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    rows = [
        {"duration_ns": n * 7_777_777, "trace_id": f"t{n % 5}", "operation": f"o{n % 3}", "account_id": f"a{n % 4}"}
        for n in range(60)
    ]
    one, other = (span_rollup(frame, traits(), policy.rollups) for frame in (spans(*rows), spans(*rows).reverse()))
    for table in ("requests", "latency", "account_days"):
        assert getattr(one, table).equals(getattr(other, table))


def test_a_day_without_spans_has_empty_rollups(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    rollup = span_rollup(spans(), traits(), policy.rollups)
    assert rollup.requests.schema == REQUESTS_SCHEMA
    assert rollup.latency.schema == LATENCY_SCHEMA
    assert rollup.account_days.schema == SPAN_ACCOUNT_DAYS_SCHEMA
    assert rollup.requests.is_empty()


def test_a_missing_column_is_named(spans: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    with pytest.raises(FeedbackError, match="column duration_ns is missing; expected Int64"):
        span_rollup(spans({}).drop("duration_ns"), traits(), policy.rollups)


def test_a_hundred_thousand_spans_take_seconds(spans: Frame) -> None:
    one = spans({"duration_ns": 1000})
    rows = pl.int_range(100_000, eager=True)
    day = pl.concat([one.select(pl.all().repeat_by(100_000).explode())]).with_columns(
        trace_id=(rows // 10).cast(pl.String),
        span_id=rows.cast(pl.String),
        parent_span_id=pl.when(rows % 10 > 0).then((rows - rows % 10 // 2 - 1).cast(pl.String)),
    )
    started = perf_counter()
    assert measure(day).height == 100_000
    assert perf_counter() - started < 5  # 0.3 s on 2 cores
