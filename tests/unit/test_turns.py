"""A build that was begun early opens the warehouse when it is its turn."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.errors import FeedbackError
from orchestration import turns

WAITING = "from orchestration.turns import wait; wait()"
RUN = """
import subprocess, sys
from pathlib import Path
from orchestration.turns import hold
hold(Path(sys.argv[1]))
subprocess.Popen([sys.executable, "-c", sys.argv[2]], stderr=subprocess.DEVNULL)
print("begun", flush=True)
input()
"""


def begin(folder: Path) -> subprocess.Popen[bytes]:
    held = os.environ | {turns.HELD: str(folder)}
    return subprocess.Popen([sys.executable, "-c", WAITING], env=held, stderr=subprocess.DEVNULL)


def test_a_build_that_nobody_holds_goes_on_at_once() -> None:
    turns.wait()


@pytest.mark.parametrize(("then", "code"), [(turns.give, 0), (shutil.rmtree, 1)])
def test_a_build_that_is_held_waits_until_it_is_given_its_turn_or_its_folder_is_gone(
    tmp_path: Path, then: Callable[[Path], object], code: int
) -> None:
    folder = tmp_path / "models-1"
    turns.hold(folder)
    with begin(folder) as build:
        with pytest.raises(subprocess.TimeoutExpired):
            build.wait(1)
        then(folder)
        assert build.wait(10) == code


def test_a_build_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RUN, str(tmp_path / "models-1"), WAITING]
    held = os.environ | {turns.HELD: str(tmp_path / "models-1")}
    with subprocess.Popen(words, env=held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"begun\n"
        run.kill()
        assert run.communicate(timeout=10) == (b"", None)  # once the build, which has the same output, has ended too


def test_a_build_does_not_wait_for_a_process_that_did_not_begin_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models-1"
    turns.hold(folder)
    (folder / "waits_for").write_text(str(os.getppid()))
    with begin(folder) as build:
        assert build.wait(10) == 1
    (folder / "waits_for").write_text(str(os.getpid()))  # this process is no parent of itself
    monkeypatch.setenv(turns.HELD, str(folder))
    with pytest.raises(FeedbackError, match="the run that began this build has ended; `feedback run` begins another"):
        turns.wait()


def test_a_build_is_held_while_the_process_that_gives_it_its_turn_lives(tmp_path: Path) -> None:
    folder = tmp_path / "models-1"
    assert not turns.is_held(folder)
    turns.hold(folder)
    assert turns.is_held(folder)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (folder / "waits_for").write_text(str(ended.pid))
    assert not turns.is_held(folder)
    turns.hold(folder)
    turns.give(folder)
    assert not turns.is_held(folder)
