"""The triage policy: loads, fails where it is wrong, and reaches the models as relations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from governance.errors import PolicyError
from governance.policy import SHIPPED
from governance.triage import ASSESSMENTS_SCHEMA, load_triage, triage_frames

SHIPPED_TEXT = (SHIPPED / "policies" / "triage.yml").read_text()
ASSESSMENT = {
    "service": "export",
    "theme": "totals",
    "strategic_value": 1.5,
    "author": "lead@example.com",
    "on": "2026-11-02",
    "reason": "Auditors read these files.",
}
Write = Callable[[str, str], None]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a deployment's own triage.yml, a changed copy of ours."""
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    (tmp_path / "policies").mkdir()

    def write(old: str, new: str) -> None:
        assert old in SHIPPED_TEXT
        (tmp_path / "policies" / "triage.yml").write_text(SHIPPED_TEXT.replace(old, new))

    return write


def assessed(**changes: object) -> str:
    said = {name: value for name, value in (ASSESSMENT | changes).items() if value is not None}
    return "assessments: [{" + ", ".join(f'"{name}": {value}' for name, value in said.items()) + "}]"


def test_every_parameter_reaches_the_models() -> None:
    frames = triage_frames()
    written = YAML(typ="safe").load(SHIPPED_TEXT)
    parts = ("states", "effect", "loop")
    expected = {name: value for part in parts for name, value in written[part].items()}
    expected |= {"price_per_minute": None, "currency": "EUR"}
    expected |= {f"defect_{name}": known for name, known in written["defects"].items()}
    assert frames["triage"].drop("policy_digest").rows(named=True) == [expected]
    weights = dict(written["weights"]["impact"])
    for part in ("effort", "confidence"):
        weights |= {f"{part}_{name}": value for name, value in written["weights"][part].items()}
    base = frames["triage_weights"].filter(pl.col("moved_weight").is_null())
    own = {"moved_weight": None, "moved_by": 1.0, "assessed_value": 1.0, "assessed_effort": 1.0}
    assert base.rows(named=True) == [{**own, **weights}]


def test_each_weight_is_moved_by_a_quarter_and_no_other_with_it() -> None:
    frame = triage_frames()["triage_weights"]
    base = frame.row(0, named=True)
    weights = [name for name in frame.columns if name not in ("moved_weight", "moved_by")]
    assert frame.height == 1 + 2 * len(weights)
    for row in frame.rows(named=True)[1:]:
        moved = {name: row[name] / base[name] for name in weights if row[name] != base[name]}
        assert moved == {row["moved_weight"]: pytest.approx(row["moved_by"])}
        assert row["moved_by"] in (0.75, 1.25)


def test_an_assessment_says_what_it_means_and_who_said_it_when(policy: Write) -> None:
    policy("assessments: []", assessed())
    frame = triage_frames()["assessments"]
    assert frame.schema == ASSESSMENTS_SCHEMA
    row = frame.row(0, named=True)
    assert (row["place"], row["service"], row["theme"], row["strategic_value"]) == (1, "export", "totals", 1.5)
    assert (row["author"], str(row["stated_on"]), row["effort_days"]) == ("lead@example.com", "2026-11-02", None)


def test_a_service_that_a_pattern_of_owners_fits_can_be_meant(policy: Write) -> None:
    policy("assessments: []", assessed(service="auth-tokens"))
    assert load_triage().assessments[0].service == "auth-tokens"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("resolved_factor: 0.6", "resolved_factor: 2", r"triage.yml:\d+: weights.impact.resolved_factor is 2"),
        ("latency: 3", "latency: 0", r"triage.yml:\d+: weights.effort.latency is 0"),
        ("log_only: 0.3", "log_only: 1.3", r"triage.yml:\d+: weights.confidence.log_only is 1.3"),
        ("new_days: 7", "new_day: 7", r"triage.yml:\d+: states.new_day"),
        ("per_minute: null", "per_minute: -1", r"triage.yml:\d+: money.per_minute is -1"),
        ("least_days_after: 4", "least_days_after: 40", "least_days_after is 40, days_after 28; expected no more"),
        ("assessments: []", assessed(service=None), "expected pain_point_id .* or service"),
        ("assessments: []", assessed(pain_point_id="4711"), r"assessments.0.pain_point_id is '?4711"),
        ("assessments: []", assessed(author="somebody"), "assessments.0.author is 'somebody'"),
        ("assessments: []", assessed(on=None), "assessments.0.on"),
        ("assessments: []", assessed(strategic_value=None), "expected strategic_value, effort_days or both"),
        ("assessments: []", assessed(service="exprt"), "assessment 1: service is exprt, which no team .* mean export"),
        ("assessments: []", assessed(problem_kind="slow"), "assessments.0.problem_kind is 'slow'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(policy: Write, old: str, new: str, told: str) -> None:
    policy(old, new)
    with pytest.raises(PolicyError, match=told):
        load_triage()


def test_another_policy_has_another_digest(policy: Write) -> None:
    before = triage_frames()["triage"]["policy_digest"].item()
    policy("minutes_per_ticket: 20", "minutes_per_ticket: 30")
    assert triage_frames()["triage"]["policy_digest"].item() != before
