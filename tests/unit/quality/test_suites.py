"""A suite or threshold that cannot work fails when it is loaded, not when a row arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import PolicyError
from governance.quality import load_quality, load_suite, load_suites
from governance.signals import SIGNALS

SUITE = "owner: o@example.com\nreason: r\nsignal: logs\nexpectations:\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "expectations").mkdir()
    (tmp_path / "policies").mkdir()
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    return tmp_path


def test_every_signal_has_a_suite_with_owners() -> None:
    suites = load_suites()
    assert suites.keys() == SIGNALS.keys()
    assert all("@" in suite.owner_of(e) for suite in suites.values() for e in suite.expectations)


def test_names_of_expectations_are_distinct_over_all_suites() -> None:
    names = [e.name for suite in load_suites().values() for e in suite.expectations]
    assert len(names) == len(set(names))


def test_every_suite_demands_unique_ids_times_and_the_right_day() -> None:
    for signal, suite in load_suites().items():
        blocking = {e.name for e in suite.expectations if e.blocking}
        expected = {"have_an_id", "are_unique", "have_a_time", "belong_to_their_day"}
        assert blocking == {f"{signal}_{fact}" for fact in expected}


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        # a typing error in the type names the nearest one
        (
            "{name: a, type: expect_column_values_to_be_nul, kwargs: {column: body}}",
            "did you mean expect_column_values_to_be_null",
        ),
        (
            "{name: a, type: expect_column_values_to_be_null, kwargs: {column: bdy}}",
            "column bdy does not exist; did you mean body",
        ),
        ("{name: a, type: expect_column_values_to_be_null}", "a lacks kwargs.column"),
        (
            "{name: a, type: expect_column_values_to_match_regex, kwargs: {column: body, regex: '('}}",
            "no regular expression",
        ),
        ("{name: A b, type: expect_column_values_to_be_null, kwargs: {column: body}}", "pattern"),
        ("{name: a, type: expect_column_values_to_be_unique, kwargs: {column: body}}", "is no row expectation"),
        ("{name: a, type: expect_column_values_to_be_null, kwargs: {column: body}, severty: row}", "Extra inputs"),
    ],
)
def test_wrong_expectations_are_refused(config: Path, expectation: str, said: str) -> None:
    (config / "expectations/logs.yml").write_text(SUITE + f"  - {expectation}\n")
    with pytest.raises(PolicyError, match=r"expectations/logs\.yml:") as caught:
        load_suite("logs")
    assert said in str(caught.value)


def test_one_name_is_one_fact(config: Path) -> None:
    row = "  - {name: a, type: expect_column_values_to_be_null, kwargs: {column: body}}\n"
    (config / "expectations/logs.yml").write_text(SUITE + row + row)
    with pytest.raises(PolicyError, match="two expectations are called a"):
        load_suite("logs")


def test_a_suite_of_another_signal_is_refused(config: Path) -> None:
    row = "  - {name: a, type: expect_column_values_to_be_null, kwargs: {column: body}}\n"
    (config / "expectations/spans.yml").write_text(SUITE + row)
    with pytest.raises(PolicyError, match="signal is logs; expected spans"):
        load_suite("spans")


def test_a_signal_without_suite_stops() -> None:
    with pytest.raises(PolicyError, match="no such file"):
        load_suite("metrics")


def test_a_threshold_for_an_unknown_signal_is_refused(config: Path) -> None:
    (config / "policies/quality.yml").write_text(
        "owner: o\nreason: r\ndefault: {max_quarantined_ratio: 0.2, min_rows: 50}\n"
        "signals: {ticket: {max_quarantined_ratio: 0.2, min_rows: 50}}\n"
    )
    with pytest.raises(PolicyError, match="ticket does not exist; did you mean tickets"):
        load_quality()


def test_five_percent_of_bad_rows_do_not_withhold_a_day_by_default() -> None:
    assert load_quality().threshold("spans").max_quarantined_ratio > 0.05


def test_every_expectation_says_why_it_matters_and_what_to_do() -> None:
    policy = load_quality()
    for suite in load_suites().values():
        for expectation in suite.expectations:
            advice = policy.advice(expectation)
            assert advice.reason.endswith(".")
            assert advice.do.endswith(".")


def test_what_may_be_personal_is_never_released() -> None:
    final = {
        one.name
        for suite in load_suites().values()
        for one in suite.expectations
        if "_no_emails_" in one.name or "_no_secrets_" in one.name
        if suite.is_releasable(one)
    }
    assert final == set()
