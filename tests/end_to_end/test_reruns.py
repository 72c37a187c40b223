"""Running again changes nothing, and a run that was killed is repaired by running again."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from orchestration import turns


def test_running_twice_changes_no_row(undisturbed, tmp_path):
    again = undisturbed.copy(tmp_path / "home")
    again.run()
    assert again.tables() == undisturbed.tables()
    with_origin = "select * from rpt_pain_points order by rank"
    assert again.rows(with_origin) == undisturbed.rows(with_origin)
    # It is in another place: its models were parsed when it was loaded, not in the run.
    logs = [path.read_text() for path in (again.root / "dbt").glob("models-*/dbt.log")]
    assert len(logs) >= 1
    assert not any("Unable to do partial parsing" in log for log in logs)


PAST = """
    select subject_kind, source, subject_id, state, owner_team, initiative_id, epoch(valid_from), epoch(valid_to)
    from fct_state_history order by all
"""
INITIATIVES = """
owner: platform@example.com
reason: A test.
initiatives:
  - id: sums
    title: Sums as booked
    owner: insights
    author: lead@example.com
    decided_on: 2026-11-16
    problems: [{service: export}]
"""


def owners_of_export(home):
    at = "strftime(valid_from at time zone 'UTC', '%H:%M')"
    return home.rows(f"select owner_team, {at} from fct_state_history where subject_id = 'export' order by valid_from")


def published_by(home):
    return {path.name: path.read_bytes() for path in (home.root / "published").iterdir()}


def test_past_states_are_those_that_were_published_and_outlive_the_warehouse(undisturbed, tmp_path):
    home = undisturbed.copy(tmp_path / "home")
    policies = tmp_path / "config" / "policies"
    policies.mkdir(parents=True)
    home.settings["FEEDBACK_CONFIG"] = str(policies.parent)
    (policies / "initiatives.yml").write_text(INITIATIVES)

    def run(hour, *, team="insights", access=None, check=True):
        owners = home.policy("owners")
        if team == "fulfilment":
            owners = owners.replace("[export, ", "[").replace("[shipping", "[export, shipping")
        (policies / "owners.yml").write_text(owners)
        (policies / "access.yml").write_text(access or home.policy("access"))
        return home.feedback("run", "--plain", "--as-of", f"2026-11-21T{hour}:00:00+00:00", check=check)

    # Fails on its rows alone, while publishing: before it, the file of leads is written.
    refused = home.policy("access").replace("fct_state_history: {}", "fct_state_history: {where: owner_team::int = 1}")
    seen = published_by(home)
    # Another owner at two, whom nobody got to see; the same day, at six, who had it at midnight.
    assert run("02", team="fulfilment", access=refused, check=False).returncode != 0
    assert published_by(home) == seen
    run("06")
    assert owners_of_export(home) == [("insights", "00:00")]
    run("09", team="fulfilment")
    assert owners_of_export(home) == [("insights", "00:00"), ("fulfilment", "09:00")]
    told = home.rows(PAST)
    assert {row[0] for row in told} == {"pain_point", "initiative", "service", "ticket"}
    (home.root / "warehouse" / "feedback.duckdb").unlink()
    run("09", team="fulfilment")
    assert home.rows(PAST) == told


def assert_a_killed_run_is_repaired(undisturbed, root, moment):
    """Kill the whole process group after `moment` of an undisturbed run's time, and run again."""
    victim = undisturbed.__class__(root, {})
    subprocess.run(["cp", "-r", undisturbed.root / "inbox", undisturbed.root / "keys", root], check=True)
    command = [victim.command, "run", "--plain", "--as-of", victim.as_of]
    child = subprocess.Popen(
        command, env=victim.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        child.wait(timeout=moment * undisturbed.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    victim.run()
    assert victim.tables() == undisturbed.tables()


@pytest.mark.parametrize("seed", range(2))
def test_a_run_killed_at_a_random_moment_is_repaired(undisturbed, tmp_path, seed):
    assert_a_killed_run_is_repaired(undisturbed, tmp_path, random.Random(seed).uniform(0.3, 0.95))


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.deep if seed < 5 else pytest.mark.exhaustive) for seed in range(2, 20)],
)
def test_runs_killed_at_many_moments_are_repaired(undisturbed, tmp_path, seed):
    assert_a_killed_run_is_repaired(undisturbed, tmp_path, random.Random(seed).uniform(0.05, 0.98))


def processes_of(home):
    """The processes that work for a deployment, whoever began them."""
    mark, found = f"FEEDBACK_HOME={home.root}".encode(), []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has just ended
            found += [environment.parent.name] if mark in environment.read_bytes().split(b"\0") else []
    return found


def builds_waiting(home):
    """The folders of builds that wait until the lake is loaded."""
    return list(filter(turns.is_held, home.root.glob("dbt/models-*")))


def until(is_so, seconds=60):
    """Wait for it."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGKILL, -signal.SIGKILL, ""), (signal.SIGINT, 130, "interrupted; the next `feedback run` goes on")],
)
def test_a_run_that_ends_while_its_models_wait_for_the_lake_leaves_no_process_and_is_repaired(
    undisturbed, tmp_path, number, code, said
):
    victim = undisturbed.copy(tmp_path / "home")
    (victim.root / "warehouse" / "feedback.duckdb").unlink()
    command = [victim.command, "run", "--plain", "--as-of", victim.as_of]
    with (
        (tmp_path / "said").open("w") as told,
        subprocess.Popen(command, env=victim.environment, stdout=subprocess.DEVNULL, stderr=told) as child,
    ):
        until(lambda: builds_waiting(victim) and len(processes_of(victim)) > 1)
        child.send_signal(number)  # and not to dbt, which was begun by it
        assert child.wait(30) == code
    until(lambda: not processes_of(victim), seconds=30)
    assert said in (tmp_path / "said").read_text()
    victim.run()
    assert builds_waiting(victim) == []
    assert victim.tables() == undisturbed.tables()


def test_two_runs_at_once_wait_for_each_other_and_end_as_one_does(undisturbed, tmp_path):
    home = undisturbed.copy(tmp_path / "home")
    command = [home.command, "run", "--plain", "--as-of", home.as_of]
    with (
        (tmp_path / "said").open("w") as told,
        subprocess.Popen(command, env=home.environment, stdout=subprocess.DEVNULL, stderr=told) as other,
    ):
        until(lambda: builds_waiting(home))
        home.run()
        assert other.wait(600) == 0, (tmp_path / "said").read_text()
    assert builds_waiting(home) == []
    assert home.tables() == undisturbed.tables()
