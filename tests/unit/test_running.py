"""When processes are started for what a run will have to do."""

import subprocess
import sys

import pytest

from orchestration import running


@pytest.mark.parametrize(
    ("has_history", "is_reading", "starts"),
    [
        (False, True, True),
        (False, False, False),  # there was little to read
        (True, True, False),  # what was received before is looked through: for one more day it is not worth them
        (True, False, False),
    ],
)
def test_a_first_run_starts_processes_while_its_inbox_is_read(has_history, is_reading, starts, tmp_path, monkeypatch):
    started = []
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    monkeypatch.setattr(running.workers, "start", started.append)
    if has_history:
        (tmp_path / "lake" / "checked").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as reading:
        if not is_reading:
            reading.communicate(b"\n")
        running._start_early(reading)
        reading.kill()
    assert started == ([running.load_engines] if starts else [])
