"""What one more day costs when a year is there, against one when a day is: the whole of `feedback run`, dbt included.

`python -m tests.bench.history 365` prints it. One day of the simulated company goes through all stages; the year before
it is that day's partitions with their dates and ids moved, so that filling it takes seconds a month and not hours. A
year takes ten minutes on two cores.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import polars as pl

from orchestration.lake import Lake
from orchestration.settings import PROJECT
from orchestration.simulation.run import simulate
from orchestration.simulation.scenario import load_scenario
from orchestration.stages.restating import KEY as FIGURES
from tests.bench.measure import Measure, print_lines

LAST = date(2026, 11, 22)
# New days, each of them in both deployments: of the same run, one took 38.6 s and the next 43.3 s.
TURNS = 5
# What a year-old deployment still has, in the order it is made: state -> days it is kept.
_KEPT = {"anonymized": 90, "quarantine": 90, "checked": 400, "traits": 400, "rollups": 400, "sampled": 400}
_NANOSECONDS_A_DAY = 86_400 * 10**9
# Records, traces, tickets, deployments and incidents of another day are others.
_IDS = ("record_id", "ticket_id", "deployment_id", "incident_id")


def history(days: int = 365, scale: float = 1.0) -> Iterator[Measure]:
    """The seconds of a run over one new day after `days` days, beside the same run after a single day."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        first = _inbox(root / "first", LAST - timedelta(days=1), scale)
        young, old = root / "young", root / "old"
        _run(young, first, LAST)
        shutil.copytree(young, old)
        fill(Lake(old / "lake"), LAST - timedelta(days=1), days - 1)
        # What was published of the one day, as if nothing had been: a year that came day by day was not restated whole.
        Lake(old / "lake").remove(FIGURES)
        _run(old, first, LAST)  # the history is built once
        runs, models = dict[Path, list[float]](), dict[Path, list[float]]()
        for day in (LAST + timedelta(days=number) for number in range(TURNS)):
            inbox = _inbox(root / day.isoformat(), day, scale)
            for home in (young, old):
                runs.setdefault(home, []).append(_run(home, inbox, day + timedelta(days=1)))
                models.setdefault(home, []).append(sum(_dbt_seconds(home).values()))
    later, second = statistics.median(runs[old]), statistics.median(runs[young])
    name = f"one more day after {days} days (stock: after one), median of {TURNS}"
    yield Measure(name, later, second, "s", "<= 1.2x", later <= 1.2 * second)
    name += ", models and their tests alone"
    yield Measure(name, statistics.median(models[old]), statistics.median(models[young]), "s")


def fill(lake: Lake, day: date, days: int) -> None:
    """The `days` days before `day`, oldest first, with what `day` has; each names its inputs by their digests."""
    for ago in range(days, 0, -1):
        for state, kept in _KEPT.items():
            if ago < kept:
                for key in lake.keys(state):
                    if key.endswith(day.isoformat()):
                        _copy(lake, key, day, ago)


def _copy(lake: Lake, key: str, day: date, ago: int) -> None:
    manifest = lake.manifest(key)
    if manifest is None:
        raise FileNotFoundError(key)
    moved = {name: _moved(name, day, ago) for name in (key, *manifest.inputs)}
    pulled_at = datetime.combine(day - timedelta(days=ago - 1), datetime.min.time(), UTC)
    inputs = lake.digests([moved[name] for name in manifest.inputs])
    with lake.replace(
        moved[key], as_of=pulled_at, inputs=inputs, policy=manifest.policy, key_id=manifest.key_id
    ) as out:
        for table in manifest.tables:
            out.write(table, _shifted(lake.read(key, table), ago))
        out.counts, out.facts = dict(manifest.counts), dict(manifest.facts)


def _moved(key: str, day: date, ago: int) -> str:
    """The key so many days earlier; one without a day stays."""
    front, _, last = key.rpartition("/")
    try:
        return f"{front}/{date.fromisoformat(last) - timedelta(days=ago)}"
    except ValueError:
        return key


def _shifted(frame: pl.DataFrame, ago: int) -> pl.DataFrame:
    earlier = [pl.col(name) - timedelta(days=ago) for name, kind in frame.schema.items() if kind.is_temporal()]
    ids = [pl.col(name) + f"-{ago}" for name in _IDS if name in frame.columns]
    # The gate looks again at days whose neighbours are new, and sets aside a trace whose id is none.
    traces = [pl.col(name).str.replace("^.{5}", f"{ago:05x}") for name in frame.columns if name == "trace_id"]
    nanoseconds = [
        pl.col(name) - ago * _NANOSECONDS_A_DAY for name in frame.columns if name.endswith("_unix_nano")
    ]  # fmt: skip
    return frame.with_columns(*earlier, *ids, *traces, *nanoseconds)


def _inbox(folder: Path, day: date, scale: float) -> Path:
    """A company that lives for this day alone; what its code host numbers goes on from day to day."""
    inbox = folder / "inbox"
    simulate(load_scenario("default"), seed=day.toordinal(), end=day, days=1, scale=scale, out=inbox)
    for file in inbox.glob("github/*.json"):
        numbered = re.sub(r'"(id|number)": ?(\d+)', rf'"\1": {day.toordinal()}\2', file.read_text())
        file.write_text(numbered)
    return inbox


def _run(home: Path, inbox: Path, next_day: date) -> float:
    as_of = datetime.combine(next_day, datetime.min.time(), UTC)
    words = ["-m", "orchestration.cli", "run", "--plain", "--inbox", str(inbox), "--as-of", as_of.isoformat()]
    environment = {**os.environ, "FEEDBACK_HOME": str(home)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, cwd=PROJECT, env=environment, capture_output=True)
    return time.perf_counter() - started


def _dbt_seconds(home: Path) -> dict[str, float]:
    """Seconds of each model and test of the last build."""
    results = orjson.loads(
        max((home / "dbt").rglob("run_results.json"), key=lambda file: file.stat().st_mtime).read_bytes()
    )
    return {result["unique_id"]: result["execution_time"] for result in results["results"]}


def main() -> None:
    """Print the measures, of so many days as given."""
    print_lines(history(int(sys.argv[1]) if len(sys.argv) > 1 else 365))


if __name__ == "__main__":
    main()
