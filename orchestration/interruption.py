"""Ctrl-C and SIGTERM end work at once and whole, whatever code they meet.

Python raises a signal's exception in the main thread, in the middle of whatever runs there. Libraries make of it what
they like: raised inside DuckDB it was lost, and the run went on, or left the lock of all imports held, and the run hung
for ever. So the work is done in a thread of its own, where no signal reaches it, and the main thread only waits.
"""

from __future__ import annotations

import contextvars
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import psutil

from governance.errors import Interrupted

T = TypeVar("T")

_SECONDS, _STDERR = 0.1, 2


def interruptible(work: Callable[[], T]) -> T:
    """The result of `work`, or what it raises.

    Raises:
        Interrupted: a signal came. The processes that were started for the work are gone; the work itself may be in the
            middle of something until this process ends, which must be at once: see `cli.main`.
    """
    done: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            done.set_result(context.run(work))
        except BaseException as error:
            done.set_exception(error)

    with _terminated_alike(), _own_stderr() as restore_stderr:
        threading.Thread(target=run, daemon=True).start()
        try:
            while not wait([done], _SECONDS).done:  # polars' handler of signals lets a longer one go on
                pass
            return done.result()
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
            for process in psutil.Process().children(recursive=True):
                process.kill()
            restore_stderr()
            raise Interrupted("interrupted; the next `feedback run` goes on where this one was") from None


@contextmanager
def _own_stderr() -> Iterator[Callable[[], object]]:
    """A block in which what it gives makes stderr what it is now: Dagster sends that of a step to a file."""
    own = os.dup(_STDERR)
    try:
        yield lambda: os.dup2(own, _STDERR)
    finally:
        os.close(own)


@contextmanager
def _terminated_alike() -> Iterator[None]:
    """A block in which SIGTERM does what Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # no signal is raised in another
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
