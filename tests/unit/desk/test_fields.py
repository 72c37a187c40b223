"""A field that no rule names is withheld and told by its shapes; one command classifies it, on record and replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.audit import DecisionRecord
from governance.errors import FeedbackError, PolicyError, UsageError
from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.signals import SIGNALS
from governance.stewards import load_stewards
from orchestration.desk.classifying import Classified, classify
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.fields import fields_of_note
from orchestration.lake import Lake
from orchestration.stages.anonymizing import anonymize_days, stale_anonymized_days

LOGS = "otel/logs"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
DAYS = [(date(2026, 3, 1) + timedelta(days=number)).isoformat() for number in range(3)]
BEN = "ben@example.com"
Values = Mapping[str, Callable[[int], str]]
PLAIN: Values = {"http.route": lambda number: f"/cart/{number}"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (tmp_path / "config").mkdir()
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "config"))
    record = DecisionRecord.open(tmp_path / "decisions" / "decisions.sqlite", tmp_path / "decisions" / "head.json")
    return Desk(Lake(tmp_path / "lake"), record, load_stewards())


def land(desk: Desk, day: str, values: Values, records: int = 60) -> None:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    common = {"event_at": at, "body": "ready", "service": "cart", "received_file": "f", "received_line": 1}
    rows = [
        {
            "record_id": f"{number:032x}",
            "attributes": [{"key": key, "value": value(number)} for key, value in values.items()],
            **common,
        }
        for number in range(records)
    ]
    with desk.lake.replace(f"landing/{LOGS}/{day}", as_of=NOW) as out:
        out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
        out.counts = {"landed": records}


def anonymize(desk: Desk) -> None:
    anonymize_days(desk.lake, LOGS, DAYS, load_privacy(), Keyring(b"p" * 32, b"i" * 32), NOW, 1)


def noted(desk: Desk) -> list[tuple[object, ...]]:
    return fields_of_note(desk.lake, load_privacy(), LOGS).select("field", "state", "since", "records").rows()


def decide(desk: Desk, field: str = "acme.tenant", treatment: str = "keep", who: str = BEN) -> Classified:
    return classify(desk, LOGS, field, treatment, Ruling(who, "our tenants are no people", NOW))


@pytest.fixture
def withheld(desk: Desk) -> Desk:
    """A field that no rule names, from the second day on."""
    tenant: Values = {**PLAIN, "acme.tenant": lambda number: f"ACME-{number:02d}"}
    for day, values in zip(DAYS, (PLAIN, tenant, tenant), strict=True):
        land(desk, day, values)
    anonymize(desk)
    return desk


def test_what_no_rule_names_is_told_by_its_shapes_and_never_by_a_value(withheld: Desk) -> None:
    assert noted(withheld) == [("acme.tenant", "unclassified", date(2026, 3, 2), 120)]
    row = fields_of_note(withheld.lake, load_privacy()).row(0, named=True)
    assert row["shapes"] == "dotted name 100 %; 100 % distinct; length 7; like AAAA-99"
    assert "ACME" not in str(row)


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [
        (PLAIN, {}, "missing"),
        ({}, PLAIN, "new"),
        ({"http.route": str}, {"http.route": lambda n: f"2026-01-01T00:00:{n % 60:02d}Z"}, "retyped"),
        # a number with decimals is a number
        ({"http.route": str}, {"http.route": lambda n: f"{n}.5"}, None),
        # of many forms before
        ({"http.route": lambda n: "x" if n % 2 else "1"}, {"http.route": str}, None),
    ],
)
def test_a_field_that_is_not_as_it_was_is_told(desk: Desk, before: Values, now: Values, state: str | None) -> None:
    for day, values in zip(DAYS, (before, before, now), strict=True):
        land(desk, day, values)
    anonymize(desk)
    assert [row[:3] for row in noted(desk)] == ([("http.route", state, date(2026, 3, 3))] if state else [])


def test_a_few_records_do_not_tell_that_a_field_is_missing(desk: Desk) -> None:
    for day, values in zip(DAYS, (PLAIN, PLAIN, {}), strict=True):
        land(desk, day, values, records=10)
    anonymize(desk)
    assert noted(desk) == []


def test_one_command_classifies_and_the_days_in_landing_are_made_again(withheld: Desk) -> None:
    withheld.lake.remove(f"landing/{LOGS}/{DAYS[1]}")
    done = decide(withheld)
    assert (done.replayed, done.lost) == ((DAYS[2],), (DAYS[1],))
    stale = set(stale_anonymized_days(withheld.lake, LOGS, load_privacy().digest, ()))
    assert stale == {DAYS[0], DAYS[2]}
    anonymize(withheld)
    attributes = withheld.lake.read(f"anonymized/{LOGS}/{DAYS[2]}")["attributes"]
    assert {"key": "acme.tenant", "value": "ACME-07"} in attributes[7].to_list()
    assert "unclassified" not in [row[1] for row in noted(withheld)]
    decision = next(iter(withheld.record.entries())).decision
    assert (decision.kind, decision.who, decision.what["before"]) == ("classify", BEN, "withheld")


def test_what_stands_in_the_file_stays_with_its_comments(withheld: Desk, tmp_path: Path) -> None:
    path = tmp_path / "config/policies/fields/otel.yml"
    path.parent.mkdir(parents=True)
    path.write_text("owner: o@example.com\nreason: r\nattributes:\n  acme.shop: keep  # agreed in May\n")
    decide(withheld)
    assert path.read_text().splitlines()[-2:] == ["  acme.shop: keep  # agreed in May", "  acme.tenant: keep"]
    assert decide(withheld, treatment="pseudonymise ACCOUNT").number == 2
    assert path.read_text().splitlines()[-1] == "  acme.tenant: pseudonymise ACCOUNT"


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda d: decide(d, who="ana@example.com"), "needs the role compliance in telemetry; ben@example.com may"),
        (lambda d: decide(d, treatment="kep"), "--as kep: kep is no treatment; did you mean keep"),
        (lambda d: decide(d, treatment="pseudonymise"), "did you mean|is not allowed; allowed"),
        (lambda d: decide(d, field="acme.tenants"), "no record of otel/logs has it; did you mean acme.tenant"),
        (lambda d: decide(d, field="body"), "body is a column of otel/logs"),
        (lambda d: decide(d, field="jane@example.com"), "no plain dotted name"),
        (lambda d: classify(d, "otel/log", "a", "keep", Ruling(BEN, "x", NOW)), "did you mean otel/logs"),
        (lambda d: classify(d, LOGS, "acme.tenant", "keep", Ruling(BEN, " ", NOW)), "needs a reason"),
    ],
)
def test_what_may_not_be_is_refused_and_changes_nothing(
    withheld: Desk, tmp_path: Path, attempt: Callable[[Desk], object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        attempt(withheld)
    assert list(withheld.record.entries()) == []
    assert not list((tmp_path / "config").rglob("*.yml"))


def rules(tmp_path: Path, name: str, text: str) -> Path:
    """A file of the deployment's own rules."""
    path = tmp_path / f"config/policies/fields/{name}.yml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_what_another_file_says_is_not_said_twice(withheld: Desk, tmp_path: Path) -> None:
    rules(tmp_path, "ours", "owner: o@example.com\nreason: r\nattributes: {acme.tenant: drop}\n")
    with pytest.raises(UsageError, match=r"fields/ours\.yml: acme\.tenant is drop already"):
        decide(withheld)


def test_a_wrong_file_is_told_and_left(withheld: Desk, tmp_path: Path) -> None:
    path = rules(tmp_path, "otel", "owner: o@example.com\n")
    with pytest.raises(PolicyError, match=r"fields/otel\.yml:\d+: reason"):
        decide(withheld)
    assert path.read_text() == "owner: o@example.com\n"


def test_without_a_directory_of_the_deployment_nothing_is_written(
    withheld: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FEEDBACK_CONFIG")
    with pytest.raises(UsageError, match="FEEDBACK_CONFIG names no directory"):
        decide(withheld)


def test_a_decision_that_cannot_be_recorded_leaves_the_file_as_it_was(withheld: Desk, tmp_path: Path) -> None:
    (tmp_path / "decisions").mkdir(exist_ok=True)
    (tmp_path / "decisions/decisions.sqlite").write_bytes(b"no database at all, but many bytes of something else" * 20)
    with pytest.raises(FeedbackError):
        decide(withheld)
    assert not [path for path in (tmp_path / "config").rglob("*") if path.is_file()]
