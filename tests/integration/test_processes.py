"""How many processes anonymise, judge and sample changes nothing of what they write."""

from datetime import UTC, datetime

import polars as pl

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages import workers
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.engines import load_engines
from orchestration.stages.gating import judge_dataset
from orchestration.stages.rolling_up import roll_up_log_days
from orchestration.stages.sampling import sample_days

AS_OF = datetime(2026, 3, 20, tzinfo=UTC)
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
TEXTS = (
    "login failed user=bob_k from 203.0.113.9",
    "bob_k tried again, trace goes on",
    "Hi, my name is Maria Delgado, please call +49 30 901820",
    "Maria Delgado paid with 4111 1111 1111 1111",
)


def land(lake):
    for day in DAYS:
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        rows = [
            {"record_id": f"{n:032x}", "event_at": at, "body": body, "trace_id": f"{n // 2:032x}"}
            for n, body in enumerate(TEXTS)
        ]
        with lake.replace(f"landing/otel/logs/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
            out.counts = {"landed": len(rows)}


def written(folder):
    lake, sampling = Lake(folder), load_sampling_policy()
    land(lake)
    anonymize_days(lake, "otel/logs", DAYS, load_privacy(), Keyring(b"p" * 32, b"i" * 32), AS_OF)
    judge_dataset(lake, "otel/logs", DAYS, load_suite("logs"), load_quality(), AS_OF)
    roll_up_log_days(lake, "otel", DAYS, sampling, AS_OF)
    sample_days(lake, "otel/logs", DAYS, sampling, AS_OF)
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


def test_days_anonymised_together_give_the_bytes_of_each_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_PROCESSES", "1")
    together = written(tmp_path / "together")
    monkeypatch.setattr("orchestration.stages.anonymizing._FEW_RECORDS", 0)
    assert written(tmp_path / "alone") == together
