"""What a user waits for after the installation: `make run`, and the code location before anything can run.

`python -m tests.bench.start` prints both. The commands are those of the Makefile, over a deployment of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from orchestration.settings import PROJECT, QUIET
from tests.bench.measure import Measure, print_lines

_LOADING = ("-W", "ignore", "-c", "from orchestration.definitions import defs; defs()")
_MOST_RUN_SECONDS, _MOST_LOAD_SECONDS, _LOADS = 60.0, 4.0, 3


def starting() -> Iterator[Measure]:
    """Seconds of `feedback simulate` and `feedback run` in an empty deployment, and of loading the code location."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        _seconds(home, "-m", "orchestration.preparing")  # as the installation does once
        simulating, running = (_seconds(home, "-m", "orchestration.cli", word) for word in ("simulate", "run"))
        loading = min(_seconds(home, *_LOADING) for _ in range(_LOADS))
    yield Measure("simulating", simulating, None, "s")
    yield Measure("the run over it", running, None, "s")
    whole = simulating + running
    yield Measure("`make run` after installation", whole, None, "s", "<= 60", whole <= _MOST_RUN_SECONDS)
    met = loading <= _MOST_LOAD_SECONDS
    yield Measure(f"loading the code location, best of {_LOADS}", loading, None, "s", "<= 4", met)


def _seconds(home: Path, *words: str) -> float:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FEEDBACK_", "DAGSTER_"))}
    environment = {**inherited, **QUIET, "FEEDBACK_HOME": str(home)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, cwd=PROJECT, env=environment, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the measures."""
    print_lines(starting())


if __name__ == "__main__":
    main()
