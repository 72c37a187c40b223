"""Objectives: what they mean as rows, what is refused and how it is said, and that windows burn as sloth's do."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from governance.errors import PolicyError
from governance.owners import load_owners
from governance.policy import SHIPPED
from governance.slos import (
    MAINTENANCE_SCHEMA,
    SLO_ALERTS_SCHEMA,
    SLOS_SCHEMA,
    Objective,
    SlosPolicy,
    frames_of,
    load_slos,
    slo_frames,
)
from orchestration.rollups.histogram import bucket_of, upper_bound_of

BASE = {"name": "a", "kind": "availability", "service": "cart", "objective": 0.99, "valid_from": "2026-01-01"}
LATENCY = {**BASE, "kind": "latency", "threshold_ms": 300}
MAINTENANCE = {
    "service": "cart",
    "from": "2026-03-01T02:00:00Z",
    "to": "2026-03-01T02:45:00Z",
    "reason": "database",
    "approved_by": "payments@example.com",
}


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """Writes a deployment's own slos.yml: the shipped alerts, these objectives and maintenance windows."""
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    (tmp_path / "policies").mkdir()
    shipped = YAML(typ="safe").load(SHIPPED / "policies" / "slos.yml")

    def write(*objectives, maintenance=(), **changed):
        document = {**shipped, "objectives": list(objectives), "maintenance": list(maintenance), **changed}
        YAML(typ="safe").dump(document, tmp_path / "policies" / "slos.yml")

    return write


def told():
    with pytest.raises(PolicyError) as error:
        load_slos()
    return str(error.value)


def test_the_shipped_policy_is_one_objective_of_each_kind_for_every_service():
    frames = slo_frames()
    assert frames["slos"].schema == SLOS_SCHEMA
    assert frames["slo_alerts"].schema == SLO_ALERTS_SCHEMA
    assert frames["maintenance_windows"].schema == MAINTENANCE_SCHEMA
    assert frames["slos"].select("indicator", "service", "owner_team").rows() == [
        ("availability", "*", None),
        ("latency", "*", None),
    ]


@pytest.mark.parametrize("service", ["shipping", "mapping/pingpong"])
def test_what_is_shipped_as_a_health_check_is_no_word_within_a_name(service):
    excluded = slo_frames()["slos"]["excluded_operations"][0]
    assert not re.match(excluded, f"GET {service}")
    assert all(
        re.match(excluded, name) for name in ("GET /healthz", "/readyz", "GET /ping", "grpc.health.v1.Health/Check")
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"objective": 1}, r"slos.yml:\d+: objectives.0.objective is 1; .*at 1 the error budget is 0"),
        ({"objective": 99.9}, r"objective is 99.9; .*for 99.9 % write 0.999"),
        ({"objective": 0}, r"expected 0 < objective < 1"),
        ({"objective": -0.5}, r"expected 0 < objective < 1"),
        (
            {"service": "chekout"},
            r"objective a: service is chekout, which no team .* did you mean checkout\? allowed: .*cart",
        ),
        ({"service": "zzz-*"}, r"service is zzz-\*, which no team of owners.yml names"),
        (
            {"owner": "paymnts"},
            r"owner is paymnts, which is no team of owners.yml; did you mean payments\? allowed: .*identity",
        ),
        ({"owner": "storefront"}, r"service cart has two owners, storefront here and payments in owners.yml"),
        ({"owner": "payments", "service": "*"}, r"has two owners, payments here and (storefront|identity)"),
        ({"kind": "latency"}, r"a is of kind latency and threshold_ms is None; expected one"),
        ({"threshold_ms": 5}, r"a is of kind availability and threshold_ms is 5"),
        ({"feature_flag": "f"}, r"expected feature_flag and feature_variant, or neither"),
        ({"except_services": ["cart"]}, r"except_services goes with a pattern; service is cart"),
        ({"span_kind": "servr"}, r"did you mean server\?"),
        ({"period_days": 2}, r"a: period_days is 2, the longest window of alerts 4320 minutes"),
        ({"period_days": 400}, r"period_days is 400"),
        ({"valid_from": "soon"}, r"objectives.0.valid_from is 'soon'"),
        ({"targt": 1}, r"objectives.0.targt is no key here; allowed: .*objective, "),
    ],
)
def test_a_wrong_objective_is_refused_with_what_is_allowed(policy, changed, said):
    policy({**BASE, **changed})
    assert re.search(said, told())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"to": "2026-03-01T02:00:00Z"}, "expected from before to"),
        ({"from": "2026-03-01T02:00:30Z"}, "expected whole minutes"),
        ({"from": "2026-03-01T02:00:00"}, "a time with its zone"),
        ({"approved_by": "somebody"}, "expected an e-mail address"),
        ({"service": "carrt"}, "maintenance from 2026-03-01 02:00: service is carrt, .* did you mean cart"),
    ],
)
def test_a_wrong_maintenance_window_is_refused(policy, changed, said):
    policy(BASE, maintenance=[{**MAINTENANCE, **changed}])
    assert re.search(said, told())


def test_an_alert_needs_no_number_of_requests_unless_it_says_one(policy):
    shipped = [(alert.long_minutes, alert.at_least_requests) for alert in load_slos().alerts]
    assert shipped == [(60, 20), (360, 40), (1440, 60), (4320, 150)]
    window = {"severity": "page", "long_minutes": 60, "short_minutes": 5, "budget_ratio": 0.02}
    policy(BASE, alerts=[window])
    assert slo_frames()["slo_alerts"]["at_least_requests"].to_list() == [0]
    policy(BASE, alerts=[{**window, "at_least_requests": -1}])
    assert "at_least_requests" in told()


def test_a_window_that_does_not_end_before_the_long_one_is_refused(policy):
    policy(BASE, alerts=[{"severity": "page", "long_minutes": 60, "short_minutes": 60, "budget_ratio": 0.02}])
    assert "expected a shorter short window" in told()


def test_a_changed_definition_needs_its_own_first_day(policy):
    policy(BASE, {**BASE, "objective": 0.95})
    assert "a is defined twice from 2026-01-01 on" in told()
    policy(BASE, {**BASE, "service": "checkout", "valid_from": "2026-02-01"})
    assert "a changes from availability of cart to availability of checkout on 2026-02-01" in told()
    policy({**BASE, "valid_from": "2026-02-01", "objective": 0.95}, BASE)
    rows = slo_frames()["slos"].select("valid_from", "valid_to", "budget_ratio").rows()
    assert rows == [(date(2026, 2, 1), None, 0.05), (date(2026, 1, 1), date(2026, 2, 1), 0.01)]


def test_a_definition_changed_in_place_has_another_hash(policy):
    policy(BASE)
    before = slo_frames()["slos"]["digest"].item()
    policy({**BASE, "exclude_operations": ["/health"]})
    assert slo_frames()["slos"]["digest"].item() != before


@pytest.mark.parametrize(("owner", "service", "team"), [(None, "cart", "payments"), ("identity", "auth-*", "identity")])
def test_an_objective_by_name_has_the_owner_of_its_service(policy, owner, service, team):
    policy({**BASE, "owner": owner, "service": service})
    assert slo_frames()["slos"].select("owner_team", "owner_email").row(0) == (team, f"{team}@example.com")


def test_patterns_are_over_the_whole_name_and_only_the_asterisk_is_special(policy):
    policy({**BASE, "service": "*", "except_services": ["a.b", "x-*"], "operation": "GET /a(b)*"})
    row = slo_frames()["slos"].row(0, named=True)
    excepted, operation = re.compile(row["except_services"]), re.compile(row["operation_pattern"])
    assert [bool(excepted.match(name)) for name in ("a.b", "axb", "x-1", "ax-1")] == [True, False, True, False]
    assert [bool(operation.match(name)) for name in ("GET /a(b)c", "GET /a(b)", "GET /ab")] == [True, True, False]


def test_a_maintenance_window_is_a_row_in_utc(policy):
    policy(BASE, maintenance=[{**MAINTENANCE, "from": "2026-03-01T03:00:00+01:00"}])
    row = slo_frames()["maintenance_windows"].row(0, named=True)
    assert (row["starts_at"], row["ends_at"]) == (
        datetime(2026, 3, 1, 2, tzinfo=UTC),
        datetime(2026, 3, 1, 2, 45, tzinfo=UTC),
    )


@pytest.mark.parametrize("threshold_ms", [0.001, 1, 2**20 / 1e6, 2**30 / 1e6, 300, 999.999, 1000, 12_345.678])
def test_a_threshold_is_cut_where_the_histograms_are(threshold_ms):
    objective = Objective.model_validate({**LATENCY, "threshold_ms": threshold_ms})
    bucket = pl.select(bucket_of(pl.lit(threshold_ms * 1e6))).item()
    assert objective.threshold_bucket == bucket
    assert objective.effective_threshold_ms == pytest.approx(
        pl.select(upper_bound_of(pl.lit(bucket))).item() / 1e6, abs=1e-9
    )
    assert threshold_ms * (1 - 1e-9) <= objective.effective_threshold_ms + 1e-9
    assert objective.effective_threshold_ms <= threshold_ms * 1.0109 + 1e-9


@pytest.mark.parametrize(
    ("period_days", "factors"),
    [(30, [14.4, 6, 3, 1]), (28, [13.44, 5.6, 2.8, 0.9333333]), (7, [3.36, 1.4, 0.7, 0.2333333])],
)
def test_factors_follow_from_the_period(period_days, factors):
    assert [alert.factor(period_days) for alert in load_slos().alerts] == pytest.approx(factors)


@pytest.mark.parametrize("name", ["getting-started", "home-wifi"])
def test_windows_factors_and_budgets_are_those_of_sloth(real_data, name):
    folder = Path(real_data) / "telemetry" / "metrics" / "sloth_slo"
    given = YAML(typ="safe").load(folder / f"{name}.input.yml")
    text = (folder / f"{name}.expected.yml").read_text()
    objectives = [
        {**BASE, "name": slo["name"], "service": "*", "objective": slo["objective"] / 100} for slo in given["slos"]
    ]
    shipped = YAML(typ="safe").load(SHIPPED / "policies" / "slos.yml")
    policy = SlosPolicy.model_validate({**shipped, "objectives": objectives})
    minutes = {"m": 1, "h": 60, "d": 1440}
    for row in frames_of(policy, load_owners())["slos"].iter_rows(named=True):
        found = re.findall(
            rf'sloth_slo="{row["slo"]}"}} > \(([\d.]+) \* ([\d.e-]+)\)',
            text,
        )
        windows = re.findall(rf'ratio_rate(\d+)([mhd]){{[^}}]*sloth_slo="{row["slo"]}"}} >', text)
        assert len(found) == len(windows)
        assert {round(float(budget), 12) for _, budget in found} == {row["budget_ratio"]}
        told = [(float(factor), int(n) * minutes[unit]) for (factor, _), (n, unit) in zip(found, windows, strict=True)]
        ours = [
            (round(alert.factor(row["period_days"]), 9), length)
            for alert in policy.alerts
            for length in (alert.short_minutes, alert.long_minutes)
        ]
        assert told == ours
