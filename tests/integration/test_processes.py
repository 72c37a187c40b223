"""How many processes anonymise, judge and sample changes nothing of what they write."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.settings import PROJECT
from orchestration.stages import workers
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.counting import days_received
from orchestration.stages.engines import load_engines
from orchestration.stages.gating import judge_dataset
from orchestration.stages.landing import land_days
from orchestration.stages.receiving import receive
from orchestration.stages.rolling_up import roll_up_log_days, roll_up_span_days
from orchestration.stages.sampling import sample_days
from tests.bench.events import write_events

AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
TEXTS = (
    "login failed user=bob_k from 203.0.113.9",
    "bob_k tried again, trace goes on",
    "Hi, my name is Maria Delgado, please call +49 30 901820",
    "Maria Delgado paid with 4111 1111 1111 1111",
)


def land(lake, day):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    traces = [f"{n // 2 + 1:032x}" for n in range(len(TEXTS))]
    logs = [
        {
            "record_id": f"{n:032x}",
            "event_at": at,
            "body": body,
            "trace_id": trace,
            "service": "cart",
            "severity": "INFO" if n else None,  # one for the quarantine
        }
        for n, (body, trace) in enumerate(zip(TEXTS, traces, strict=True))
    ]
    about = {"service": "cart", "operation": "get", "kind": "server", "event_at": at}
    spans = [
        {
            **about,
            "record_id": f"{trace}-{n + 1:016x}",
            "trace_id": trace,
            "span_id": f"{n + 1:016x}",
            "start_unix_nano": int(at.timestamp()) * 10**9,
            "duration_ns": (n + 1) * 10**6,
            "status": "error" if n == 0 else "ok",
            "status_message": body if n == 0 else None,
            "account_id": "acct-7" if n % 2 else None,
        }
        for n, (body, trace) in enumerate(zip(TEXTS, traces, strict=True))
    ]
    for signal, rows in (("logs", logs), ("spans", spans)):
        with lake.replace(f"landing/otel/{signal}/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS[signal].landing_schema))
            out.counts = {"landed": len(rows)}


def written(folder):
    lake, sampling = Lake(folder), load_sampling_policy()
    for day in DAYS:
        land(lake, day)
    for signal in ("logs", "spans"):
        anonymize_days(lake, f"otel/{signal}", DAYS, load_privacy(), Keyring(b"p" * 32, b"i" * 32), AS_OF)
        judge_dataset(lake, f"otel/{signal}", DAYS, load_suite(signal), load_quality(), AS_OF)
    roll_up_span_days(lake, "otel", DAYS, sampling, AS_OF)
    roll_up_log_days(lake, "otel", DAYS, sampling, AS_OF)
    for signal in ("logs", "spans"):
        sample_days(lake, f"otel/{signal}", DAYS, sampling, AS_OF)
    kept = [lake.read(f"sampled/otel/{signal}/{DAYS[0]}").height for signal in ("logs", "spans")]
    assert kept == [len(TEXTS) - 1, len(TEXTS)]
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_processes_write_the_bytes_that_one_writes(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_PROCESSES", "1")
    monkeypatch.setattr("orchestration.stages.gating._ROWS_AT_ONCE", 1)
    monkeypatch.setattr("orchestration.stages.anonymizing._FEW_RECORDS", 0)
    one = written(tmp_path / "one")
    monkeypatch.setenv("FEEDBACK_PROCESSES", "2")
    workers.start(load_engines)
    assert written(tmp_path / "two") == one
    assert len(one) > len(DAYS) * 8
    assert {path.parts[0] for path in one} >= {"anonymized", "checked", "quarantine", "rollups", "traits", "sampled"}


def test_two_processes_land_the_bytes_that_one_lands(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestration.stages.landing.PART_ROWS", 150)

    def landed(folder):
        lake, source = Lake(folder / "lake"), load_sources()["otel"]
        for seed in (1, 2):  # the second time what landed before is carried on
            write_events(folder / f"otel/{seed}", events=900, first=date.fromisoformat(DAYS[0]), days=3, seed=seed)
            receive(source, folder, lake, Keyring(b"p" * 32, b"i" * 32), AS_OF)
            tallies = [land_days(lake, source, signal, DAYS, AS_OF) for signal in ("logs", "spans")]
            assert [list(tally.days) for tally in tallies] == [DAYS, DAYS]
        assert len(lake.parts(f"landing/otel/spans/{DAYS[0]}")) > 1
        return {path.relative_to(folder): path.read_bytes() for path in lake.root.rglob("*") if path.is_file()}

    monkeypatch.setenv("FEEDBACK_PROCESSES", "1")
    alone = landed(tmp_path / "one")
    monkeypatch.setenv("FEEDBACK_PROCESSES", "2")
    workers.start(load_engines)
    assert landed(tmp_path / "two") == alone
    assert {path.parts[1] for path in alone} >= {"received", "landing"}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_days_that_fail_to_land_leave_no_raw_row_behind(tmp_path, monkeypatch, processes):
    monkeypatch.setenv("FEEDBACK_PROCESSES", processes)
    monkeypatch.setattr("orchestration.stages.landing.PART_ROWS", 50)
    workers.start(load_engines)
    lake, source = Lake(tmp_path / "lake"), load_sources()["otel"]
    write_events(tmp_path / "otel", events=3_000, first=date.fromisoformat(DAYS[0]), days=3)
    receive(source, tmp_path, lake, Keyring(b"p" * 32, b"i" * 32), AS_OF)
    for document in days_received(lake, "otel", "spans")[DAYS[1]]:
        for file in lake.files(document, "spans"):
            file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(Exception, match="parquet"):
        land_days(lake, source, "spans", DAYS, AS_OF)
    assert not workers._started
    named = {file for key in lake.keys("landing") for file in lake.files(key, "records")}
    assert set(lake.root.glob("landing/**/*.parquet")) == named
    assert DAYS[1] not in lake.days("landing/otel/spans")


def test_days_anonymised_together_give_the_bytes_of_each_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_PROCESSES", "1")
    together = written(tmp_path / "together")
    monkeypatch.setattr("orchestration.stages.anonymizing._FEW_RECORDS", 0)
    assert written(tmp_path / "alone") == together


# Two processes that tell their numbers, and then nothing to do for either.
_IDLE = """
from orchestration.stages import workers
from tests.integration.test_processes import number
workers._PRELOADED = ()
workers.start(int)
print(*dict(workers.each_group(number, {"one": 1, "two": 2}, records=0)).values(), flush=True)
input()
"""


def number(_name, _item):
    return os.getpid()


def test_processes_end_with_the_one_that_they_work_for(monkeypatch):
    monkeypatch.setenv("FEEDBACK_PROCESSES", "2")
    command = [sys.executable, "-c", _IDLE]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as main:
        beside = [Path("/proc", told) for told in main.stdout.readline().split()]
        alive = [process for process in beside if process.exists()]
        main.kill()
    assert len(alive) == 2
    deadline = time.monotonic() + 30
    while any(process.exists() for process in beside) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [process for process in beside if process.exists()] == []
