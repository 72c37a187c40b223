"""Whose turn it is to open the warehouse: a build of the models that was begun early waits until the lake is loaded.

It waits for what the run that began it writes into a file of the build's folder, and ends without that: a build that
went on by itself would read a lake that is being loaded.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

from governance.errors import FeedbackError

# Tells a build that it is held, and in which folder; any other build goes on at once.
HELD = "FEEDBACK_BUILD_WAITS_IN"
_FILE, _GO = "waits_for", "nobody"  # the file tells the process that gives the turn, in the end nobody


def hold(folder: Path) -> None:
    """Let the build that this process will begin in the folder, with HELD in its environment, wait."""
    folder.mkdir(parents=True, exist_ok=True)  # of a run that goes on in another process
    (folder / _FILE).write_text(str(os.getpid()))


def give(folder: Path) -> None:
    """Let the build in the folder go on."""
    turn = folder / f"{_FILE}.next"
    turn.write_text(_GO)
    turn.rename(folder / _FILE)  # in one step: what is half written means nothing


def is_held(folder: Path) -> bool:
    """Whether a process that lives holds the build in the folder."""
    holder = _holder(folder)
    return holder.isdigit() and psutil.pid_exists(int(holder))


def wait() -> None:
    """Return when this process, a build, may go on: at once, where nobody holds it.

    Raises:
        FeedbackError: the process that it waits for has ended, or its folder is gone.
    """
    folder = Path(os.environ.get(HELD, ""))
    while HELD in os.environ and (holder := _holder(folder)) != _GO:
        if holder != str(os.getppid()):
            raise FeedbackError(f"{folder}: the run that began this build has ended; `feedback run` begins another")
        time.sleep(0.01)


def _holder(folder: Path) -> str:
    with suppress(FileNotFoundError):
        return (folder / _FILE).read_text()
    return ""
