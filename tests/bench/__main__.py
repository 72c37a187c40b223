"""`make bench`: speed and memory as ratios within one run; machines are shared and noisy, so no absolute figure counts.

Anonymising is measured against stock Presidio on the same texts, the flow of all stages against DuckDB's plain
flattening of the same files.
"""

from __future__ import annotations

import json
import platform
from argparse import ArgumentParser
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from governance.privacy.policy import SHIPPED_NAMES
from tests.bench.anonymising import measures
from tests.bench.estimates import estimates
from tests.bench.flow import flow
from tests.bench.measure import Measure
from tests.bench.quality import RECALLS
from tests.bench.templates import grouping


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
    """Print the tables; `--json FILE` keeps their figures, `--quick` leaves out what takes minutes."""
    arguments = ArgumentParser(prog="python -m tests.bench")
    arguments.add_argument("--json", type=Path)
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000, help="so many go through the flow")
    given = arguments.parse_args()
    figures = anonymising(is_quick=given.quick)
    if measured := list(grouping()):
        _print("Log templates: collapsing alone (as stock) and with the tree", measured)
        figures["templates"] = [{**asdict(one), "ratio": one.ratio} for one in measured]
    if not given.quick:
        measured = list(flow(given.events))
        _print("From files to sampled rows: DuckDB's flattening (as stock) and ours, in one run", measured)
        covered = list(estimates())
        _print("Intervals of estimates: 2,000 samples of one data set", covered)
        figures["estimates"] = [asdict(one) for one in covered]
        figures["flow"] = [{**asdict(one), "ratio": one.ratio} for one in measured]
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
