"""All stages over generated telemetry, beside DuckDB's plain flattening of the same files to Parquet.

`python -m tests.bench.flow 1000000 10000000` prints both for each number of events, with --memory our peaks alone. Each
side runs in a process of its own, DuckDB before ours and after, so that neither has the machine at a better time.
Files are generated once (0.7 GB a million events) and kept in the cache.
"""

from __future__ import annotations

import os
import statistics
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from tests.bench.events import VERSION, write_events
from tests.bench.measure import Measure, print_lines
from tests.bench.sides import DAYS, FIRST, Stage, measured, megabytes

_LEAST_RATIO, _MOST_MIB, _MOST_GROWTH = 0.8, 1_536, 1.1
# With fewer events days are smaller than a part, and memory grows with them as it must.
_MANY_PARTS = 10_000_000


def flow(sizes: Sequence[int]) -> Iterator[Measure]:
    """For each number of events every stage from files to sampled rows, the whole against DuckDB, and the peak."""
    peaks: dict[int, float] = {}
    for events in sorted(set(sizes)):
        files = generated(events)
        before, stages, after = (measured(side, files) for side in ("duckdb", "ours", "duckdb"))
        yield from _speeds(events, stages, statistics.mean([before[0].seconds, after[0].seconds]))
        peaks[events] = max(stage.peak_mib for stage in stages)
        yield _peak(events, peaks[events], before[0].peak_mib)
    yield from _growth(peaks)


def memory(sizes: Sequence[int]) -> Iterator[Measure]:
    """The peak of each number of events and how it grows, without DuckDB beside it."""
    peaks: dict[int, float] = {}
    for events in sorted(set(sizes)):
        peaks[events] = max(stage.peak_mib for stage in measured("ours", generated(events)))
        yield _peak(events, peaks[events], None)
    yield from _growth(peaks)


def generated(events: int) -> Path:
    """The inbox with so many events over DAYS days, made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "feedback-warehouse" / "bench"
    inbox = cache / f"events-{VERSION}-{events}"
    if not (inbox / ".complete").exists():
        write_events(inbox / "otel", events=events, first=FIRST, days=DAYS)
        (inbox / ".complete").touch()
    return inbox


def _speeds(events: int, stages: list[Stage], theirs: float) -> Iterator[Measure]:
    size = megabytes(generated(events))
    whole = sum(stage.seconds for stage in stages)
    for stage in stages:
        name = f"{events:,} events, {stage.name}"
        yield Measure(name, stage.rows / stage.seconds, None, "rows/s")
        yield Measure(name, stage.megabytes / stage.seconds, None, "MB/s")
    name = f"{events:,} events, files to sampled rows"
    yield Measure(name, stages[-1].rows / whole, None, "rows/s")
    met = theirs / whole >= _LEAST_RATIO
    yield Measure(
        f"{name} (stock: DuckDB's flattening)", size / whole, size / theirs, "MB/s", f">= {_LEAST_RATIO}x", met
    )


def _peak(events: int, peak: float, theirs: float | None) -> Measure:
    name = f"{events:,} events, peak memory of any process"
    return Measure(name, peak, theirs, "MiB", f"<= {_MOST_MIB:,}", peak <= _MOST_MIB)


def _growth(peaks: Mapping[int, float]) -> Iterator[Measure]:
    for (few, before), (many, after) in pairwise(peaks.items()):
        name = f"peak memory of {many:,} events (stock: of {few:,})"
        if few >= _MANY_PARTS:
            yield Measure(name, after, before, "MiB", f"<= {_MOST_GROWTH}x", after <= _MOST_GROWTH * before)
        else:
            yield Measure(name, after, before, "MiB")


def main() -> None:
    """Print the measures of so many events as given."""
    arguments = ArgumentParser(prog="python -m tests.bench.flow")
    arguments.add_argument("events", type=int, nargs="+")
    arguments.add_argument("--memory", action="store_true", help="our peaks alone")
    given = arguments.parse_args()
    print_lines(memory(given.events) if given.memory else flow(given.events))


if __name__ == "__main__":
    main()
