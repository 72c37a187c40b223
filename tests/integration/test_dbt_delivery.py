"""Changes, failures, friction and bands say what a record-by-record count in plain Python says."""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import datetime

import pytest

from tests.integration.delivery_figures import Figures, nearest_rank
from tests.integration.delivery_world import generated
from tests.integration.reading import asked, differing, product_limit, rows_of

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
        *("named_deployment_unknown", "service_unknown", "no_deployment_before", None),
    }
    assert {row["no_time_to_recover_reason"] for row in incidents} >= {"not_attributed", "open", None}
    assert {row["incident_count"] for row in figures.fct_deployments.values()} >= {0, 1, 2}
    assert {row["frequency"] for row in figures.performance().values() if row.get("frequency")} >= {"weekly", "monthly"}


def periods(moment_of, rows):
    """Rows by month and service, of those that have a time."""
    found = defaultdict(list)
    for row in rows:
        if (moment := row[moment_of]) is not None:
            found[(moment.date() if isinstance(moment, datetime) else moment).replace(day=1), row["service"]].append(
                row
            )
    return found


def told(rows, column):
    return [row[column] for row in rows if row[column] is not None]


def survived(rows, ended, going_on, is_open):
    times = [(row[ended], True) for row in rows if row[ended] is not None]
    times += [(row[going_on], False) for row in rows if is_open(row) and row[going_on] is not None]
    return product_limit(times, 0.5) if any(is_event for _, is_event in times) else "none ended"


def share(rows, column, is_hit):
    known = told(rows, column)
    return sum(map(is_hit, known)) / len(known) if known else None


RECOUNTED = {
    "lead_time_median": ("changes", "deployed_at", lambda rows: median_of(told(rows, "lead_time_minutes"))),
    "lead_time_p90": (
        "changes", "deployed_at",
        lambda rows: nearest_rank(known, 90) if (known := told(rows, "lead_time_minutes")) else None,
    ),
    "lead_time_coverage": ("changes", "deployed_at", lambda rows: len(told(rows, "lead_time_minutes")) / len(rows)),
    "deploy_time_median": ("changes", "deployed_at", lambda rows: median_of(told(rows, "deploy_minutes"))),
    "review_wait_median": (
        "changes", "created_at",
        lambda rows: survived(rows, "pickup_minutes", "waiting_minutes", lambda row: row["waiting_for"] == "review"),
    ),
    "change_failure_rate": ("fct_deployments", "finished_at", lambda rows: share(rows, "incident_count", bool)),
    "time_to_recover_median": (
        "incidents", "detected_at",
        lambda rows: survived(rows, "time_to_recover_minutes", "unrecovered_minutes", lambda row: True),
    ),
    "ci_wait_median": (
        "ci_runs", "waiting_since",
        lambda rows: survived(rows, "wait_minutes", "open_minutes", lambda row: row["is_open"]),
    ),
    "failed_build_ratio": ("ci_runs", "waiting_since", lambda rows: share(rows, "is_failed", bool)),
    "retried_build_ratio": ("ci_runs", "waiting_since", lambda rows: share(rows, "is_retry", bool)),
    "deployments": ("days", "event_date", lambda rows: sum_of(told(rows, "deployment_count"))),
    "deployment_frequency": ("days", "event_date", lambda rows: weekly(rows)),
    "errors_per_active_account": ("days", "event_date", lambda rows: per_account(rows, "error_count", 1)),
    "slow_requests_per_active_account": ("days", "event_date", lambda rows: per_account(rows, "slow_count", 1)),
    "tickets_per_1000_active_accounts": ("days", "event_date", lambda rows: per_account(rows, "ticket_count", 1000)),
}  # fmt: skip


def median_of(values):
    return statistics.median(values) if values else None


def sum_of(values):
    return sum(values) if values else None


def weekly(rows):
    """Median of days with a deployment over the complete weeks among the rows; no row without one."""
    weeks = defaultdict(list)
    for row in rows:
        if row["deployment_count"] is not None:
            weeks[row["event_date"].isocalendar()[:2]].append(row["deployment_count"] > 0)
    return median_of([sum(days) for days in weeks.values() if len(days) == 7]) if weeks else "none ended"


def per_account(rows, column, factor):
    known = [row for row in rows if row["active_account_count"] and row[column] is not None]
    accounts = sum(row["active_account_count"] for row in known)
    return sum(row[column] for row in known) * factor / accounts if accounts else None


@pytest.mark.parametrize("name", RECOUNTED)
def test_the_metric_says_what_a_recount_says(world, name):
    figures, warehouse = world
    source, moment, recount = RECOUNTED[name]
    days = [{"service": key[0], "event_date": key[1], **row} for key, row in figures.friction.items()]
    rows = days if source == "days" else getattr(figures, source).values()
    expected = {key: recount(of_period) for key, of_period in periods(moment, rows).items()}
    if name == "deployment_frequency":  # a month without a complete week has no row
        expected = {key: value for key, value in expected.items() if value is not None}
    found = asked(warehouse, name, "service", grain="month")
    assert found == {key: value if value is None else pytest.approx(value, abs=2e-6)
                     for key, value in expected.items() if value != "none ended"}  # fmt: skip
    assert any(value is not None for value in found.values())
