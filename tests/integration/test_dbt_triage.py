"""What becomes of pain points: whether fixes helped, states from day to day, and intervals that cover."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from orchestration.lake import Lake
from orchestration.simulation.scenario import load_scenario
from orchestration.simulation.truth import Truth
from orchestration.stages.loading import LakeTable
from orchestration.stages.remembering import remember_states
from orchestration.stages.state_history import HISTORY_SCHEMA
from tests.integration.pain_point_world import AS_OF, build, company

MODELS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
PAIN_POINTS = ("--select", "+marts.pain_points", *MODELS)
VERDICTS = {True: "improved", False: "unchanged"}


def rows(warehouse: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(query).fetchall()


def wrong_verdicts(warehouse: Path, truth: Truth) -> dict[str, object]:
    """What was said of those fixes of which something else was true."""
    found = dict(rows(warehouse, "select deployment_id, verdict from marts.fct_initiative_effects"))
    planted = {
        fault.fix_deployment_id: VERDICTS[fault.is_fix_effective]
        for fault in truth.faults
        if fault.fix_deployment_id and fault.is_fix_effective is not None
    }
    assert planted
    return {fix: found.get(fix) for fix, verdict in planted.items() if found.get(fix) != verdict}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth, Lake]:
    """The default company: a run two weeks ago, one nine days ago, one now; each remembered in the lake."""
    folder = tmp_path_factory.mktemp("triage")
    warehouse, truth = company(folder, load_scenario("default"), seed=1)
    lake = Lake(folder / "lake")
    for back in (14, 9, 0):
        as_of = AS_OF - timedelta(days=back)
        read_history(warehouse, lake)
        assert build(warehouse, *PAIN_POINTS, as_of=as_of) == []
        assert remember_states(lake, warehouse, as_of)
    return warehouse, truth, lake


def read_history(warehouse: Path, lake: Lake) -> None:
    """Schema `lake` of a warehouse gets what the lake remembers."""
    keys = (
        LakeTable("history", "states", "states", HISTORY_SCHEMA)
        .files(lake, lake.keys("history"))["partition_key"]
        .to_list()
    )
    frame = lake.scan(keys, "states", HISTORY_SCHEMA).collect()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("incoming", frame.to_arrow())
        connection.execute("create or replace table lake.state_history as select 'triage' as source, * from incoming")


def test_the_two_fixes_come_out_right(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, truth, _ = world
    assert wrong_verdicts(warehouse, truth) == {}


def test_states_of_earlier_days_can_be_asked_for(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, *_ = world
    told = """
        select history.service, history.state, cast(valid_from as date)::varchar, cast(valid_to as date)::varchar
        from marts.fct_state_history as history
        inner join marts.rpt_pain_points on subject_id = pain_point_id
        where subject_kind = 'pain_point' and history.service in ('search', 'checkout', 'payment')
        order by history.service, valid_from
    """
    assert rows(warehouse, told) == [
        ("checkout", "new", "2026-11-09", "2026-11-14"),
        ("checkout", "open", "2026-11-14", None),
        ("payment", "open", "2026-11-23", None),
        ("search", "verified", "2026-11-09", None),
    ]


def test_the_list_says_what_it_said_before(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, *_ = world
    told = "select service, state_before is null, rank_before is null from marts.rpt_pain_points order by service"
    before = {service: (state, rank) for service, state, rank in rows(warehouse, told)}
    assert before["payment"] == (True, True)  # it began in the days between
    assert before["checkout"] == (False, False)


def test_the_loop_is_timed_once_recordings_are_there(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, *_ = world
    told = "select service, no_time_reason, days > 0 from marts.fct_loop_times where step = 'signal_to_problem'"
    found = {service: (reason, is_timed) for service, reason, is_timed in rows(warehouse, told)}
    assert found["search"] == ("older_than_records", None)
    assert found["payment"] == (None, True)


def test_ranks_and_scores_say_how_sure_they_are(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, *_ = world
    wrong = """
        select * from marts.rpt_pain_points
        where not (
            score_low < score and score < score_high and rank_best <= rank and rank <= rank_worst
            and (rank_moved_by is null) = (rank_best = rank_worst)
        )
    """
    assert rows(warehouse, wrong) == []
    assert rows(warehouse, "select count(*) from marts.rpt_pain_point_ranks where rank is null") == [(0,)]


def test_a_run_again_for_an_earlier_day_knows_nothing_of_later_ones(world: tuple[Path, Truth, Lake]) -> None:
    warehouse, _, lake = world
    before = lake.manifest("history/triage/states/2026-11-09")
    read_history(warehouse, lake)
    selected = ("--select", "+int_states_now", *MODELS)
    assert build(warehouse, *selected, as_of=AS_OF - timedelta(days=14)) == []  # the last of this module's builds
    assert remember_states(lake, warehouse, AS_OF - timedelta(days=14))
    assert lake.manifest("history/triage/states/2026-11-09") == before


# An interval of 95 % leaves this open: with nothing done, that share of failures fell by 2.7 standard errors.
CHANCE = {("default", 4): {"4759": "improved"}}


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2, 8))
@pytest.mark.parametrize("name", ["default", "migration"])
def test_fixes_come_out_right_whatever_the_seed(name: str, seed: int, tmp_path: Path) -> None:
    warehouse, truth = company(tmp_path, load_scenario(name), seed=seed)
    assert build(warehouse, *PAIN_POINTS) == []
    assert wrong_verdicts(warehouse, truth) == CHANCE.get((name, seed), {})


# Mean before and after, spread of a day, weekday effect, days before and after.
KINDS = {
    "a change": (100.0, 60.0, 15.0, 0.0, 14, 14),
    "no change": (100.0, 100.0, 15.0, 0.0, 14, 14),
    "few days after": (100.0, 80.0, 15.0, 0.0, 21, 5),
    "busy weekdays": (100.0, 70.0, 10.0, 30.0, 21, 12),
    "unequal spreads": (100.0, 20.0, 20.0, 0.0, 10, 20),
}
TRIALS = 1000


def trials(kind: str) -> pl.DataFrame:
    """Days of `TRIALS` problems of one kind; the fix ships on 2026-01-31."""
    before, after, spread, weekday, days_before, days_after = KINDS[kind]
    rng = np.random.default_rng(7)
    days = np.concatenate([np.arange(-days_before, 0), np.arange(1, days_after + 1)])
    mean = np.where(days < 0, before, after) + weekday * (days % 7 < 5)
    scale = np.where((days > 0) & (kind == "unequal spreads"), spread / 5, spread)
    values = rng.normal(mean, scale, size=(TRIALS, len(days)))
    return pl.DataFrame(
        {
            "problem_id": np.repeat([f"{kind} {n}" for n in range(TRIALS)], len(days)),
            "day": np.tile(days, TRIALS),
            "value": values.ravel(),
        }
    )


def test_the_interval_of_a_change_covers_it(tmp_path: Path) -> None:
    """95 % of the intervals hold the true change, less what 1,000 trials leave open (three standard errors)."""
    drawn = pl.concat([trials(kind) for kind in KINDS]).with_columns(
        event_date=pl.date(2026, 1, 31) + pl.duration(days=pl.col("day")), unit=pl.lit("ms")
    )
    warehouse, _ = company(tmp_path, load_scenario("quiet"), seed=1, days=3)
    assert build(warehouse, "--select", "+int_initiatives_compared", *MODELS) == []
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.register("drawn", drawn.to_arrow())
        for relation, made in {
            "int_problem_days": "select problem_id, event_date, value, 1.0 as baseline, unit from drawn",
            "int_problems_united": "select distinct problem_id, 's' as service, timestamptz '2025-12-01' as started_at,"
            " timestamptz '2026-03-01' as ended_at, true as is_ongoing from drawn",
            "int_problem_changes": "select distinct problem_id, cast(null as varchar) as incident_id from drawn",
            "int_problem_initiatives": "select distinct problem_id, 'fix' as initiative_id,"
            " timestamptz '2026-01-31 10:00:00+00' as shipped_at, cast(null as varchar) as deployment_id from drawn",
        }.items():
            kind = connection.execute(
                "select table_type from information_schema.tables where table_name = ?", [relation]
            ).fetchone()
            assert kind is not None
            connection.execute(f"drop {'view' if kind[0] == 'VIEW' else 'table'} intermediate.{relation} cascade")
            connection.execute(f"create table intermediate.{relation} as {made}")
        compiled = next((tmp_path / "dbt" / "compiled").rglob("int_initiatives_compared.sql")).read_text()
        found = connection.execute(compiled).pl()
    for kind, (before, after, *_) in KINDS.items():
        of_kind = found.filter(pl.col("problem_id").str.starts_with(kind))
        assert of_kind.height == TRIALS
        covered = of_kind.select(pl.lit(after - before).is_between("change_low", "change_high").mean()).item()
        assert covered >= 0.95 - 3 * (0.95 * 0.05 / TRIALS) ** 0.5, kind
        assert covered <= 0.999, kind  # and says something
