"""Work ends with a signal, whatever it is at, and what it started with it."""

import signal
import subprocess
import sys
from contextvars import ContextVar

import psutil
import pytest

from orchestration.interruption import interruptible

# Work that never ends by itself: it takes whatever is raised in it for nothing, as some libraries do.
STUBBORN = """
import os, subprocess, sys, time
from contextlib import suppress
from governance.errors import Interrupted
from orchestration.interruption import interruptible

def work():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    print(child.pid, flush=True)
    while True:
        with suppress(BaseException):
            time.sleep(600)

try:
    interruptible(work)
except Interrupted as error:
    print(error, file=sys.stderr, flush=True)
    os._exit(error.exit_code)
"""
told = ContextVar("told", default="nothing")


def test_what_work_makes_or_raises_is_handed_on() -> None:
    told.set("something")
    assert interruptible(told.get) == "something"
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_work_and_the_processes_it_started(number: signal.Signals) -> None:
    words = [sys.executable, "-c", STUBBORN]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "interrupted; the next `feedback run` goes on where this one was\n"
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone == [child]
