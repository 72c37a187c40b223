"""Running again changes nothing, and a run that was killed is repaired by running again."""

import os
import random
import signal
import subprocess

import pytest


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
