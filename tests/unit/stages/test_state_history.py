"""A day keeps what its runs published of the states, each once, and outlives the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from orchestration.lake import Lake
from orchestration.stages import state_history
from orchestration.stages.state_history import HISTORY_SCHEMA, past_digest

MORNING = datetime(2026, 11, 22, 6, tzinfo=UTC)
NOON = MORNING + timedelta(hours=6)
KEY = "history/triage/states/2026-11-22"
remember = partial(state_history.remember, window_days=60)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake with the rollups of three days."""
    lake = Lake(tmp_path)
    for back in (0, 1, 60):
        with lake.replace(f"rollups/otel/spans/{MORNING.date() - timedelta(days=back)}", as_of=MORNING):
            pass
    return lake


def states(state: str, at: datetime = MORNING, **said: object) -> pl.DataFrame:
    row = {"recorded_at": at, "subject_kind": "pain_point", "subject_id": "p", "state": state, "place": 1, "score": 2.0}
    return pl.DataFrame([{**dict.fromkeys(HISTORY_SCHEMA.names()), **row, **said}], schema=HISTORY_SCHEMA)


def recorded(lake: Lake) -> list[tuple[datetime, str]]:
    return lake.read(KEY, "states").select("recorded_at", "state").rows()


def test_a_later_run_of_the_day_that_says_otherwise_leaves_the_earlier_recording(lake: Lake) -> None:
    assert remember(lake, states("new"), MORNING)
    assert remember(lake, states("open", NOON), NOON)
    assert recorded(lake) == [(MORNING, "new"), (NOON, "open")]


@pytest.mark.parametrize(
    ("said", "recordings"),
    [
        ({}, 1),
        ({"score": 3.0}, 1),  # it moves with every hour
        ({"place": 2}, 2),
        ({"reason": "Nothing is planned"}, 2),
        ({"owner_team": "data"}, 2),
        ({"initiative_id": "ticket-1"}, 2),
        ({"subject_id": "another"}, 2),
    ],
)
def test_a_recording_is_kept_where_it_says_something_else(lake: Lake, said: dict[str, object], recordings: int) -> None:
    remember(lake, states("open"), MORNING)
    remember(lake, states("open", NOON, **said), NOON)
    assert len(recorded(lake)) == recordings


def test_the_run_for_the_same_time_replaces_its_own_recording_alone(lake: Lake) -> None:
    remember(lake, states("new"), MORNING)
    remember(lake, states("open", NOON), NOON)
    remember(lake, states("verified", NOON), NOON)
    assert recorded(lake) == [(MORNING, "new"), (NOON, "verified")]
    remember(lake, states("new", NOON), NOON)
    assert recorded(lake) == [(MORNING, "new")]


def test_a_time_that_said_nothing_new_still_says_it_once_the_one_before_is_recorded_anew(lake: Lake) -> None:
    later = NOON + timedelta(hours=1)
    remember(lake, states("open"), MORNING)
    remember(lake, states("shipped", NOON), NOON)
    remember(lake, states("shipped", later), later)
    assert recorded(lake) == [(MORNING, "open"), (NOON, "shipped")]
    remember(lake, states("open", NOON), NOON)
    assert recorded(lake) == [(MORNING, "open"), (later, "shipped")]
    remember(lake, states("open", later), later)
    assert recorded(lake) == [(MORNING, "open")]


def test_the_same_run_again_leaves_the_same(lake: Lake) -> None:
    digests = set()
    for _ in range(2):
        remember(lake, states("new"), MORNING)
        digests.add(lake.state_digest("history"))
    assert len(digests) == 1


def test_a_run_whose_days_have_expired_leaves_the_recordings_as_they_are(lake: Lake) -> None:
    remember(lake, states("verified"), MORNING)
    lake.remove("rollups/otel/spans/2026-09-23")
    for at in (MORNING, NOON):
        assert not remember(lake, states("open", at), at)
    assert recorded(lake) == [(MORNING, "verified")]


def test_days_that_states_do_not_look_at_may_expire_between_two_runs_of_a_day(lake: Lake) -> None:
    state_history.remember(lake, states("new"), MORNING, window_days=30)
    lake.remove("rollups/otel/spans/2026-09-23")
    assert state_history.remember(lake, states("open", NOON), NOON, window_days=30)


def test_a_window_made_shorter_during_a_day_does_not_lose_what_later_runs_say(lake: Lake) -> None:
    remember(lake, states("new"), MORNING)
    assert state_history.remember(lake, states("open", NOON), NOON, window_days=30)
    assert recorded(lake) == [(MORNING, "new"), (NOON, "open")]


def test_a_recording_of_before_its_window_was_kept_stays_and_is_followed_by_others(lake: Lake) -> None:
    with lake.replace(KEY, as_of=MORNING) as out:
        out.write("states", states("new"))
        out.counts = {"rows": 1, "days": 70}
    assert remember(lake, states("open", NOON), NOON)
    assert recorded(lake) == [(MORNING, "new"), (NOON, "open")]


def test_what_a_run_reads_are_the_recordings_of_earlier_times(lake: Lake) -> None:
    before = past_digest(lake, NOON)
    remember(lake, states("new", NOON), NOON)
    assert past_digest(lake, NOON) == before  # its own is none of them: running again is the same run
    assert past_digest(lake, MORNING) == before
    assert past_digest(lake, NOON + timedelta(hours=1)) != before
    assert past_digest(lake, NOON + timedelta(days=1)) != before
