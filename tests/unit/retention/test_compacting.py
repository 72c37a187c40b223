"""Rollups of old days become coarser, through every kill; nothing that was made of them is made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from governance.ranking import load_ranking
from governance.retention import RetentionPolicy, load_retention
from governance.sampling import SamplingPolicy
from orchestration.lake import Lake, Replacement
from orchestration.stages.compacting import compact
from orchestration.stages.rolling_up import roll_up_span_days
from orchestration.stages.sampling import sample_days

Frame = Callable[..., pl.DataFrame]
DAY = date(2024, 10, 4)  # that of the frames of a few records
KEY = f"rollups/otel/spans/{DAY}"
MINUTE = 60 * 10**9
PULLED = datetime(2024, 10, 5, 6, tzinfo=UTC)


def at_age(days: int) -> datetime:
    return datetime.combine(DAY + timedelta(days=days), datetime.min.time(), UTC)


@pytest.fixture(scope="module")
def retention() -> RetentionPolicy:
    return load_retention()


@pytest.fixture
def lake(tmp_path: Path, spans: Frame, policy: SamplingPolicy) -> Lake:
    """A rolled up and sampled day of 120 spans, one a minute."""
    made = Lake(tmp_path / "lake")
    rows = [{"at": n * MINUTE, "trace_id": f"t{n}", "duration_ns": 1000 * n} for n in range(120)]
    with made.replace(f"checked/otel/spans/{DAY}", as_of=PULLED) as out:
        out.write("records", spans(*rows))
    roll_up_span_days(made, "otel", [DAY.isoformat()], policy, PULLED)
    sample_days(made, "otel/spans", [DAY.isoformat()], policy, PULLED)
    return made


def grains(lake: Lake) -> dict[str, set[str]]:
    return {table: set(lake.read(KEY, table)["grain"]) for table in ("requests", "latency")}


@pytest.mark.parametrize(
    ("age", "grain", "rows"),
    [
        (1, "minute", 120),
        ("minutes_kept_for_days", "minute", 120),
        ("hours_kept_for_days", "hour", 2),
        (4000, "day", 1),
    ],
)
def test_age_decides_how_fine_a_day_is(
    lake: Lake, retention: RetentionPolicy, age: int | str, grain: str, rows: int
) -> None:
    days = age if isinstance(age, int) else getattr(retention.rollup_grains, age)
    compact(lake, retention, at_age(days))
    requests = lake.read(KEY, "requests")
    assert (set(requests["grain"]), requests.height) == ({grain}, rows)
    assert requests["span_count"].sum() == 120


def test_nothing_else_of_the_partition_changes(lake: Lake, retention: RetentionPolicy) -> None:
    before, accounts = lake.manifest(KEY), lake.read(KEY, "account_days")
    assert compact(lake, retention, at_age(50)) == [KEY]
    after = lake.manifest(KEY)
    assert before is not None
    assert after is not None
    assert after.digest == before.digest
    assert (after.inputs, after.policy, after.as_of, after.counts) == (
        before.inputs,
        before.policy,
        before.as_of,
        before.counts,
    )
    assert lake.read(KEY, "account_days").equals(accounts)


def test_running_again_changes_nothing(lake: Lake, retention: RetentionPolicy) -> None:
    compact(lake, retention, at_age(50))
    before = lake.manifest(KEY)
    assert compact(lake, retention, at_age(50)) == []
    assert compact(lake, retention, at_age(1)) == []  # what is coarse stays so
    assert lake.manifest(KEY) == before


def test_by_way_of_hours_a_day_is_what_it_is_at_once(
    lake: Lake, retention: RetentionPolicy, tmp_path: Path, spans: Frame, policy: SamplingPolicy
) -> None:
    compact(lake, retention, at_age(50))
    compact(lake, retention, at_age(4000))
    by_way_of_hours = lake.manifest(KEY)
    lake.remove(KEY)
    roll_up_span_days(lake, "otel", [DAY.isoformat()], policy, PULLED)
    compact(lake, retention, at_age(4000))
    assert lake.manifest(KEY) == by_way_of_hours


def test_no_stage_makes_a_coarser_day_again(lake: Lake, retention: RetentionPolicy, policy: SamplingPolicy) -> None:
    days = [(DAY + timedelta(days=offset)).isoformat() for offset in (0, 1)]
    with lake.replace(f"checked/otel/spans/{days[1]}", as_of=PULLED) as out:
        out.write("records", lake.read(f"checked/otel/spans/{days[0]}"))
    roll_up_span_days(lake, "otel", days, policy, PULLED)
    sample_days(lake, "otel/spans", days, policy, PULLED)
    compact(lake, retention, at_age(50))
    assert roll_up_span_days(lake, "otel", days, policy, PULLED).days == {}
    assert sample_days(lake, "otel/spans", days, policy, PULLED).days == {}
    assert grains(lake) == {"requests": {"hour"}, "latency": {"hour"}}


def test_a_day_whose_rows_changed_is_fine_again_until_its_turn_comes(
    lake: Lake, retention: RetentionPolicy, policy: SamplingPolicy
) -> None:
    compact(lake, retention, at_age(50))
    checked = f"checked/otel/spans/{DAY}"
    rows = lake.read(checked).head(60)
    with lake.replace(checked, as_of=PULLED) as out:
        out.write("records", rows)
    assert list(roll_up_span_days(lake, "otel", [DAY.isoformat()], policy, PULLED).days) == [DAY.isoformat()]
    assert grains(lake) == {"requests": {"minute"}, "latency": {"minute", "hour"}}
    assert compact(lake, retention, at_age(50)) == [KEY]
    assert lake.read(KEY, "requests")["span_count"].sum() == 60


def test_a_frozen_day_becomes_coarser_and_is_never_emptied(
    lake: Lake, retention: RetentionPolicy, policy: SamplingPolicy
) -> None:
    lake.remove(f"checked/otel/spans/{DAY}")
    compact(lake, retention, at_age(50))
    assert roll_up_span_days(lake, "otel", [DAY.isoformat()], policy, PULLED).frozen == [DAY.isoformat()]
    assert lake.read(KEY, "requests")["span_count"].sum() == 120


class Killed(Exception):
    """The process died here."""


class DyingLake(Lake):
    """A real lake that dies while it replaces a partition: before its manifest is written."""

    @contextmanager
    def replace(
        self, key: str, *, as_of: datetime, inputs: Mapping[str, str] | None = None, policy: str = "", key_id: str = ""
    ) -> Iterator[Replacement]:
        folder = self.root / key
        yield Replacement(folder)
        raise Killed


def test_a_kill_leaves_the_day_as_it_was(lake: Lake, retention: RetentionPolicy) -> None:
    before = lake.manifest(KEY)
    with pytest.raises(Killed):
        compact(DyingLake(lake.root), retention, at_age(50))
    assert lake.manifest(KEY) == before
    assert grains(lake) == {"requests": {"minute"}, "latency": {"minute", "hour"}}
    assert compact(lake, retention, at_age(50)) == [KEY]
    files = {path.name for path in (lake.root / KEY).iterdir()}
    manifest = lake.manifest(KEY)
    assert manifest is not None
    assert files == {"manifest.json", *(table.file for table in manifest.tables.values())}


def test_hours_are_kept_as_long_as_the_list_looks_back(retention: RetentionPolicy) -> None:
    assert retention.rollup_grains.hours_kept_for_days > load_ranking().detection.window_days
