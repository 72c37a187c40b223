"""What the simulated company planned of its changes is what the marts find in the answers of its code host."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from orchestration.simulation.calendar import Window, iso
from orchestration.simulation.canaries import make_planter
from orchestration.simulation.changes import write_deployments
from orchestration.simulation.code_host import write_changes
from orchestration.simulation.pull_requests import plan_changes
from orchestration.simulation.rollouts import plan_rollouts
from orchestration.simulation.scenario import load_scenario
from orchestration.simulation.truth import Truth
from tests.integration.delivery_world import built
from tests.integration.pain_point_world import AS_OF, LAST_DAY, lake_of
from tests.integration.reading import differing, rows_of

SEEDS = [range(1, 6), pytest.param(range(200, 250), marks=pytest.mark.deep)]
_OWN = ("service", "repository", "pull_request_id", "deployment_id", "sha", "head_sha", "merge_commit_sha", "record_id",
        "run_id")  # fmt: skip


def when(ns):
    """A moment as the code host tells it, in whole seconds."""
    return None if ns is None else datetime.fromisoformat(iso(ns))


def minutes(earlier, later):
    return round((later - earlier).total_seconds() / 60, 6) if earlier and later and later >= earlier else None


def first_with(change, rollouts):
    """The rollout it was planned for, or the next one of its service that went well."""
    own = [one for one in rollouts if one.service == change.service]
    planned = next((place for place, one in enumerate(own) if one.id == change.deployment), len(own))
    return next((one for one in own[planned:] if one.is_success), None)


def planned(seed, change, rollouts):
    deployed = first_with(change, rollouts)
    begun, opened, merged = (
        when(ns) for ns in (change.commits[0].at_ns, change.opened_ns, change.closed_ns if change.merge_sha else None)
    )
    others = [review.at_ns for review in change.reviews if review.reviewer != change.author]
    reviewed, finished = when(min(others, default=None)), when(deployed and deployed.finished_ns)
    stages = (minutes(begun, opened), minutes(opened, reviewed), minutes(reviewed, merged), minutes(merged, finished))
    return {
        "deployment_id": deployed and f"{seed}-{deployed.id}",
        "status": "merged" if merged else "open" if change.closed_ns is None else "closed",
        **dict(zip(("coding_minutes", "pickup_minutes", "review_minutes", "deploy_minutes"), stages, strict=True)),
        "lead_time_minutes": None if None in stages else minutes(begun, finished),
    }


def of_seed(frame, seed):
    """Records with names and ids of their own, to stand beside those of other seeds."""
    names = [name for name in _OWN if name in frame.columns]
    return frame.with_columns(pl.format("{}-{}", pl.lit(str(seed)), name).alias(name) for name in names)


@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"{len(seeds)} seeds")
def test_changes_arrive_as_planned(seeds, tmp_path):
    scenario, window = load_scenario("default"), Window(LAST_DAY, 42)
    tables, expected, builds = {}, {}, {}
    for seed in seeds:
        truth = Truth("", seed, str(window.first), str(window.end), window.days, 1.0)
        planter = make_planter(scenario, window, seed, truth)
        rollouts = plan_rollouts(scenario, window, seed)
        changes = plan_changes(rollouts, (), window, seed)
        write_deployments(tmp_path / str(seed), rollouts, window, planter, truth)
        write_changes(tmp_path / str(seed), changes, window, planter, truth)
        for signal, frames in lake_of(tmp_path / str(seed)).items():
            tables.setdefault(signal, []).extend(of_seed(frame, seed) for frame in frames)
        for change in changes:
            expected[f"{seed}-shop/{change.service}#{change.number}",] = planned(seed, change, rollouts)
        runs = [run for change in changes for run in change.runs]
        builds[seed] = (sum(r.conclusion == "failure" for r in runs), sum(r.attempt > 1 for r in runs), len(runs))
    warehouse = built(tmp_path, tables, as_of=AS_OF)
    assert differing(rows_of(warehouse, "fct_changes", "pull_request_id"), expected) == []
    told = rows_of(warehouse, "fct_ci_runs", "ci_run_id", "attempt")
    for seed, counts in builds.items():
        own = [row for (run, _), row in told.items() if run.startswith(f"{seed}-")]
        found = (sum(bool(row["is_failed"]) for row in own), sum(row["is_retry"] for row in own), len(own))
        assert found == counts
    assert {row["deployment_id"] is None for row in expected.values() if row["status"] == "merged"} == {True, False}
