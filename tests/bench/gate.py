"""The gate on one day of a million spans under their whole suite: seconds and peak memory.

`python -m tests.bench.gate` prints both. It is measured in a process of its own, which then is what `feedback run` is:
`python -m tests.bench.gate judge FOLDER PROCESSES` judges the day in that folder and prints what it took as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from governance.quality import load_engine, load_quality, load_suite
from governance.signals import SIGNALS, TIMESTAMP
from orchestration.lake import Lake, part_name
from orchestration.stages import workers
from orchestration.stages.gating import judge_dataset
from orchestration.stages.landing import PART_ROWS
from tests.bench.measure import Measure, print_lines

ROWS, DATASET, DAY = 1_000_000, "otel/spans", "2026-11-20"
_AS_OF = datetime(2026, 11, 21, 3, tzinfo=UTC)
_MOST_SECONDS, _MOST_MEBIBYTES = 10.0, 1024.0
_SPANS_A_TRACE, _SERVICES, _OPERATIONS, _ACCOUNTS, _BAD = 8, 12, 60, 2_000, 0.01


def gating(rows: int = ROWS) -> Iterator[Measure]:
    """Seconds of the gate, and on processors, and the peak of its memory: of one process, and of all there are."""
    count = len(load_suite(DATASET).expectations)
    with tempfile.TemporaryDirectory() as name:
        write_day(Lake(Path(name) / "lake"), rows)
        for processes, how in ((1, "one process"), (0, "all processes")):
            took = _judged(Path(name), processes)
            what = f"{rows:,} spans, {count} expectations, {how}"
            seconds, memory = took["seconds"], took["mebibytes"]
            yield Measure(f"gate: {what}", seconds, None, "s", "<= 10", seconds <= _MOST_SECONDS)
            yield Measure(f"its time on processors: {what}", took["processor_seconds"], None, "s")
            goal = ("<= 1,024", memory <= _MOST_MEBIBYTES) if processes else ("", None)  # of all: an engine in each
            yield Measure(f"its peak memory: {what}", memory, None, "MiB", *goal)


def write_day(lake: Lake, rows: int) -> None:
    """An anonymised day of spans in the parts that landing makes of so many; one in a hundred breaks an expectation."""
    rng, parts = np.random.default_rng(6), -(-rows // PART_ROWS)
    with lake.replace(f"anonymized/{DATASET}/{DAY}", as_of=_AS_OF) as out:
        for part in range(parts):
            count = min(PART_ROWS, rows - part * PART_ROWS)
            out.write(part_name("records", part, parts), _spans(rng, part * PART_ROWS, count))
        out.counts = {"landed": rows, "held": 0, "anonymized": rows}


def _spans(rng: np.random.Generator, first: int, count: int) -> pl.DataFrame:
    midnight = int(datetime.fromisoformat(DAY).replace(tzinfo=UTC).timestamp()) * 10**9
    starts = midnight + rng.integers(0, 86_000 * 10**9, count)
    number = np.arange(first, first + count)
    operation = rng.integers(0, _OPERATIONS, count)
    is_bad = rng.random(count) < _BAD
    status = np.where(is_bad, "odd", np.where(rng.random(count) < 0.02, "error", "unset"))
    hex_digits = [f"{one + 1:016x}" for one in number.tolist()]
    traces = [f"{one * 0x9E3779B97F4A7C15 % 2**128:032x}" for one in (number // _SPANS_A_TRACE + 1).tolist()]
    attributes = [
        [
            {"key": "http.route", "value": f"/api/v1/resource{one}/{{id}}"},
            {"key": "http.response.status_code", "value": "500" if one % 7 == 0 else "200"},
            {"key": "db.statement", "value": f"select * from table_{one} where id = ?"},
            {"key": "thread.id", "value": str(thread)},
        ]
        for one, thread in zip(operation.tolist(), rng.integers(0, 200, count).tolist(), strict=True)
    ]
    frame = pl.DataFrame(
        {
            "record_id": [f"{trace}:{span}" for trace, span in zip(traces, hex_digits, strict=True)],
            "event_at": pl.Series(starts // 1_000, dtype=pl.Int64).cast(TIMESTAMP),
            "trace_id": traces,
            "span_id": hex_digits,
            "parent_span_id": [None if one % _SPANS_A_TRACE == 0 else f"{one:016x}" for one in number.tolist()],
            "service": [f"service-{one % _SERVICES}" for one in operation.tolist()],
            "service_version": [f"1.{one % 5}.0" for one in operation.tolist()],
            "operation": [f"GET /api/v1/resource{one}" for one in operation.tolist()],
            "kind": ["server" if one % 2 else "client" for one in operation.tolist()],
            "start_unix_nano": starts,
            "duration_ns": rng.lognormal(16, 1.5, count).astype(np.int64),
            "status": status,
            "account_id": [f"account_1430_{one:016x}" for one in rng.integers(0, _ACCOUNTS, count).tolist()],
            "resource": [
                f'{{"deployment.environment.name":"production","host.name":"h{one}"}}' for one in operation % 30
            ],
            "attributes": attributes,
            "raw_bytes": rng.integers(300, 1_500, count),
        },
        schema_overrides={"attributes": SIGNALS["spans"].schema["attributes"]},
    )
    missing = [pl.lit(None, kind).alias(name) for name, kind in SIGNALS["spans"].schema.items() if name not in frame]
    return frame.with_columns(missing).select(*SIGNALS["spans"].schema).cast(dict(SIGNALS["spans"].schema))


def _judged(folder: Path, processes: int) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.gate", "judge", str(folder), str(processes)]
    told: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told


def _judge(folder: Path, processes: int) -> None:
    """Judge the day once the engine is there, as it is loaded once for all days of a run."""
    lake, suite, policy = Lake(folder / "lake"), load_suite(DATASET), load_quality()
    load_engine()
    if processes != 1:
        workers.start(load_engine)
        list(workers.each_group(_nothing, {"0": 0, "1": 1}, records=0))
    lake.remove(f"quarantine/{DATASET}/{DAY}")
    before, started = sum(map(_processor_seconds, _everyone())), time.perf_counter()
    tally = judge_dataset(lake, DATASET, [DAY], suite, policy, _AS_OF, processes or None)
    seconds = time.perf_counter() - started
    if not tally.days[DAY]["checked"] or not tally.days[DAY]["quarantined"]:
        sys.exit("the gate let nothing in, or set nothing aside; nothing was measured")
    on_processors = sum(map(_processor_seconds, _everyone())) - before
    told = {"seconds": seconds, "processor_seconds": on_processors, "mebibytes": sum(map(_peak, _everyone()))}
    print(json.dumps(told))


def _everyone() -> list[str]:
    return ["self", *(str(child.pid) for child in multiprocessing.active_children())]


def _nothing(name: str, item: int) -> int:
    """Done by each process once it has loaded the engine."""
    return len(name) + item


def _processor_seconds(process: str) -> float:
    """What Linux counts of a process (its id, or self): user and system time."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(process: str) -> float:
    """The most memory it had, in MiB. What `getrusage` says of a child begins with what its parent had."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Print the measures, or those of one day that is there already."""
    if sys.argv[1:2] == ["judge"]:
        _judge(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        print_lines(gating())


if __name__ == "__main__":
    main()
