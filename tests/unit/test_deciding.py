"""Runs and commands leave in the decision record what they did, and under which policies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from governance.audit import Recorded
from governance.errors import FeedbackError, UsageError
from orchestration import deciding
from orchestration.auditing import print_head, record_review, show_decisions, show_reviews, verify_record
from orchestration.deciding import decide, decision_record, os_user, record_policies
from orchestration.key_management import deployment_keys, destroy_key, rotate_keys
from orchestration.settings import Home
from tests.unit.audit.chains import unguarded


@pytest.fixture
def deployment(tmp_path: Path) -> Home:
    return Home(tmp_path / "home [/x]")


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=300, highlight=False)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A FEEDBACK_CONFIG with a policy of its own."""
    folder = tmp_path / "config"
    (folder / "policies").mkdir(parents=True)
    (folder / "policies" / "quality.yml").write_text("reason: ours\n")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(folder))
    return folder


def told(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def entries(deployment: Home) -> list[Recorded]:
    return list(decision_record(deployment).entries())


def test_a_run_records_each_policy_file_and_later_ones_what_changed(deployment: Home, config: Path) -> None:
    gate, fields = config / "policies" / "quality.yml", config / "policies" / "fields"
    record_policies(deployment)
    record_policies(deployment)  # nothing changed
    gate.write_text("reason: theirs\n")
    fields.mkdir()
    (fields / "own.yml").write_text("fields: {}\n")
    record_policies(deployment)
    (fields / "own.yml").unlink()
    deciding._on_record.clear()  # as another process
    record_policies(deployment)
    record_policies(deployment)
    changed = [entry.decision.what["changed"] for entry in entries(deployment)]
    assert changed == [[], ["policies/fields/own.yml", "policies/quality.yml"], ["policies/fields/own.yml"]]
    files = entries(deployment)[0].decision.what["files"]
    assert isinstance(files, dict)
    assert {
        "policies/quality.yml",
        "policies/stewards.yml",
        "sources/otel.yml",
        "expectations/spans.yml",
    } <= files.keys()
    assert {entry.decision.who for entry in entries(deployment)} == {os_user()}


def test_no_step_of_a_run_does_anything_under_policies_that_are_not_on_record(
    deployment: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.defs.partitions import guarded

    monkeypatch.setenv("FEEDBACK_HOME", str(deployment.root))
    done: list[str] = []
    step = guarded(lambda: done.append("done"))
    (deployment.decisions / "decisions.sqlite").mkdir(parents=True)  # nothing can be written there
    with pytest.raises(FeedbackError, match="decision record"):
        step()
    (deployment.decisions / "decisions.sqlite").rmdir()
    step()
    assert ([entry.decision.kind for entry in entries(deployment)], done) == (["policy"], ["done"])


def test_keys_that_are_rotated_or_destroyed_are_on_record(deployment: Home, console: Console) -> None:
    old = deployment_keys(deployment).key_id
    rotate_keys(console, deployment, "ana@example.com", "Once a year.")
    destroy_key(console, deployment, old, is_confirmed=True)
    rotated, destroyed = (entry.decision for entry in entries(deployment))
    assert (rotated.kind, rotated.who, rotated.why) == ("rotate_key", "ana@example.com", "Once a year.")
    assert rotated.what == {"key_id": deployment_keys(deployment).key_id}
    assert (destroyed.kind, destroyed.who, destroyed.what) == ("destroy_key", os_user(), {"key_id": old})


def test_a_rotation_that_cannot_be_recorded_does_not_happen(deployment: Home, console: Console) -> None:
    old = deployment_keys(deployment).key_id
    (deployment.decisions / "decisions.sqlite").mkdir(parents=True)  # nothing can be written there
    with pytest.raises(FeedbackError, match="nothing was decided"):
        rotate_keys(console, deployment)
    assert deployment_keys(deployment).key_id == old
    assert list(deployment.keys.glob("pseudonym-*")) == list(deployment.keys.glob(f"*-{old}.key"))


def test_decisions_are_listed_by_kind_and_from_a_day_on(
    deployment: Home, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    decide(deployment, "release", {"days": [f"2026-03-0{day}" for day in range(1, 6)]}, "ana", "Mended [/x].")
    decide(deployment, "waive", {"expires": "2026-04-01"}, "ben", "Known.")
    show_decisions(console, deployment, "", None, is_json=False)
    assert "days: 2026-03-01 2026-03-02 2026-03-03 and 2 more" in told(console)
    assert "Mended [/x]." in told(console)
    show_decisions(console, deployment, "waives", None, is_json=False)
    assert "No such decision is on record; kinds that are: release, waive." in told(console)
    show_decisions(console, deployment, "waive", None, is_json=True)
    show_decisions(console, deployment, "", datetime.now(UTC) + timedelta(days=1), is_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["what"] == {"expires": "2026-04-01"}


def test_a_damaged_record_is_told_by_entry_and_exits_with_1(
    deployment: Home, console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(60):
        decide(deployment, "release", {"number": number}, "ana", "Mended.")
    assert verify_record(console, deployment, None) == 0
    print_head(deployment)
    copy = deployment.root / "copy.json"
    copy.write_text(capsys.readouterr().out)
    assert verify_record(console, deployment, copy) == 0
    with unguarded(deployment.decisions) as connection:
        connection.execute("update decisions set digest = zeroblob(32) where number > 5")
    assert verify_record(console, deployment, copy) == 1
    assert "entry 6: edited" in told(console)
    assert "and 5 more\n60 decisions: 55 problems" in told(console)
    with pytest.raises(UsageError, match="no such file"):
        verify_record(console, deployment, deployment.root / "nowhere.json")


def test_a_review_is_done_by_who_may(deployment: Home, console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"needs the role quality in support; ana@example\.com"):
        record_review(console, deployment, "support", "quality", "eve@example.com", "Fine.")
    record_review(console, deployment, "support", "quality", "ana@example.com", "Fine.")
    in_two_weeks = datetime.now(UTC) + timedelta(days=14)
    show_reviews(console, deployment, in_two_weeks, is_json=True)
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["role"], first["state"]) == ("quality", "overdue")
    show_reviews(console, deployment, in_two_weeks, is_json=False)
    assert "overdue" in told(console)


def test_there_is_no_head_before_the_first_decision(deployment: Home) -> None:
    with pytest.raises(UsageError, match="nothing was decided yet"):
        print_head(deployment)
