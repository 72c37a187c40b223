from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.sampling import RECORD_TEMPLATES_SCHEMA, RollupLimits, SamplingPolicy
from orchestration.rollups.known_templates import NO_PAST, Past
from orchestration.rollups.logs import LogRollup
from orchestration.rollups.schemas import (
    KNOWN_TEMPLATES_SCHEMA,
    LOG_ACCOUNT_DAYS_SCHEMA,
    LOG_TEMPLATES_SCHEMA,
    TEMPLATE_COUNTS_SCHEMA,
    TEMPLATE_DAYS_SCHEMA,
)
from tests.days import log_rollup

Frame = Callable[..., pl.DataFrame]
DAY = date(1970, 1, 1) + timedelta(days=20_000)  # that of the records made here
MINUTE = 60 * 10**9


def rolled_up(logs: pl.DataFrame, traits: pl.DataFrame, limits: RollupLimits, past: Past = NO_PAST) -> LogRollup:
    rollup, _ = log_rollup(logs, traits, limits, DAY, past)
    return rollup


def test_records_and_traces_are_counted_by_template(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs(
        {"body": "timeout after 5 ms", "trace_id": "bad", "raw_bytes": 30},
        {"body": "timeout after 7 ms", "trace_id": "bad", "raw_bytes": 12},
        {"body": "timeout after 9 ms", "trace_id": "good"},
        {"body": "timeout after 9 ms"},
        {"body": "timeout after 9 ms", "severity": "ERROR"},
    )
    known = traits({"trace_id": "bad", "has_error": True}, {"trace_id": "good"})
    found = rolled_up(day, known, policy.rollups).templates
    columns = ["severity", "template", "record_count", "trace_count", "failing_trace_count", "raw_bytes"]
    assert found.select(columns).rows() == [
        ("ERROR", "timeout after <*>", 1, 0, 0, 0),
        ("INFO", "timeout after <*>", 4, 2, 1, 42),
    ]


def test_a_record_without_account_has_that_of_its_trace(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs({"account_id": "own", "trace_id": "t"}, {"trace_id": "t"}, {"trace_id": "unknown"}, {})
    rollup = rolled_up(day, traits({"trace_id": "t", "account_id": "of-trace"}), policy.rollups)
    assert rollup.account_days.select("account_id", "record_count").rows() == [("of-trace", 1), ("own", 1)]


def test_templates_of_a_service_are_bounded(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    limits = policy.rollups.model_copy(update={"max_templates_per_service": 2})
    rollup = rolled_up(logs(*[{"body": text} for text in "abbcd"]), traits(), limits)
    assert dict(rollup.templates.select("template", "record_count").iter_rows()) == {"(other)": 2, "a": 1, "b": 2}
    assert rollup.overflow == {"template": 2}


def test_traits_of_neighbouring_days_do_not_count_a_record_twice(
    logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    known = traits({"trace_id": "t", "account_id": None}, {"trace_id": "t", "account_id": "a", "has_error": True})
    rollup = rolled_up(logs({"trace_id": "t"}), known, policy.rollups)
    assert rollup.templates.select("record_count", "failing_trace_count").rows() == [(1, 1)]
    assert rollup.account_days["account_id"].to_list() == ["a"]


def test_a_day_without_logs_has_empty_rollups(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    rollup, shaped = log_rollup(logs(), traits(), policy.rollups, DAY)
    assert rollup.templates.schema == LOG_TEMPLATES_SCHEMA
    assert rollup.account_days.schema == LOG_ACCOUNT_DAYS_SCHEMA
    assert rollup.template_days.schema == TEMPLATE_DAYS_SCHEMA
    assert rollup.template_counts.schema == TEMPLATE_COUNTS_SCHEMA
    assert rollup.known_templates.schema == KNOWN_TEMPLATES_SCHEMA
    assert shaped.schema == RECORD_TEMPLATES_SCHEMA


def test_minutes_add_up_to_the_day(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    """A trace that goes on for minutes is counted in its first one, so that sums count it once."""
    day = logs(
        {"at": 59_999_999_999, "trace_id": "bad"},
        {"at": MINUTE, "trace_id": "bad"},
        {"at": MINUTE, "trace_id": "good"},
        {"at": 61 * MINUTE},
    )
    found = rolled_up(day, traits({"trace_id": "bad", "has_error": True}), policy.rollups).templates
    columns = ["record_count", "trace_count", "failing_trace_count"]
    minutes = (pl.col("minute_start_at") - pl.lit(DAY).cast(pl.Datetime("us", "UTC"))).dt.total_minutes()
    assert found.select(minutes, *columns).rows() == [(0, 1, 1, 1), (1, 2, 1, 0), (61, 1, 0, 0)]


def test_lines_that_are_alike_are_one_template_of_one_id(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    bodies = ("no answer from any source [a_1] today", "no answer from any source [b_7] today")
    rollup, shaped = log_rollup(logs(*({"body": body} for body in bodies)), traits(), policy.rollups, DAY)
    assert rollup.templates.select("template", "record_count").rows() == [("no answer from any source <*> today", 2)]
    assert shaped["template_id"].n_unique() == 1
    assert rollup.known_templates["template_id"].to_list() == rollup.templates["template_id"].to_list()


LOGS = st.lists(
    st.fixed_dictionaries(
        {
            "body": st.sampled_from(["timeout after 5 ms", "timeout after 7 ms", "paid", "refused: 7", "a b", "a c"]),
            "trace_id": st.sampled_from([None, "t0", "t1", "t2", "t3"]),
            "service_version": st.sampled_from(["1", "2", "3", None]),
            "severity": st.sampled_from(["INFO", "ERROR"]),
            "at": st.integers(0, 200).map(lambda seconds: seconds * 10**9),
            "account_id": st.sampled_from([None, "a"]),
        }
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=40)
@given(LOGS, st.integers(2, 4), st.integers(1, 3))
def test_a_day_in_parts_is_rolled_up_as_a_whole(
    logs: Frame, traits: Frame, policy: SamplingPolicy, rows: list[dict[str, object]], parts: int, limit: int
) -> None:
    limits = policy.rollups.model_copy(update={"max_values_per_service": limit, "max_templates_per_service": limit})
    day, known = logs(*rows), traits({"trace_id": "t1", "has_error": True}, {"trace_id": "t2", "account_id": "b"})
    whole, shaped = log_rollup(day, known, limits, DAY)
    parted, shaped_parts = log_rollup(day, known, limits, DAY, parts=parts)
    for table in fields(whole):
        one, other = getattr(whole, table.name), getattr(parted, table.name)
        assert one == other if isinstance(one, dict) else one.equals(other), table.name
    assert shaped.sort("record_id").equals(shaped_parts.sort("record_id"))


def test_what_is_new_is_told_once_the_service_is_known(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    before = rolled_up(logs({"body": "ready"}), traits(), policy.rollups)
    assert before.template_days["is_new"].to_list() == [False]  # the first day of the source
    past = Past(
        before.known_templates.with_columns(pl.col("first_seen_on", "last_seen_on") - timedelta(days=1)),
        before.template_counts.with_columns(pl.col("event_date") - timedelta(days=1)),
    )
    day = logs({"body": "ready"}, {"body": "disk is full"}, {"service": "mail", "body": "sent"})
    found = rolled_up(day, traits(), policy.rollups, past).template_days
    assert dict(found.select("template", "is_new").iter_rows()) == {"ready": False, "disk is full": True, "sent": False}
    assert found["event_date"].unique().to_list() == [DAY]


def test_other_templates_are_not_carried_on(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    limits = policy.rollups.model_copy(update={"max_templates_per_service": 1})
    rollup = rolled_up(logs(*[{"body": text} for text in "aab"]), traits(), limits)
    assert rollup.known_templates["template"].to_list() == ["a"]
    assert set(rollup.template_days["template"]) == {"(other)", "a"}


def test_the_order_of_records_changes_nothing(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs(
        *({"body": f"job {name}{number} of queue done", "service": name} for name in "ab" for number in range(9))
    )
    one, other = (rolled_up(frame, traits(), policy.rollups) for frame in (day, day.reverse()))
    assert one.templates.equals(other.templates)
    assert one.template_days.equals(other.template_days)
    assert one.known_templates.equals(other.known_templates)
