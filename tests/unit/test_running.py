"""What a run does one after the other, and when processes are started for what it will have to do."""

import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime

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


def test_a_run_receives_and_brings_all_days_up_to_date_before_it_shows_the_result(tmp_path, monkeypatch):
    steps = []

    @contextmanager
    def reading(*_):
        with subprocess.Popen([sys.executable, "-c", ""]) as child:
            child.wait()
            yield child

    @contextmanager
    def executing(*_, **__):
        yield lambda name, *_: steps.append(name)

    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FEEDBACK_INBOX", "")
    for name, stand_in in (
        ("_reading_ahead", reading),
        ("_steps", executing),
        ("check_access", lambda _: steps.append("access")),
        ("_bring_up_to_date", lambda execute, as_of: execute("refresh_days")),
        ("_show_result", lambda: steps.append("shown")),
    ):
        monkeypatch.setattr(running, name, stand_in)
    assert running.run_flow(tmp_path, datetime(2026, 3, 1, tzinfo=UTC), is_plain=True) == 0
    assert steps == ["access", "receive", "refresh_days", "shown"]
