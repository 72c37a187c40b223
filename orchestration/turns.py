"""Whose turn it is to open the warehouse: a build of the models that was begun early waits until the lake is loaded."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from governance.errors import FeedbackError

_FILE = "waits_for"  # in the folder of the build: the process that gives it its turn


def hold(folder: Path) -> None:
    """Let the build that this process will begin in the folder wait."""
    folder.mkdir(parents=True, exist_ok=True)  # of a run that goes on in another process
    (folder / _FILE).write_text(str(os.getpid()))


def give(folder: Path) -> None:
    """Let the build in the folder go on."""
    (folder / _FILE).unlink()


def wait(folder: Path) -> None:
    """Return when this process, a build in the folder, may go on: at once, where nobody holds it.

    Raises:
        FeedbackError: the process that it waits for has ended.
    """
    with suppress(FileNotFoundError):
        while int((folder / _FILE).read_text()) == os.getppid():
            time.sleep(0.01)
        raise FeedbackError(f"{folder}: the run that began this build has ended; `feedback run` begins another")
