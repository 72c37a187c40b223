"""The recording of a day is replaced by those who know as much, and outlives the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from orchestration.lake import Lake
from orchestration.stages.state_history import HISTORY_SCHEMA, past_digest, remember

MORNING = datetime(2026, 11, 22, 6, tzinfo=UTC)
KEY = "history/triage/states/2026-11-22"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with the rollups of three days."""
    lake = Lake(tmp_path)
    for back in range(3):
        with lake.replace(f"rollups/otel/spans/{MORNING.date() - timedelta(days=back)}", as_of=MORNING):
            pass
    return lake


def states(state: str) -> pl.DataFrame:
    row = {"recorded_at": MORNING, "subject_kind": "pain_point", "subject_id": "p", "state": state, "place": 1}
    return pl.DataFrame([{**dict.fromkeys(HISTORY_SCHEMA.names()), **row}], schema=HISTORY_SCHEMA)


def recorded(lake: Lake) -> list[str]:
    return lake.read(KEY, "states")["state"].to_list()


def test_a_later_run_of_the_day_replaces_its_recording(lake: Lake) -> None:
    assert remember(lake, states("new"), MORNING)
    assert remember(lake, states("open"), MORNING + timedelta(hours=5))
    assert recorded(lake) == ["open"]


def test_the_same_run_again_leaves_the_same(lake: Lake) -> None:
    digests = set()
    for _ in range(2):
        remember(lake, states("new"), MORNING)
        digests.add(lake.state_digest("history"))
    assert len(digests) == 1


def test_a_run_whose_days_have_expired_leaves_the_recording_as_it_is(lake: Lake) -> None:
    remember(lake, states("verified"), MORNING)
    lake.remove("rollups/otel/spans/2026-11-20")
    assert not remember(lake, states("open"), MORNING)
    assert recorded(lake) == ["verified"]


def test_what_a_run_reads_are_the_recordings_of_the_days_before(lake: Lake) -> None:
    before = past_digest(lake, MORNING)
    remember(lake, states("new"), MORNING)
    assert past_digest(lake, MORNING) == before  # its own is none of them: running again is the same run
    assert past_digest(lake, MORNING + timedelta(days=1)) != before
