"""The gate keeps good rows, sets bad ones aside with a name and an owner, and withholds days it cannot believe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from governance.errors import FeedbackError, PolicyError
from governance.quality import (
    Verdict,
    conclude,
    judge_rows,
    load_quality,
    load_suite,
    offending,
    quarantine_schema,
)
from governance.quality.expecting import ROW, failing_rows
from governance.quality.suites import Expectation, Only
from governance.signals import SIGNALS

Records = Callable[..., pl.DataFrame]
DAY = "2026-01-01"


@dataclass(frozen=True)
class Day:
    """What the gate makes of a day that comes in parts."""

    verdict: Verdict
    passed: pl.DataFrame
    quarantined: pl.DataFrame

    @property
    def checked(self) -> pl.DataFrame:
        return self.passed.clear() if self.verdict.is_blocked else self.passed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.verdict, name)


def counts(**known: int) -> dict[str, int]:
    return {**dict.fromkeys(("checked", "quarantined", "discarded", "withheld", "released"), 0), **known}


def verdict(signal: str, frame: pl.DataFrame, known: dict[str, int] | None = None, parts: int = 1) -> Day:
    return judged_day(signal, [frame[part::parts] for part in range(parts)], known)


def judged_day(signal: str, frames: list[pl.DataFrame], known: dict[str, int] | None = None, day: str = DAY) -> Day:
    suite = load_suite(signal)
    parts = judge_rows([(day, frame) for frame in frames], SIGNALS[signal], suite)
    rows = pl.concat(frames)
    broken = [offending(rows.lazy(), rows.height, one, len(frames)) for one in suite.day_expectations]
    concluded = conclude(reduce(add, (part.counts for part in parts)), broken, suite, load_quality(), known)
    return Day(concluded, pl.concat([part.passed for part in parts]), pl.concat([part.quarantined for part in parts]))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("signal", SIGNALS)
def test_good_rows_pass(records: Records, signal: str) -> None:
    frame = records(signal, DAY, {}, {})
    judged = verdict(signal, frame)
    assert_frame_equal(judged.checked, frame)
    assert judged.results["is_passed"].all()
    assert judged.counts == counts(checked=2)


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_day_without_rows_passes(records: Records, signal: str) -> None:
    judged = verdict(signal, pl.DataFrame(schema=SIGNALS[signal].schema))
    assert not judged.is_blocked
    assert judged.quarantined.schema == quarantine_schema(SIGNALS[signal])


@pytest.mark.parametrize(
    ("signal", "spoilt", "expected"),
    [
        ("spans", {"trace_id": "A" * 32}, ["spans_have_a_valid_trace_id"]),
        ("spans", {"trace_id": None}, ["spans_have_a_trace"]),
        ("spans", {"parent_span_id": "zz"}, ["spans_have_a_valid_parent"]),
        ("spans", {"service": " "}, ["spans_name_their_service"]),
        ("spans", {"service": "unknown_service"}, ["spans_say_which_service_they_are_of"]),
        ("spans", {"duration_ns": -1}, ["spans_last_no_longer_than_a_day"]),
        ("spans", {"duration_ns": 86_400_000_000_001}, ["spans_last_no_longer_than_a_day"]),
        ("spans", {"kind": "servr", "status": None}, ["spans_have_a_known_kind", "spans_have_a_status"]),
        # list columns are read as text
        (
            "spans",
            {"attributes": [{"key": "user", "value": "a@b.example.com"}]},
            ["spans_have_no_emails_in_attributes"],
        ),
        ("logs", {"severity_number": 25}, ["logs_have_a_valid_severity_number"]),
        ("logs", {"body": "mail to jane@mail.example.org now"}, ["logs_have_no_emails_in_body"]),
        ("logs", {"body": "key AKIAABCDEFGHIJKLMNOP"}, ["logs_have_no_secrets_in_body"]),
        # real trackers show all of these: closed before created, open with a closing time
        ("tickets", {"status": "closed", "closed_at": at("2017-01-01")}, ["tickets_close_after_they_are_created"]),
        ("tickets", {"status": "open", "closed_at": at("2019-01-01")}, ["tickets_that_are_open_have_no_closing_time"]),
        ("tickets", {"created_at": at("2027-01-01")}, ["tickets_change_after_they_are_created"]),
        ("tickets", {"tags": ["vip", "jane@example.com"]}, ["tickets_have_no_emails_in_tags"]),
        ("ticket_events", {"event_type": "status", "status": None}, ["ticket_events_that_change_status_name_it"]),
        ("deployments", {"status": "done"}, ["deployments_have_a_known_status"]),
        ("pull_requests", {"merged_at": at("2017-01-01")}, ["pull_requests_merge_after_they_are_opened"]),
        ("pull_requests", {"status": "merged"}, ["pull_requests_that_are_merged_say_when"]),
        ("pull_requests", {"status": "stuck"}, ["pull_requests_have_a_known_status"]),
        ("pull_requests", {"description": "ask x@y.example.com"}, ["pull_requests_have_no_emails_in_description"]),
        ("commits", {"sha": "main"}, ["commits_have_a_sha_of_hexadecimal_digits"]),
        ("commits", {"message": "by x@y.example.com"}, ["commits_have_no_emails_in_message"]),
        ("reviews", {"status": "liked"}, ["reviews_have_a_known_status"]),
        (
            "ci_runs",
            {"started_at": at("2019-01-02"), "completed_at": at("2019-01-01")},
            ["ci_runs_complete_after_they_start"],
        ),
        ("ci_runs", {"conclusion": "exploded"}, ["ci_runs_have_a_known_conclusion"]),
        (
            "ci_runs",
            {"status": "completed"},
            ["ci_runs_that_are_completed_have_a_conclusion", "ci_runs_that_are_completed_say_when"],
        ),
        ("outcomes", {"measure": "mood"}, ["outcomes_have_a_known_measure"]),
        ("outcomes", {"value": -1.0}, ["outcomes_have_no_negative_value"]),
        ("outcomes", {"value": 6.0}, ["outcomes_count_no_more_than_their_population"]),
        ("outcomes", {"value": 1.5, "unit": "ratio"}, ["outcomes_that_are_shares_are_at_most_one"]),
        ("outcomes", {"unit": "euros"}, ["outcomes_have_a_known_unit"]),
        ("surveys", {"score": 11.0}, ["surveys_score_at_most_the_highest"]),
        ("surveys", {"score": -1.0}, ["surveys_score_at_least_the_lowest"]),
        ("surveys", {"audience": "robot"}, ["surveys_have_a_known_audience"]),
        ("surveys", {"body": "key AKIAABCDEFGHIJKLMNOP"}, ["surveys_have_no_secrets_in_body"]),
    ],
)
def test_a_bad_row_is_quarantined_under_the_name_of_the_fact(
    records: Records, signal: str, spoilt: dict[str, object], expected: list[str]
) -> None:
    judged = verdict(signal, records(signal, DAY, {}, spoilt, {}))
    assert judged.quarantined["record_id"].to_list() == [f"{DAY}-1"]
    assert judged.quarantined["expectations"].to_list() == [expected]
    assert judged.checked["record_id"].to_list() == [f"{DAY}-0", f"{DAY}-2"]
    assert judged.results.filter(~pl.col("is_passed"))["expectation"].to_list() == expected


def test_an_incident_resolved_before_it_started_is_let_in_or_it_would_count_as_open(records: Records) -> None:
    frame = records("incidents", DAY, {"entry_type": "resolve", "started_at": at("2027-01-01")})
    assert verdict("incidents", frame).counts == counts(checked=1)


@pytest.mark.parametrize(
    "accepted",
    [
        {"status": "closed", "closed_at": None},  # closed without saying when
        {"subject": None, "tags": None, "requester": None},  # a deleted account
        {"description": "pin react@18.2.0, run user@host"},  # looks like an address, is none
    ],
)
def test_odd_but_honest_tickets_pass(records: Records, accepted: dict[str, object]) -> None:
    assert verdict("tickets", records("tickets", DAY, accepted)).counts["checked"] == 1


@pytest.mark.parametrize(
    ("signal", "accepted"),
    [
        ("pull_requests", {"merged_at": None, "first_review_at": None}),
        ("outcomes", {"unit": "EUR", "measure": "support_cost", "value": 812.5, "population": None}),
        ("outcomes", {"value": 5.0}),  # everybody
        ("surveys", {"score": None, "score_min": None, "score_max": None, "body": "Too slow"}),  # words only
        ("surveys", {"score": 0.0}),  # the end of the scale
    ],
)
def test_what_is_not_said_of_a_change_or_an_answer_is_no_failure(
    records: Records, signal: str, accepted: dict[str, object]
) -> None:
    assert verdict(signal, records(signal, DAY, accepted)).counts["checked"] == 1


def test_a_quarantined_row_names_everyone_who_answers(records: Records) -> None:
    judged = verdict("logs", records("logs", DAY, {"severity": "LOUD", "body": "x@y.example.com"}))
    assert judged.quarantined["owner"].to_list() == ["observability@example.com, privacy@example.com"]


def test_results_hold_counts_and_no_values(records: Records) -> None:
    judged = verdict("logs", records("logs", DAY, {"body": "x@y.example.com"}))
    assert "x@y" not in str(judged.results.to_dicts())


def test_a_few_bad_rows_do_not_withhold_the_day(records: Records) -> None:
    rows = [{"status": "bogus"} if place % 20 == 0 else {} for place in range(100)]
    assert verdict("spans", records("spans", DAY, *rows)).counts == counts(checked=95, quarantined=5)


def test_too_many_bad_rows_withhold_the_day(records: Records) -> None:
    rows = [{"status": "bogus"} if place % 4 == 0 else {} for place in range(100)]
    judged = verdict("spans", records("spans", DAY, *rows))
    assert judged.is_blocked
    assert judged.reason == "25 of 100 rows quarantined, more than 20%"
    assert judged.counts == counts(quarantined=25, withheld=75)


def test_on_a_thin_day_only_the_rows_are_set_aside(records: Records) -> None:
    assert not verdict("spans", records("spans", DAY, {"status": "bogus"}, {})).is_blocked


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"record_id": f"{DAY}-0"}, "spans_are_unique failed (2 of 2 rows)"),
        ({"event_at": at("2026-01-02")}, "spans_belong_to_their_day failed (1 of 2 rows)"),
        ({"record_id": None}, "spans_have_an_id failed (1 of 2 rows)"),
    ],
)
def test_a_blocking_failure_withholds_the_day(records: Records, spoilt: dict[str, object], reason: str) -> None:
    judged = verdict("spans", records("spans", DAY, {}, spoilt))
    assert judged.reason == reason
    assert judged.checked.is_empty()


@pytest.mark.parametrize(
    ("known", "is_blocked"),
    [
        ({"pulled": 4, "malformed": 1, "duplicates": 0, "landed": 3, "held": 1, "anonymized": 2}, False),
        ({"landed": 2}, False),  # what is not known is not judged
        ({"landed": 4, "held": 1}, True),  # a row was lost between landing and here
        ({"pulled": 9, "malformed": 1, "duplicates": 0, "landed": 3}, True),
        ({"anonymized": 3}, True),  # the partition says three, two are here
    ],
)
def test_a_ledger_that_does_not_balance_withholds_the_day(
    records: Records, known: dict[str, int], *, is_blocked: bool
) -> None:
    judged = verdict("spans", records("spans", DAY, {}, {}), known)
    assert judged.is_blocked is is_blocked
    assert ("does not balance" in judged.reason) is is_blocked


def test_other_columns_than_the_signals_stop_the_gate(records: Records) -> None:
    with pytest.raises(FeedbackError, match="other columns"):
        verdict("spans", records("spans", DAY, {}).drop("kind"))


def test_a_suite_of_another_signal_stops_the_gate(records: Records) -> None:
    with pytest.raises(PolicyError, match="suite is for logs"):
        judge_rows([(DAY, records("spans", DAY, {}))], SIGNALS["spans"], load_suite("logs"))


SPOILS = [{}, {"status": "bogus"}, {"status": None, "kind": "x"}, {"trace_id": "no"}, {"record_id": "same"}]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.lists(st.sampled_from(SPOILS), max_size=6), min_size=1, max_size=3), chunk=st.integers(1, 5))
def test_judging_many_days_at_once_is_judging_each(
    records: Records, days: list[list[dict[str, object]]], chunk: int
) -> None:
    signal, suite = SIGNALS["spans"], load_suite("spans")
    frames = [(f"2026-01-0{n + 1}", records("spans", f"2026-01-0{n + 1}", *rows)) for n, rows in enumerate(days)]
    for of_day, together in zip(frames, judge_rows(frames, signal, suite, chunk_rows=chunk), strict=True):
        (alone,) = judge_rows([of_day], signal, suite)
        assert_frame_equal(together.passed, alone.passed)
        assert_frame_equal(together.quarantined, alone.quarantined)
        assert together.counts == alone.counts
        assert alone.counts.rows == of_day[1].height


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.sampled_from(SPOILS), max_size=8), parts=st.integers(2, 4))
def test_a_day_in_parts_is_judged_as_a_whole(records: Records, rows: list[dict[str, object]], parts: int) -> None:
    frame = records("spans", DAY, *rows)
    whole, parted = verdict("spans", frame), verdict("spans", frame, parts=parts)
    assert_frame_equal(parted.results, whole.results)
    assert (parted.reason, parted.counts) == (whole.reason, whole.counts)
    assert_frame_equal(parted.passed, whole.passed, check_row_order=False)


@pytest.mark.parametrize("only", [None, Only(column="kind", values=("x",))])
@pytest.mark.parametrize(("type_", "failing"), [("not_be_null", [1, 4]), ("be_null", [0, 2, 3])])
@pytest.mark.parametrize(
    "values",
    [
        ["a", None, "b", "a", None],
        [1, None, 2, 1, None],
        [["a", None], None, [], ["b"], None],  # an empty list is there
        [[{"key": "a", "value": None}], None, [], [{"key": "b", "value": "c"}], None],
    ],
)
def test_presence_is_judged_of_every_row(
    values: list[object], type_: str, failing: list[int], only: Only | None
) -> None:
    fact = Expectation(name="fact", type=f"expect_column_values_to_{type_}", kwargs={"column": "it"}, only=only)
    rows = pl.DataFrame({"it": values, "kind": ["x", "x", "x", "y", "y"]})
    found = failing_rows(rows, [fact])[ROW].to_list()
    assert found == [row for row in failing if only is None or row < 3]


def test_ids_that_fit_their_pattern_are_judged_together_and_the_others_one_by_one(records: Records) -> None:
    ids = ["a" * 32, "b" * 32, None, "b" * 31, "A" * 32, "c" * 32 + "\n", "", "d" * 32]
    kwargs: dict[str, Any] = {"column": "trace_id", "regex": "^[0-9a-f]{32}$"}
    expectations = [
        Expectation(name="there", type="expect_column_values_to_not_be_null", kwargs={"column": "trace_id"}),
        Expectation(name="hex", type="expect_column_values_to_match_regex", kwargs=kwargs),
    ]
    found = failing_rows(records("spans", DAY, *[{"trace_id": one} for one in ids]), expectations)
    # Python's $ lets a line feed follow, and Great Expectations decides.
    assert found.rows() == [(2, 0), (3, 1), (4, 1), (6, 1)]
