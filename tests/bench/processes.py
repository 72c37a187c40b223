"""`python -m tests.bench.processes`: records a second of the anonymize stage with two processes and one, as JSON."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages import workers
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.engines import load_engines
from tests.bench.texts import log_lines

_DAYS = [f"2026-11-{day}" for day in range(11, 19)]
_RECORDS_A_DAY = 5_000  # so many days of them can be remembered by one process as well
_AS_OF = datetime(2026, 11, 21, tzinfo=UTC)


def _landed(lake: Lake, turn: int) -> None:
    """Days of log records; no text of one turn comes again in another, so that none is remembered."""
    lines = log_lines()
    for day in _DAYS:
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        rows = [
            {
                "record_id": f"{number:032x}",
                "event_at": at,
                "time_unix_nano": int(at.timestamp()) * 10**9,
                "body": f"{lines[number % len(lines)]} seq={turn}.{day}.{number}",
                "attributes": [],
            }
            for number in range(_RECORDS_A_DAY)
        ]
        with lake.replace(f"landing/otel/logs/{day}", as_of=_AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
            out.counts = {"landed": len(rows)}


def _rate(turn: int, processes: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        _landed(lake, turn)
        policy, keys = load_privacy(), Keyring(b"p" * 32, b"i" * 32)
        started = time.perf_counter()
        anonymize_days(lake, "otel/logs", _DAYS, policy, keys, _AS_OF, processes)
        return len(_DAYS) * _RECORDS_A_DAY / (time.perf_counter() - started)


def main() -> None:
    """Three rounds of each in turn, after one that only warms up; the medians."""
    workers.start(load_engines)
    rates: dict[int, list[float]] = {2: [], 1: []}
    for turn in range(4):
        for processes, measured in rates.items():
            measured.append(_rate(10 * turn + processes, processes))
    print(json.dumps([statistics.median(measured[1:]) for measured in rates.values()]))


if __name__ == "__main__":
    main()
