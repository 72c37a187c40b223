"""All stages over generated telemetry, beside DuckDB's plain flattening of the same files to Parquet.

`python -m tests.bench.flow 1000000` prints both. Each side runs in a process of its own, DuckDB before ours and after,
so that neither has the machine at a better time. Files are generated once and kept in the cache.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.bench.events import VERSION, write_events
from tests.bench.measure import Measure

FIRST, DAYS = date(2026, 11, 1), 10
_GOAL, _MOST_MIB = 0.8, 1_536

_FLATTENED = """
    copy (
        with requests as (
            select unnest(resource{kind}) as block
            from read_json('{files}', format = 'newline_delimited', maximum_object_size = 67108864)
        ),
        scopes as (select block.resource as resource, unnest(block.scope{kind}) as scope from requests),
        records as (select resource, unnest(scope.{records}) as record from scopes)
        select record.*, resource from records
    ) to '{out}' (format parquet)
"""


@dataclass(frozen=True)
class Stage:
    """One stage over all days: what it took and how much went in."""

    name: str
    seconds: float
    rows: int
    megabytes: float
    peak_mib: float


def flow(events: int) -> Iterator[Measure]:
    """Every stage from files to sampled rows, and the whole against DuckDB."""
    files = generated(events)
    before, stages, after = (_measured(what, files) for what in ("duckdb", "ours", "duckdb"))
    megabytes = _megabytes(files)
    theirs = statistics.mean([before[0].seconds, after[0].seconds])
    for stage in stages:
        name = f"{events:,} events, {stage.name}"
        yield Measure(name, stage.rows / stage.seconds, None, "rows/s")
        yield Measure(name, stage.megabytes / stage.seconds, None, "MB/s")
    ours = sum(stage.seconds for stage in stages)
    ratio = theirs / ours
    yield Measure(
        f"{events:,} events, files to sampled rows (stock: DuckDB's plain flattening)",
        megabytes / ours,
        megabytes / theirs,
        "MB/s",
        f">= {_GOAL}x",
        ratio >= _GOAL,
    )
    peak = max(stage.peak_mib for stage in stages)
    yield Measure(
        f"{events:,} events, peak memory of any process", peak, before[0].peak_mib, "MiB", "<= 1,536", peak <= 1536
    )


def generated(events: int) -> Path:
    """The inbox with so many events over DAYS days, made once."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "feedback-warehouse" / "bench"
    inbox = cache / f"events-{VERSION}-{events}"
    if not (inbox / ".complete").exists():
        write_events(inbox / "otel", events=events, first=FIRST, days=DAYS)
        (inbox / ".complete").touch()
    return inbox


def _megabytes(inbox: Path) -> float:
    return sum(path.stat().st_size for path in inbox.rglob("*.jsonl")) / 1e6


def _measured(what: str, inbox: Path) -> list[Stage]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.flow", what, str(inbox), folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Stage(**stage) for stage in json.loads(done.stdout)]


def _peak_mib() -> float:
    """The peak of this process and of those it started that still live."""
    children = [child.pid for child in multiprocessing.active_children()]
    peaks = []
    for pid in (os.getpid(), *children):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        peaks.append(int(found[1]) / 1024 if found else 0.0)
    return max(peaks)


def _duckdb(inbox: Path, folder: Path) -> Iterator[Stage]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    started = time.perf_counter()
    for signal, kind, records in (("traces", "Spans", "spans"), ("logs", "Logs", "logRecords")):
        files, out = inbox / "otel" / f"{signal}-*.jsonl", folder / f"{signal}.parquet"
        connection.execute(_FLATTENED.format(kind=kind, records=records, files=files, out=out))
    seconds = time.perf_counter() - started
    counted = connection.execute(f"select count(*) from read_parquet('{folder}/*.parquet', union_by_name = true)")
    yield Stage("duckdb", seconds, int((counted.fetchone() or (0,))[0]), _megabytes(inbox), _peak_mib())


def _ours(inbox: Path, folder: Path) -> Iterator[Stage]:
    from governance.keys import load_keyring
    from governance.privacy import load_privacy
    from governance.quality import load_gate, load_suite
    from governance.sampling import load_sampling_policy
    from governance.sources import load_sources
    from orchestration.lake import Lake
    from orchestration.stages.anonymizing import anonymize_days
    from orchestration.stages.gating import judge_dataset
    from orchestration.stages.landing import land_days
    from orchestration.stages.receiving import receive
    from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
    from orchestration.stages.sampling import sample_days

    lake, keys, source = Lake(folder / "lake"), load_keyring(folder / "keys"), load_sources()["otel"]
    days = [(FIRST + timedelta(days=offset)).isoformat() for offset in range(DAYS)]
    as_of = datetime.combine(FIRST + timedelta(days=DAYS), datetime.min.time(), UTC)
    privacy, gate, sampling = load_privacy(), load_gate(), load_sampling_policy()
    signals = ("spans", "logs")
    stages: dict[str, Callable[[], object]] = {
        "receive": lambda: receive(source, inbox, lake, keys, as_of),
        "land": lambda: [land_days(lake, source, signal, days, as_of) for signal in signals],
        "anonymize": lambda: [anonymize_days(lake, f"otel/{one}", days, privacy, keys, as_of) for one in signals],
        "gate": lambda: [judge_dataset(lake, f"otel/{one}", days, load_suite(one), gate, as_of) for one in signals],
        "roll up": lambda: (
            roll_up_span_days(lake, "otel", days, sampling, as_of),
            roll_up_log_days(lake, "otel", days, sampling, as_of),
        ),
        "sample": lambda: [sample_days(lake, f"otel/{one}", days, sampling, as_of) for one in signals],
    }
    megabytes = _megabytes(inbox)
    for name, work in stages.items():
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        received = [made.counts for made in map(lake.manifest, lake.keys("received")) if made]
        rows = sum(counts.get(signal, 0) for counts in received for signal in signals)
        yield Stage(name, seconds, rows, megabytes, _peak_mib())


def main() -> None:
    """With a number: print the measures; with a side, an inbox and a folder: run that side and print its stages."""
    if len(sys.argv) == 2:
        for one in flow(int(sys.argv[1])):
            print(f"{one.name:90} {one.ours:12,.1f} {one.unit:8} {one.ratio or '':8.4} {one.goal}")
        return
    side = {"duckdb": _duckdb, "ours": _ours}[sys.argv[1]]
    print(json.dumps([asdict(stage) for stage in side(Path(sys.argv[2]), Path(sys.argv[3]))]))


if __name__ == "__main__":
    main()
