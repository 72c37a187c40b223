from collections.abc import Callable

import polars as pl

from governance.sampling import RECORD_TEMPLATES_SCHEMA, SamplingPolicy
from orchestration.rollups.logs import roll_up_logs
from orchestration.rollups.schemas import LOG_ACCOUNT_DAYS_SCHEMA, LOG_TEMPLATES_SCHEMA

Frame = Callable[..., pl.DataFrame]


def test_records_and_traces_are_counted_by_template(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs(
        {"body": "timeout after 5 ms", "trace_id": "bad"},
        {"body": "timeout after 7 ms", "trace_id": "bad"},
        {"body": "timeout after 9 ms", "trace_id": "good"},
        {"body": "timeout after 9 ms"},
        {"body": "timeout after 9 ms", "severity": "ERROR"},
    )
    known = traits({"trace_id": "bad", "has_error": True}, {"trace_id": "good"})
    found = roll_up_logs(day, known, policy.rollups).templates
    columns = ["severity", "template", "record_count", "trace_count", "failing_trace_count"]
    assert found.select(columns).rows() == [
        ("ERROR", "timeout after <*>", 1, 0, 0),
        ("INFO", "timeout after <*>", 4, 2, 1),
    ]


def test_a_record_without_account_has_that_of_its_trace(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    day = logs({"account_id": "own", "trace_id": "t"}, {"trace_id": "t"}, {"trace_id": "unknown"}, {})
    rollup = roll_up_logs(day, traits({"trace_id": "t", "account_id": "of-trace"}), policy.rollups)
    assert rollup.account_days.select("account_id", "record_count").rows() == [("of-trace", 1), ("own", 1)]


def test_templates_of_a_service_are_bounded(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    limits = policy.rollups.model_copy(update={"max_templates_per_service": 2})
    rollup = roll_up_logs(logs(*[{"body": text} for text in "abbcd"]), traits(), limits)
    assert dict(rollup.templates.select("template", "record_count").iter_rows()) == {"(other)": 2, "a": 1, "b": 2}
    assert rollup.overflow == {"template": 2}


def test_traits_of_neighbouring_days_do_not_count_a_record_twice(
    logs: Frame, traits: Frame, policy: SamplingPolicy
) -> None:
    known = traits({"trace_id": "t", "account_id": None}, {"trace_id": "t", "account_id": "a", "has_error": True})
    rollup = roll_up_logs(logs({"trace_id": "t"}), known, policy.rollups)
    assert rollup.templates.select("record_count", "failing_trace_count").rows() == [(1, 1)]
    assert rollup.account_days["account_id"].to_list() == ["a"]


def test_a_day_without_logs_has_empty_rollups(logs: Frame, traits: Frame, policy: SamplingPolicy) -> None:
    rollup = roll_up_logs(logs(), traits(), policy.rollups)
    assert rollup.templates.schema == LOG_TEMPLATES_SCHEMA
    assert rollup.account_days.schema == LOG_ACCOUNT_DAYS_SCHEMA
    assert rollup.record_templates.schema == RECORD_TEMPLATES_SCHEMA
