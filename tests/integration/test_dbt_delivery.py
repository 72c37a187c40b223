"""Changes, failures, friction and bands say what a record-by-record count in plain Python says."""

from __future__ import annotations

import pytest

from tests.integration.delivery_figures import RECOUNTS, Figures
from tests.integration.delivery_world import generated
from tests.integration.reading import differing, rows_of
from tests.integration.recounting import assert_recounted

SEEDS = [range(5), pytest.param(range(100, 150), marks=pytest.mark.deep)]


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seeds: f"{len(seeds)} seeds")
def world(request, tmp_path_factory):
    made = generated(request.param)
    return Figures(made), made.built(tmp_path_factory.mktemp("delivery"))


def test_changes_are_timed(world):
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_changes", "source", "pull_request_id"), figures.changes) == []


def test_incidents_are_put_down_to_deployments(world):
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_incidents", "source", "incident_id"), figures.incidents) == []


def test_deployments_and_their_failures_are_counted(world):
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_deployments", "source", "deployment_id"), figures.fct_deployments) == []


def test_builds_are_timed(world):
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_ci_runs", "source", "ci_run_id", "attempt"), figures.ci_runs) == []


def test_friction_is_counted_by_day(world):
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_friction_daily", "service", "event_date"), figures.friction) == []


def test_performance_is_measured(world):
    figures, warehouse = world
    found = rows_of(warehouse, "rpt_delivery_performance", "service", "metric", "edition")
    expected = {
        (*key, edition): {"frequency": None, "unknown_count": 0, "open_count": 0, **row}
        for key, row in figures.performance().items()
        for edition in (2021, 2023)
    }
    assert differing(found, expected) == []


def test_the_worlds_show_every_branch(world):
    figures, warehouse = world
    told = rows_of(warehouse, "fct_changes", "source", "pull_request_id").values()
    assert {row["deployment_ground"] for row in told} == {"named_commit", "later_commit", "next_deployment", None}
    assert {row["no_deploy_reason"] for row in told} == {"open", "not_merged_yet", "not_merged", "wrong_order", None}
    assert {row["no_pickup_reason"] for row in told} == {"open", "draft", "no_review", "wrong_order", None}
    assert {row["waiting_for"] for row in told} == {"review", "merge", "deployment", None}
    incidents = rows_of(warehouse, "fct_incidents", "source", "incident_id").values()
    assert {row["no_attribution_reason"] for row in incidents} == {
        *("named_deployment_unknown", "service_unknown", "start_unknown"),
        *("no_deployment_before", "too_long_before", None),
    }
    assert {row["no_time_to_recover_reason"] for row in incidents} >= {"not_attributed", "open", None}
    assert {row["incident_count"] for row in figures.fct_deployments.values()} >= {0, 1, 2}
    assert {row["frequency"] for row in figures.performance().values() if row.get("frequency")} >= {"weekly", "monthly"}


@pytest.mark.parametrize("name", RECOUNTS)
def test_the_metric_says_what_a_recount_says(world, name):
    figures, warehouse = world
    assert_recounted(warehouse, name, RECOUNTS[name], figures)
