"""The two sides of the flow: `python -m tests.bench.sides ours | duckdb INBOX FOLDER` prints one as JSON.

Each runs in a process of its own. Ours are the stages from files to sampled rows; the other is DuckDB's plain
flattening of the same files to Parquet.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

_INSTALLED = "from orchestration.stages.engines import load_engines; load_engines()"
FIRST, DAYS = date(2026, 11, 1), 10

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


def measured(side: str, inbox: Path) -> list[Stage]:
    """The stages of a side over the files of an inbox."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.sides", side, str(inbox), folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [Stage(**stage) for stage in json.loads(done.stdout)]


def megabytes(inbox: Path) -> float:
    """Size of the files."""
    return sum(path.stat().st_size for path in inbox.rglob("*.jsonl")) / 1e6


def days() -> list[str]:
    """The days (ISO) that generated telemetry is of."""
    return [(FIRST + timedelta(days=offset)).isoformat() for offset in range(DAYS)]


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
    yield Stage("duckdb", seconds, int((counted.fetchone() or (0,))[0]), megabytes(inbox), _peak_mib())


def _ours(inbox: Path, folder: Path) -> Iterator[Stage]:
    from governance.keys import load_keyring
    from governance.sampling import load_sampling_policy
    from orchestration.lake import Lake
    from tests.bench.stages import SIGNALS, Telemetry, stages

    # What the installation does once: the patterns are compiled for every process.
    os.environ["FEEDBACK_CACHE"] = str(folder / "cache")
    subprocess.run([sys.executable, "-c", _INSTALLED], check=True)
    as_of = datetime.combine(FIRST + timedelta(days=DAYS), datetime.min.time(), UTC)
    lake = Lake(folder / "lake")
    telemetry = Telemetry(inbox, lake, load_keyring(folder / "keys"), days(), as_of)
    size = megabytes(inbox)
    for name, work in stages(telemetry, load_sampling_policy()).items():
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        received = [made.counts for made in map(lake.manifest, lake.keys("received")) if made]
        rows = sum(counts.get(signal, 0) for counts in received for signal in SIGNALS)
        yield Stage(name, seconds, rows, size, _peak_mib())


def _peak_mib() -> float:
    """The peak of this process and of those it started that still live."""
    children = [child.pid for child in multiprocessing.active_children()]
    peaks = []
    for pid in (os.getpid(), *children):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        peaks.append(int(found[1]) / 1024 if found else 0.0)
    return max(peaks)


def main() -> None:
    """Run a side and print its stages."""
    side, inbox, folder = sys.argv[1:]
    run = {"duckdb": _duckdb, "ours": _ours}[side]
    print(json.dumps([asdict(stage) for stage in run(Path(inbox), Path(folder))]))


if __name__ == "__main__":
    main()
