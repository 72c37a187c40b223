"""How fresh a signal is follows from the days that passed the gate, and from nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.signals import TIMESTAMP
from orchestration.freshness import expected, freshness
from orchestration.lake import Lake

AS_OF = datetime(2026, 4, 10, 6, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def keep(lake: Lake, state: str, signal: str, *times: datetime, day: str, source: str = "otel") -> None:
    with lake.replace(f"{state}/{source}/{signal}/{day}", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame({"event_at": times}, schema={"event_at": TIMESTAMP}))


def state_of(lake: Lake, signal: str, source: str = "otel") -> tuple[object, ...]:
    told = freshness(lake, AS_OF).filter(pl.col("source") == source, pl.col("signal") == signal)
    return told.select("last_event_at", "age_hours", "state").row(0)


def test_the_newest_record_that_passed_counts_not_one_that_came_later(lake: Lake) -> None:
    passed = AS_OF - timedelta(hours=40)
    keep(lake, "checked", "spans", passed, passed - timedelta(hours=1), day="2026-04-08")
    keep(lake, "checked", "spans", day="2026-04-09")  # a day of which nothing passed
    keep(lake, "anonymized", "spans", AS_OF, day="2026-04-10")
    assert state_of(lake, "spans") == (passed, 40, "warn")


def test_a_signal_that_never_came_is_missed_once_others_of_its_source_are_there_for_long_enough(lake: Lake) -> None:
    keep(lake, "checked", "tickets", AS_OF, day="2026-01-09", source="desk")
    assert state_of(lake, "logs") == (None, None, "unknown")
    keep(lake, "checked", "spans", AS_OF, day="2026-04-09")
    assert state_of(lake, "logs") == (None, None, "unknown")
    keep(lake, "checked", "spans", AS_OF, day="2026-04-07")
    assert state_of(lake, "logs") == (None, None, "never_arrived")


def test_what_comes_after_the_time_of_the_run_does_not_count(lake: Lake) -> None:
    early, late = AS_OF - timedelta(hours=30), AS_OF - timedelta(hours=1)
    keep(lake, "checked", "spans", early, day="2026-04-09")
    keep(lake, "checked", "spans", AS_OF, AS_OF + timedelta(hours=2), day="2026-04-10")
    keep(lake, "checked", "spans", AS_OF + timedelta(days=5), day="2026-04-15")
    assert state_of(lake, "spans") == (early, 30, "fresh")
    keep(lake, "checked", "spans", late, AS_OF, day="2026-04-10")
    assert state_of(lake, "spans") == (late, 1, "fresh")


def test_every_signal_of_every_configured_source_is_told(lake: Lake) -> None:
    assert freshness(lake, AS_OF).select("source", "signal").rows() == expected()
