"""`make bench`: speed and memory as ratios within one run; machines are shared and noisy, so no absolute figure counts.

Each stage is measured against a yardstick taken in the same run: decoding the same bytes as JSON, stock Presidio on the
same lines, or the same stage at half the size (1.0 means it scales with its input).
"""

from __future__ import annotations

import json
import platform
import resource
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from governance.keys import load_keyring
from governance.privacy import anonymize, load_privacy
from governance.privacy.policy import SHIPPED_NAMES
from governance.quality import judge_days, load_gate, load_suite
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.rollups.spans import roll_up_spans
from orchestration.rollups.traits import find_traits, slow_thresholds
from orchestration.simulation import load_scenario, simulate
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import receive
from tests.bench.anonymising import measures
from tests.bench.measure import Measure
from tests.bench.quality import RECALLS

DAY = "2026-11-20"
AS_OF = datetime(2026, 11, 21, tzinfo=UTC)


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def landed(folder: Path, scale: float) -> tuple[Lake, Path]:
    """One day of the simulated company, landed."""
    inbox = folder / f"inbox-{scale}" / "files"
    simulate(load_scenario("default"), seed=1, end=date.fromisoformat(DAY), days=1, scale=scale, out=inbox)
    lake, source = Lake(folder / f"lake-{scale}"), load_sources()["otel"]
    receive(source, inbox, lake, load_keyring(folder / "keys"), AS_OF)
    for signal in source.signals:
        land_days(lake, source, signal, [DAY], AS_OF)
    return lake, inbox


def anonymising(*, is_quick: bool) -> dict[str, object]:
    """Print stock Presidio against ours; the same figures as data, with the versions they are of."""
    measured = list(measures(is_quick=is_quick))
    details = {corpus: [one for one in measured if one.name.startswith(f"{corpus}: ")] for corpus in RECALLS}
    by_type = [one for own in details.values() for one in own]
    _print("Anonymising: stock Presidio and ours, in one run", [one for one in measured if one not in by_type])
    for corpus, own in details.items():
        _print(f"{corpus.capitalize()} (90 % of the characters), by type", own, prefix=f"{corpus}: ")
    packages = ("presidio-analyzer", "presidio-anonymizer", "hyperscan", "polars", "numpy")
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    rows = [{**asdict(one), "ratio": one.ratio} for one in measured]
    return {"versions": versions, "name_model_bytes": SHIPPED_NAMES.stat().st_size, "measures": rows}


def _print(title: str, measured: list[Measure], prefix: str = "") -> None:
    table = Table(title=title)
    for heading in ("measure", "ours", "stock", "ratio", "goal", "met"):
        table.add_column(heading)
    for one in measured:
        shown = [f"{value:,.3g}" if value is not None else "" for value in (one.ours, one.stock, one.ratio)]
        met = {True: "yes", False: "NO", None: ""}[one.is_met]
        name = f"{one.name.removeprefix(prefix)} [{one.unit}]"
        table.add_row(name.replace("[", "\\["), *shown, one.goal, met)
    Console(width=max(120, Console().width)).print(table)


def main() -> None:
    """Print both tables; `--json FILE` keeps the first, `--quick` leaves out the second and memory (minutes)."""
    arguments = ArgumentParser(prog="python -m tests.bench")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    figures = anonymising(is_quick=given.quick)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))
    if not given.quick:
        stages()


def stages() -> None:
    """Print the ratios of the stages."""
    table = Table(title="make bench: ratios within this run")
    for heading in ("measure", "ratio", "meaning"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lake, inbox = landed(folder, 4.0)
        half, _ = landed(folder, 2.0)
        keys, privacy, sampling = load_keyring(folder / "keys"), load_privacy(), load_sampling_policy()

        files = list((inbox / "otel").glob("*.jsonl"))
        decode = seconds(lambda: [orjson.loads(line) for path in files for line in path.read_bytes().splitlines()])
        source = load_sources()["otel"]
        read = seconds(lambda: receive(source, inbox, Lake(folder / str(time.time_ns())), keys, AS_OF))
        table.add_row("receive / orjson decode", f"{read / decode:.1f}", "times the cost of only decoding the JSON")

        for name, work in {
            "anonymize": lambda one: anonymize(one.read(f"landing/otel/spans/{DAY}"), SIGNALS["spans"], privacy, keys),
            "gate": lambda one: judge_days(
                {DAY: one.read(f"landing/otel/spans/{DAY}").select(SIGNALS["spans"].schema.names())},
                SIGNALS["spans"],
                load_suite("spans"),
                load_gate(),
            ),
            "rollups": lambda one: _roll_up(one, sampling),
        }.items():
            whole, part = seconds(lambda work=work: work(lake)), seconds(lambda work=work: work(half))
            table.add_row(f"{name}: twice the rows", f"{whole / part:.2f}", "2.0 means it scales with its input")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.add_row("peak memory", f"{peak:,.0f} MiB", "of this process, all of the above")
    Console().print(table)


def _roll_up(lake: Lake, sampling: object) -> object:
    spans = lake.read(f"landing/otel/spans/{DAY}").select(SIGNALS["spans"].schema.names())
    traits = find_traits(spans, slow_thresholds(None, spans, sampling), sampling)
    return roll_up_spans(spans, traits, sampling.rollups)


if __name__ == "__main__":
    main()
