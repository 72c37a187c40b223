"""The stages over generated telemetry in a process that is killed in each of them, and again to the end.

`python -m tests.killed_flow 1000000` does it over so many events and says what differs from an undisturbed run; it
fails where anything does. Parts are small, so that every day is in many. The process asks before each stage, so that
each is killed while it works: at a random moment of what the undisturbed run took, or at its end if that comes first.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from governance.keys import Keyring
from governance.sampling import load_sampling_policy
from orchestration.lake import Lake
from orchestration.settings import PROJECT
from orchestration.stages import landing, workers
from orchestration.stages.engines import load_engines
from tests.bench.events import write_events
from tests.bench.stages import NAMES, Telemetry, stages

FIRST, DAYS = date(2026, 11, 1), 2
AS_OF = datetime.combine(FIRST + timedelta(days=DAYS), datetime.min.time(), UTC)
_PARTS_A_DAY = 10
_KEYS = Keyring(b"some key for what is killed here", b"another key for what is killed..")
_DONE = "done"


@dataclass(frozen=True)
class Kill:
    """Where a run ended: in this stage, so many seconds after it began."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class Scene:
    """An inbox of so many events and what an undisturbed run made of it; `seconds` of each of its stages."""

    root: Path
    events: int
    seconds: Mapping[str, float]

    @property
    def undisturbed(self) -> Lake:
        return Lake(self.root / "undisturbed")


def prepared(root: Path, events: int) -> Scene:
    """Write the inbox and run undisturbed."""
    write_events(root / "inbox" / "otel", events=events, first=FIRST, days=DAYS)
    return Scene(root, events, _run(root, events, root / "undisturbed"))


def killed_in_every_stage(scene: Scene, seed: int) -> tuple[Lake, list[Kill]]:
    """A lake whose run was killed in the first stage, run again and killed in the second, ..., then run to its end."""
    chance, lake, kills = Random(seed), scene.root / f"killed-{seed}", []
    for stage in NAMES:
        wait = chance.uniform(0, scene.seconds[stage])
        ran = _run(scene.root, scene.events, lake, kill_in=stage, wait=wait)
        kills.append(Kill(stage, ran[stage]))
    _run(scene.root, scene.events, lake)
    return Lake(lake), kills


def differences(expected: Lake, found: Lake) -> Iterator[str]:
    """What one of the two lakes has and the other has not, table by table; nothing where all rows are the same.

    Files are named by their content: only those that differ are read.
    """
    keys = set(expected.keys("")) | set(found.keys(""))
    for key in sorted(keys):
        one, other = expected.manifest(key), found.manifest(key)
        if one is None or other is None:
            yield f"{key}: only in one of them"
            continue
        if one.counts != other.counts:
            yield f"{key}: counts differ"
        if one.tables.keys() != other.tables.keys():
            yield f"{key}: tables differ"
            continue
        for name in one.tables:
            if one.tables[name].sha256 != other.tables[name].sha256 and not _same_rows(expected, found, key, name):
                yield f"{key}/{name}: rows differ"


def _same_rows(expected: Lake, found: Lake, key: str, name: str) -> bool:
    one, other = (_sorted(lake, key, name) for lake in (expected, found))
    return one.equals(other)


def _sorted(lake: Lake, key: str, name: str) -> pl.DataFrame:
    manifest = lake.manifest(key)
    assert manifest is not None
    rows = pl.read_parquet(lake.root / key / manifest.tables[name].file)
    return rows.sort(pl.all().exclude(pl.List)).select(sorted(rows.columns))


def _run(root: Path, events: int, lake: Path, *, kill_in: str = "", wait: float = 0.0) -> dict[str, float]:
    """Run the stages in a process of its own; the seconds of each that began.

    Raises:
        CalledProcessError: it ended on its own before it was done.
    """
    command = [sys.executable, "-m", "tests.killed_flow", str(events), "--inbox", root / "inbox", "--lake", lake]
    child = subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    seconds: dict[str, float] = {}
    started, stage = time.monotonic(), ""
    while line := child.stdout.readline().decode().strip():
        if stage:
            seconds[stage] = time.monotonic() - started
        if line == _DONE:
            break
        started, stage = time.monotonic(), line
        child.stdin.write(b"\n")
        if stage == kill_in:
            select.select([child.stdout], [], [], wait)
            os.killpg(child.pid, signal.SIGKILL)
            seconds[stage] = time.monotonic() - started
            break
    child.stdin.close()
    child.stdout.close()
    if child.wait() not in (0, -signal.SIGKILL if kill_in else 0):
        raise subprocess.CalledProcessError(child.returncode, command)
    return seconds


def _go(given: Namespace) -> None:
    """Run the stages, each once there is a line to read; with processes beside this one also where events are few."""
    landing.PART_ROWS = max(100, given.events // DAYS // _PARTS_A_DAY)
    days = [(FIRST + timedelta(days=offset)).isoformat() for offset in range(DAYS)]
    telemetry = Telemetry(given.inbox, Lake(given.lake), _KEYS, days, AS_OF)
    workers.start(load_engines)
    for name, work in stages(telemetry, load_sampling_policy()).items():
        print(name, flush=True)
        sys.stdin.readline()
        work()
    print(_DONE, flush=True)


def main() -> None:
    """Kill runs over so many events and compare; with an inbox and a lake: be what is killed."""
    arguments = ArgumentParser(prog="python -m tests.killed_flow")
    arguments.add_argument("events", type=int)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--inbox", type=Path)
    arguments.add_argument("--lake", type=Path)
    given = arguments.parse_args()
    if given.lake:
        _go(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        scene = prepared(Path(folder), given.events)
        print("undisturbed:", ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in scene.seconds.items()))
        found, kills = killed_in_every_stage(scene, given.seed)
        print("killed:", ", ".join(f"{kill.stage} after {kill.seconds:.1f} s" for kill in kills))
        different = list(differences(scene.undisturbed, found))
        print("\n".join(different) or f"{len(found.keys('')):,} partitions: nothing differs")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
