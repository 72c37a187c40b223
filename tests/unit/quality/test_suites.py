"""A suite or threshold that cannot work fails when it is loaded, not when a row arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from governance.errors import PolicyError
from governance.policy import SHIPPED
from governance.quality import OWN_FACTS, load_quality, load_source_suites, load_suite, load_suites
from governance.signals import SIGNALS

SUITE = "owner: o@example.com\nreason: r\nsignal: logs\nexpectations:\n"
REFERS = "{{name: a, type: expect_column_values_to_refer_to, severity: aggregate, kwargs: {{column: trace_id, {}}}}}"


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
    shared = [e.name for suite in load_suites().values() for e in suite.expectations]
    own = [e.name for suite in load_source_suites().values() for e in suite.expectations if e.name not in shared]
    assert len([*shared, *own]) == len({*shared, *own})


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
        ("{name: A b, type: expect_column_values_to_be_null, kwargs: {column: body}}", "expected text of the form"),
        ("{name: a, type: expect_column_values_to_be_unique, kwargs: {column: body}}", "is no row expectation"),
        (
            "{name: a, type: expect_column_values_to_be_null, kwargs: {column: body}, severty: row}",
            "severty is no key here; did",
        ),
        # a reference to what does not exist
        (REFERS.format("signal: ticket, refers_to: ticket_id"), "signal ticket does not exist; did you mean tickets"),
        (REFERS.format("signal: tickets, refers_to: ticket"), "tickets has no ticket; did you mean ticket_id"),
        (REFERS.format("signal: tickets"), "kwargs.refers_to is missing"),
        (REFERS.format("signal: tickets, refers_to: ticket_id, mostly: 2"), "kwargs.mostly"),
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
    write_quality(config, "signals: {}", "signals: {ticket: {max_quarantined_ratio: 0.2, min_rows: 50}}")
    with pytest.raises(PolicyError, match="ticket does not exist; did you mean tickets"):
        load_quality()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("min_weeks: 2", "min_weeks: 5", "more than weeks"),
        ("min_ratio: 0.33", "min_ratio: 1.2", r"volume\.default\.min_ratio is 1\.2"),
        ("  signals: {}", "  signals: {span: {min_ratio: 0, max_ratio: 9}}", "span does not exist; did you mean spans"),
        ("  ledger_balances:", "  ledger_balnces:", "ledger_balances must stand there"),
    ],
)
def test_a_wrong_quality_policy_is_refused_with_its_line(config: Path, old: str, new: str, said: str) -> None:
    write_quality(config, old, new)
    with pytest.raises(PolicyError, match=rf"policies/quality\.yml:\d+: .*{said}"):
        load_quality()


def write_quality(config: Path, old: str, new: str) -> None:
    """The shipped policy with one thing changed."""
    text = (SHIPPED / "policies/quality.yml").read_text(encoding="utf-8")
    assert old in text
    (config / "policies/quality.yml").write_text(text.replace(old, new), encoding="utf-8")


def test_what_the_gate_itself_expects_has_an_owner_a_reason_and_what_to_do() -> None:
    policy = load_quality()
    for fact in OWN_FACTS:
        assert "@" in policy.owner_of_own(fact)
        assert policy.gate[fact].reason.endswith(".")
        assert policy.gate[fact].do.endswith(".")


OWN_SUITE = "owner: own@example.com\nreason: r\nsignal: logs\nexpectations:\n"


def write_own(config: Path, expectation: str, dataset: str = "otel/logs") -> None:
    path = config / f"expectations/{dataset}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{OWN_SUITE}  - {expectation}\n")


def test_a_suite_of_a_source_adds_to_that_of_the_signal_for_this_source_alone(config: Path) -> None:
    write_own(config, "{name: own_fact, type: expect_column_values_to_not_be_null, kwargs: {column: body}}")
    shared, own = load_suite("logs"), load_suite("otel/logs")
    assert [one.name for one in own.expectations] == [*(one.name for one in shared.expectations), "own_fact"]
    assert own.owner_of(own.expectations[-1]) == "own@example.com"
    assert own.digest != shared.digest
    assert load_suite("other/logs") == shared


def test_a_suite_of_a_source_replaces_by_name(config: Path) -> None:
    known = "kwargs: {column: severity, value_set: [INFO]}"
    write_own(config, f"{{name: logs_have_a_known_severity, type: expect_column_values_to_be_in_set, {known}}}")
    shared, own = load_suite("logs"), load_suite("otel/logs")
    assert [one.name for one in own.expectations] == [one.name for one in shared.expectations]
    changed = [one for one, other in zip(own.expectations, shared.expectations, strict=True) if one != other]
    assert [(one.name, one.kwargs["value_set"], own.owner_of(one)) for one in changed] == [
        ("logs_have_a_known_severity", ["INFO"], "own@example.com")
    ]


@pytest.mark.parametrize(
    ("name", "dataset", "said"),
    [
        ("logs_have_an_id", "otel/logs", r"otel/logs\.yml: logs_have_an_id holds for every source, as it withholds"),
        ("logs_have_no_emails_in_body", "otel/logs", "as it is about privacy"),
        ("own_fact", "otle/logs", "expectations/otle: no source has this name; did you mean otel"),
        ("own_fact", "otel/log", r"otel/log\.yml: otel has no log; did you mean logs"),
        ("own_fact", "otel/spans", "signal is logs; expected spans"),
    ],
)
def test_a_suite_of_a_source_that_could_not_hold_is_refused(config: Path, name: str, dataset: str, said: str) -> None:
    write_own(config, f"{{name: {name}, type: expect_column_values_to_not_be_null, kwargs: {{column: body}}}}", dataset)
    with pytest.raises(PolicyError, match=said):
        load_source_suites()


def test_five_percent_of_bad_rows_do_not_withhold_a_day_by_default() -> None:
    assert load_quality().threshold("spans").max_quarantined_ratio > 0.05


def test_every_expectation_says_why_it_matters_and_what_to_do() -> None:
    policy = load_quality()
    for suite in load_source_suites().values():
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
