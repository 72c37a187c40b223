"""`make bench`: speed and memory as ratios within one run; machines are shared and noisy, so no absolute figure counts.

Each stage is measured against a yardstick taken in the same run: decoding the same bytes as JSON, stock Presidio on the
same lines, or the same stage at half the size (1.0 means it scales with its input).
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from governance.keys import load_keyring
from governance.privacy import anonymize, load_privacy
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


def stock_presidio(lines: list[str]) -> Callable[[], object]:
    """What stock Presidio does with the lines, without a language model."""
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}

    engine = Blank()
    engine.load()
    analyzer = AnalyzerEngine(nlp_engine=engine)
    analyzer.analyze("warm up", "en")
    return lambda: [analyzer.analyze(line, "en") for line in lines]


def main() -> None:
    """Print the table of ratios."""
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

        logs = lake.read(f"landing/otel/logs/{DAY}")
        ours = seconds(lambda: anonymize(logs, SIGNALS["logs"], privacy, keys)) / logs.height
        lines = logs["body"].drop_nulls().to_list()[:200]
        stock = seconds(stock_presidio(lines)) / len(lines)
        table.add_row("stock Presidio / anonymize", f"{stock / ours:.0f}", "times faster per log record")

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
