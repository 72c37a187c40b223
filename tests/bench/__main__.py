"""`make bench`: speed, memory and quality within one run; machines are shared, so ratios count more than times.

Anonymising is measured against stock Presidio on the same texts, the flow of all stages against DuckDB's plain
flattening of the same files, one more day of a year against the second, rollups and samples against exact figures.
Details come first, a table of all goals last.
"""

from __future__ import annotations

import json
import os
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from governance.privacy.policy import SHIPPED_NAMES
from tests.bench.anonymising import measures
from tests.bench.decisions import deciding
from tests.bench.estimates import RESAMPLES, estimates
from tests.bench.exactness import exactness
from tests.bench.flow import flow
from tests.bench.gate import gating
from tests.bench.history import history
from tests.bench.measure import Measure, print_goals, print_table
from tests.bench.quality import RECALLS
from tests.bench.start import starting
from tests.bench.templates import grouping

EVENTS, DAYS = (1_000_000, 10_000_000), 365


@dataclass(frozen=True)
class Section:
    """One part of the benchmark; `is_long` where it takes minutes.

    Attributes:
        name: what `--json` and the table of goals call it.
        title: of its own table.
    """

    name: str
    title: str
    measure: Callable[[], Iterable[Measure]]
    is_long: bool = True


def sections(given: Namespace) -> Iterator[Section]:
    """Every part but anonymising, in order."""
    yield Section("templates", "Log templates: collapsing alone (as stock) and with the tree", grouping, is_long=False)
    yield Section("decisions", "The decision record at a million entries", deciding)
    yield Section("gate", "The gate on a day of a million spans", gating)
    yield Section("start", "What a user waits for", starting)
    title = "From files to sampled rows: DuckDB's flattening (as stock) and ours, in one run"
    yield Section("flow", title, lambda: flow(given.events or EVENTS))
    title = "A run over one more day: after a single day (as stock) and after many"
    yield Section("history", title, lambda: history(given.days))
    yield Section("exactness", "Rollups against exact figures; traces and rows kept", exactness)
    yield Section("estimates", f"Intervals of estimates: {RESAMPLES:,} samples of one data set", estimates)


def _print_anonymising(measured: list[Measure]) -> list[Measure]:
    """Its tables; what of it belongs among the goals: a type of identifier is not, the worst of them is."""
    details = {corpus: [one for one in measured if one.name.startswith(f"{corpus}: ")] for corpus in RECALLS}
    by_type = [one for own in details.values() for one in own]
    whole = [one for one in measured if one not in by_type]
    print_table("Anonymising: stock Presidio and ours, in one run", whole)
    for corpus, own in details.items():
        print_table(f"{corpus.capitalize()} (90 % of the characters), by type", own, prefix=f"{corpus}: ")
    return whole


def _rows(measured: Iterable[Measure]) -> list[Mapping[str, object]]:
    return [{**asdict(one), "ratio": one.ratio} for one in measured]


def _about() -> dict[str, object]:
    packages = ("presidio-analyzer", "presidio-anonymizer", "hyperscan", "polars", "numpy", "duckdb")
    versions = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    return {"versions": versions, "name_model_bytes": SHIPPED_NAMES.stat().st_size}


def main() -> None:
    """Print the tables; `--json FILE` keeps their figures, `--quick` leaves out what takes minutes."""
    arguments = ArgumentParser(prog="python -m tests.bench")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--events", type=int, nargs="+", action="extend", help="so many go through the flow")
    arguments.add_argument("--days", type=int, default=DAYS, help="so many are there before one more")
    given = arguments.parse_args()
    if "FEEDBACK_REAL_DATA" not in os.environ:
        print("FEEDBACK_REAL_DATA is not set: no figures of log templates and of real telemetry; texts are made up\n")
    measured = list(measures(is_quick=given.quick))
    figures = {**_about(), "measures": _rows(measured)}
    goals = [("anonymising", one) for one in _print_anonymising(measured)]
    for section in sections(given):
        if given.quick and section.is_long:
            continue
        if found := list(section.measure()):
            print_table(section.title, found)
            figures[section.name] = _rows(found)
            goals += [(section.name, one) for one in found]
        if given.json:  # what takes an hour is not lost with what comes after it
            given.json.write_text(json.dumps(figures, indent=1))
    print_goals((name, one) for name, one in goals if one.goal)


if __name__ == "__main__":
    main()
