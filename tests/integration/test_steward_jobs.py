"""A steward's form in the launchpad records the decision, as the command does, or fails with one clear sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.errors import UsageError
from governance.quality import load_quality, load_suite
from governance.signals import SIGNALS
from orchestration.deciding import decision_record
from orchestration.defs.steward.jobs import FORMS, desk_job
from orchestration.lake import Lake
from orchestration.settings import Home
from orchestration.stages.gating import judge_dataset

DATASET, DAY = "otel/logs", "2026-01-01"
ANA = {"who": "ana@example.com", "why": "looked at"}


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a day of two log lines, one of which is in quarantine for its severity."""
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    made, noon = Home(tmp_path), datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = [
        {"record_id": f"r{place}", "event_at": noon, "service": "cart", "severity": severity, "body": "saved"}
        for place, severity in enumerate(("INFO", "LOUD"))
    ]
    lake = Lake(made.lake)
    with lake.replace(f"anonymized/{DATASET}/{DAY}", as_of=noon) as out:
        out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].schema))
        out.counts = {"landed": 2, "anonymized": 2, "held": 0}
    judge_dataset(lake, DATASET, [DAY], load_suite("logs"), load_quality(), noon, 1)
    assert lake.read(f"quarantine/{DATASET}/{DAY}")["record_id"].to_list() == ["r1"]
    return made


def launch(name: str, **form: object) -> None:
    job = desk_job(name, *FORMS[name])
    (op,) = (node.name for node in job.nodes)
    job.execute_in_process(run_config={"ops": {op: {"config": form}}})


def test_a_release_and_its_revocation_are_launched_from_forms(deployment: Home) -> None:
    launch("release_rows", dataset=DATASET, day=DAY, **ANA)
    launch("revoke_decision", number=2, **ANA)
    kinds = [(one.number, one.decision.kind, one.decision.who) for one in decision_record(deployment).entries()]
    assert kinds[1:] == [(2, "release", "ana@example.com"), (3, "revoke", "ana@example.com")]
    assert kinds[0][1] == "policy"


def test_a_waiver_is_asked_for_and_approved_from_forms(deployment: Home) -> None:
    today = datetime.now(UTC).date()
    scope = {"dataset": DATASET, "expectation": "quarantined_rows_are_few", "first": DAY, "last": DAY}
    with pytest.raises(UsageError, match="expected a day after"):
        launch("request_waiver", **scope, expires=str(today), **ANA)
    launch("request_waiver", **scope, expires=str(today + timedelta(days=7)), **ANA)
    launch("approve_waiver", number=2, who="ben@example.com", why="agreed")
    assert [one.decision.kind for one in decision_record(deployment).entries()] == ["policy", "waiver_request", "waive"]


def test_a_replay_is_asked_for_from_a_form(deployment: Home) -> None:
    launch("replay_rows", **ANA)
    last = decision_record(deployment).last("replay")
    assert last is not None
    assert last.decision.what == {"held_before": 0, "quarantined_before": 1, "withheld_before": 0}


def test_a_field_is_classified_from_a_form(deployment: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").mkdir()
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "config"))
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with Lake(deployment.lake).replace(f"landing/{DATASET}/{DAY}", as_of=at) as out:
        row = {"record_id": "r", "event_at": at, "attributes": [{"key": "acme.tenant", "value": "T-1"}]}
        out.write("records", pl.DataFrame([row], schema=SIGNALS["logs"].landing_schema))
    form = {"dataset": DATASET, "field": "acme.tenant", "treatment": "drop", "why": "of no use"}
    with pytest.raises(UsageError, match="needs the role compliance"):
        launch("classify_field", **form, who="ana@example.com")
    launch("classify_field", **form, who="ben@example.com")
    assert "acme.tenant: drop" in (tmp_path / "config/policies/fields/otel.yml").read_text()


def test_a_sign_off_of_what_needs_none_is_refused(deployment: Home) -> None:
    with pytest.raises(UsageError, match="needs no sign-off"):
        launch("sign_off_asset", asset="marts/rpt_pain_points", **ANA)
