"""A build that was begun early opens the warehouse when it is its turn."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from governance.errors import FeedbackError
from orchestration import turns

WAITING = "import sys; from pathlib import Path; from orchestration.turns import wait; wait(Path(sys.argv[1]))"


RUN = """
import subprocess, sys
from pathlib import Path
from orchestration.turns import hold
hold(Path(sys.argv[1]))
subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]], stderr=subprocess.DEVNULL)
print("begun", flush=True)
input()
"""


def begin(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WAITING, str(folder)], stderr=subprocess.DEVNULL)


def test_a_build_that_nobody_holds_goes_on_at_once(tmp_path: Path) -> None:
    turns.wait(tmp_path / "never-made")
    turns.wait(tmp_path)


def test_a_build_that_is_held_waits_until_it_is_given_its_turn(tmp_path: Path) -> None:
    folder = tmp_path / "models-1"
    turns.hold(folder)
    with begin(folder) as build:
        with pytest.raises(subprocess.TimeoutExpired):
            build.wait(1)
        turns.give(folder)
        assert build.wait(10) == 0


def test_a_build_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RUN, str(tmp_path / "models-1"), WAITING]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"begun\n"
        run.kill()
        assert run.communicate(timeout=10) == (b"", None)  # once the build, which has the same output, has ended too


def test_a_build_does_not_wait_for_a_process_that_did_not_begin_it(tmp_path: Path) -> None:
    folder = tmp_path / "models-1"
    turns.hold(folder)
    (folder / "waits_for").write_text(str(os.getppid()))
    with begin(folder) as build:
        assert build.wait(10) == 1
    (folder / "waits_for").write_text(str(os.getpid()))  # this process is no parent of itself
    with pytest.raises(FeedbackError, match="the run that began this build has ended; `feedback run` begins another"):
        turns.wait(folder)
