"""The sample of a day is a function of what passed the gate, whatever the order in which days came in."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest

from governance.sampling import SamplingPolicy
from governance.sources import load_sources
from orchestration.lake import Lake
from orchestration.stages.dependencies import Dependencies, rates_key
from orchestration.stages.planning import stale_days
from orchestration.stages.rolling_up import roll_up_span_days
from tests.integration.sampled_world import (
    AS_OF,
    MADE,
    Days,
    checked,
    company,
    day,
    made,
    policy_with,
    sample,
    withhold,
)

POLICY = policy_with(budget={"per_day": 40}, traces={"ordinary_share": 0.3, "floor_per_service": 3})
NUMBER, MANY = 7, 10


@pytest.fixture(scope="module")
def world() -> dict[str, Days]:
    return company(seed=11, number=NUMBER)


@pytest.fixture(scope="module")
def in_one_range(world: dict[str, Days], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return pulled(tmp_path_factory.mktemp("range"), world, [range(NUMBER)])


@pytest.fixture
def closed(world: dict[str, Days], tmp_path: Path) -> Lake:
    return pulled(tmp_path, world, [range(NUMBER)])


def pulled(folder: Path, world: dict[str, Days], pulls: Iterable[Iterable[int]]) -> Lake:
    """A lake into which the days came by these pulls, with the stage run after each."""
    lake = Lake(folder)
    for numbers in pulls:
        days = [day(n) for n in numbers]
        for dataset, rows in world.items():
            for one in days:
                checked(lake, dataset, one, rows[one])
        sample(lake, days, POLICY, world)
    return lake


def rows(lake: Lake, dataset: str) -> pl.DataFrame:
    return lake.scan(lake.keys(f"sampled/{dataset}"), "records", pl.Schema()).collect()


def shuffled(seed: int) -> list[list[int]]:
    order = list(range(NUMBER))
    random.Random(seed).shuffle(order)
    return [order[:2], *([n] for n in order[2:])]


@pytest.mark.parametrize(
    "pulls",
    [
        pytest.param([[n] for n in range(NUMBER)], id="day by day"),
        pytest.param([[n] for n in reversed(range(NUMBER))], id="backwards"),
        pytest.param([range(NUMBER), range(NUMBER)], id="twice"),
        *(pytest.param(shuffled(seed), id=f"shuffled {seed}") for seed in range(3)),
    ],
)
def test_any_order_of_pulls_gives_the_same_tables(
    world: dict[str, Days], in_one_range: Lake, tmp_path: Path, pulls: list[list[int]]
) -> None:
    assert made(pulled(tmp_path, world, pulls)) == made(in_one_range)


@pytest.mark.deep
def test_ten_days_in_one_range_day_by_day_and_backwards_give_the_same_tables(tmp_path: Path) -> None:
    world = company(seed=12, number=MANY)
    in_one_range = pulled(tmp_path / "range", world, [range(MANY)])
    for name, order in (("by day", range(MANY)), ("backwards", reversed(range(MANY)))):
        assert made(pulled(tmp_path / name, world, [[n] for n in order])) == made(in_one_range)


def test_the_world_has_every_kind_of_trace(in_one_range: Lake) -> None:
    """Else the orders would be equal for want of anything that could differ."""
    reasons = {
        reason for dataset in ("otel/spans", "otel/logs") for reason in rows(in_one_range, dataset)["kept_because"]
    }
    assert reasons >= {"crosses_midnight", "error", "slow", "new_template", "floor", "share", "template_share"}
    stored = [in_one_range.read(key, "rates").row(0, named=True) for key in in_one_range.keys("rates")]
    assert stored[0]["ordinary"] == 0.3
    assert stored[0]["day_count"] == 0
    assert len({rates["ordinary"] for rates in stored}) > 2
    assert min(rates["prioritised"] for rates in stored) < 1


def test_a_trace_has_one_weight_on_all_its_days_and_in_all_sources(in_one_range: Lake) -> None:
    kept = pl.concat(
        rows(in_one_range, dataset).select("trace_id", "weight", "kept_because", "event_at")
        for dataset in ("otel/spans", "edge/spans", "otel/logs")
    ).drop_nulls("trace_id")
    assert kept.group_by("trace_id").agg(pl.col("weight").n_unique())["weight"].max() == 1
    days = kept.group_by("trace_id").agg(pl.col("event_at").dt.date().n_unique(), pl.col("kept_because").first())
    assert set(days.filter(pl.col("event_at") > 1)["kept_because"]) == {"crosses_midnight"}


def test_every_trace_is_kept_whole_or_not_at_all(world: dict[str, Days], in_one_range: Lake) -> None:
    kept = rows(in_one_range, "otel/spans")
    offered = [row["trace_id"] for spans in world["otel/spans"].values() for row in spans]
    counted = kept.group_by("trace_id").len()
    assert all(offered.count(trace) == count for trace, count in counted.iter_rows())


def test_what_the_budget_cut_is_said(in_one_range: Lake) -> None:
    for key in in_one_range.keys("sampled/otel/spans"):
        manifest = in_one_range.manifest(key)
        assert manifest is not None
        outcomes = in_one_range.read(key, "outcomes")
        assert manifest.counts["sampled"] == outcomes["kept_rows"].sum() == manifest.tables["records"].rows
        failing = in_one_range.read(key.replace("sampled", "checked")).filter(pl.col("status") == "error")["trace_id"]
        lost = set(failing) - set(in_one_range.read(key)["trace_id"])
        assert manifest.counts.get("cut_error_traces", 0) >= len(lost)
        if in_one_range.read(rates_key(key.rsplit("/", 1)[1]), "rates")["prioritised"][0] == 1:
            assert not lost
    cut = [
        made.counts.get("cut_error_traces", 0)
        for key in in_one_range.keys("sampled")
        if (made := in_one_range.manifest(key))
    ]
    assert sum(cut) > 0


def test_late_spans_make_the_days_that_depend_on_them_again_and_no_other(
    world: dict[str, Days], closed: Lake, tmp_path: Path
) -> None:
    """A span that comes days late belongs to the day it happened on."""
    late = {"record_id": "late", "trace_id": "02-0001", "span_id": "late", "service": "pay", "operation": "pay op"}
    changed = [*world["otel/spans"][day(2)], {**late, "duration_ns": 1, "status": "error"}]
    checked(closed, "otel/spans", day(2), changed)
    again = sample(closed, [day(2)], POLICY, world)
    assert day(2) in again["otel/spans"]
    assert not {day(0)} & set(again["otel/spans"])
    fresh = pulled(
        tmp_path / "fresh", {**world, "otel/spans": {**world["otel/spans"], day(2): changed}}, [range(NUMBER)]
    )
    assert made(closed) == made(fresh)


def test_a_day_made_again_leaves_the_rollups_of_later_days_and_judges_anew_what_is_slow(
    world: dict[str, Days], closed: Lake
) -> None:
    def written(state: str) -> int:
        return (closed.root / state / "otel/spans" / day(3) / "manifest.json").stat().st_ino

    before = {state: written(state) for state in ("rollups", "traits")}
    slower = [{**row, "duration_ns": row["duration_ns"] * 10} for row in world["otel/spans"][day(2)]]
    checked(closed, "otel/spans", day(2), slower)
    tally = roll_up_span_days(closed, "otel", [day(2)], POLICY, AS_OF)
    assert tally.days[day(2)] == {"rolled_up": len(slower), "traces": len({row["trace_id"] for row in slower})}
    assert written("rollups") == before["rollups"]
    assert written("traits") != before["traits"]


def test_the_same_day_again_makes_nothing_again(world: dict[str, Days], closed: Lake) -> None:
    assert sample(closed, [day(3)], POLICY, world) == {name: [] for name in world}


@pytest.fixture
def in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """POLICY as the deployment's own file."""
    (tmp_path / "config" / "policies").mkdir(parents=True)
    (tmp_path / "config" / "policies" / "sampling.yml").write_text(POLICY.model_dump_json())
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path / "config"))


def stale(lake: Lake) -> list[str]:
    otel = load_sources()["otel"]
    return stale_days(lake, [otel, otel.model_copy(update={"name": "edge"})], ())


@pytest.mark.usefixtures("in_force")
def test_planning_finds_the_days_that_a_refreshed_neighbour_left_behind(world: dict[str, Days], closed: Lake) -> None:
    """As after a kill between two stages: the day itself is current, what follows from it is not."""
    assert stale(closed) == []
    failing = [{**row, "status": "error"} for row in world["otel/spans"][day(2)]]
    checked(closed, "otel/spans", day(2), failing)
    assert stale(closed) == [day(2)]
    roll_up_span_days(closed, "otel", [day(2)], POLICY, AS_OF)
    assert {day(1), day(2), day(3)} <= set(stale(closed))
    sample(closed, stale(closed), POLICY, world)
    assert stale(closed) == []


@pytest.mark.usefixtures("in_force")
def test_a_day_the_gate_withholds_later_leaves_no_trace_in_its_neighbours(
    world: dict[str, Days], closed: Lake, tmp_path: Path
) -> None:
    for dataset in world:
        withhold(closed, dataset, day(3))
    assert stale(closed)
    sample(closed, [day(3)], POLICY, world)
    assert not any(key.endswith(day(3)) for state in MADE for key in closed.keys(state))
    assert stale(closed) == []
    without = {name: {one: rows for one, rows in days.items() if one != day(3)} for name, days in world.items()}
    others = [n for n in range(NUMBER) if n != 3]
    assert made(closed) == made(pulled(tmp_path / "fresh", without, [others]))


def expire(lake: Lake, of: str, states: Iterable[str]) -> None:
    for state in states:
        for key in lake.keys(state):
            if key.endswith(of):
                lake.remove(key)


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": {"per_day": None}},
        {"budget": {"follows_days": 1}},
        {"traces": {"slow_days": 1}},
    ],
)
def test_a_policy_that_looks_at_fewer_days_gives_what_it_would_have_given_at_once(
    world: dict[str, Days], closed: Lake, tmp_path: Path, changes: dict[str, dict[str, object]]
) -> None:
    every = [day(n) for n in range(NUMBER)]
    stated = POLICY.model_dump()
    other = SamplingPolicy.model_validate(
        {**stated, **{section: {**stated[section], **values} for section, values in changes.items()}}
    )
    sample(closed, every, other, world)
    fresh = Lake(tmp_path / "fresh")
    for dataset, days in world.items():
        for of, of_day in days.items():
            checked(fresh, dataset, of, of_day)
    sample(fresh, every, other, world)
    assert made(closed) == made(fresh)


def test_a_closed_day_keeps_its_rates_and_rows_under_another_policy(world: dict[str, Days], closed: Lake) -> None:
    expire(closed, day(2), ["checked"])
    before = made(closed)
    other = policy_with(budget={"per_day": 40}, traces={"ordinary_share": 0.9})
    sample(closed, [day(n) for n in range(NUMBER)], other, world)
    after = made(closed)
    kept = {key for key in before if key.endswith(day(2))}
    assert {rates_key(day(2)), f"sampled/otel/spans/{day(2)}"} < kept
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert after[f"sampled/otel/spans/{day(1)}"] != before[f"sampled/otel/spans/{day(1)}"]
    weights = rows(closed, "otel/spans").group_by("trace_id").agg(pl.col("weight").n_unique())["weight"]
    assert weights.max() == 1


@pytest.mark.usefixtures("in_force")
def test_what_an_expired_neighbour_told_is_not_forgotten(world: dict[str, Days], closed: Lake) -> None:
    before = made(closed)
    for gone in (day(0), day(1)):
        expire(closed, gone, ["checked", "traits", "rates", "rollups", "sampled"])
    assert stale(closed) == []
    sample(closed, [day(n) for n in range(NUMBER)], POLICY, world)
    assert made(closed) == {key: digest for key, digest in before.items() if key[-10:] > day(1)}


def test_a_day_with_no_rows_is_a_day(tmp_path: Path) -> None:
    lake, datasets = Lake(tmp_path), ("otel/logs", "otel/spans")
    for dataset in datasets:
        checked(lake, dataset, day(0), [])
    sample(lake, [day(0)], POLICY, datasets)
    for dataset in datasets:
        manifest = lake.manifest(f"sampled/{dataset}/{day(0)}")
        assert manifest is not None
        assert (manifest.counts["sampled"], manifest.counts["sampled_out"]) == (0, 0)
    checked(lake, "otel/spans", day(1), [{"trace_id": "t", "record_id": "r", "span_id": "s", "duration_ns": 1}])
    sample(lake, [day(1)], POLICY, datasets)
    assert lake.read(rates_key(day(1)), "rates").row(0) == (0.3, 0.25, 1.0, 1)


def spans_of(service: str, number: int, **values: object) -> list[dict[str, object]]:
    common = {"service": service, "operation": f"{service} op", "duration_ns": 1_000, "status": "ok", **values}
    return [
        {**common, "trace_id": f"{service}{n}", "record_id": f"{service}{n}", "span_id": "s", "at": n % 86_400}
        for n in range(number)
    ]


def test_a_service_with_nearly_all_rows_leaves_the_others_their_floor(tmp_path: Path) -> None:
    lake, policy = Lake(tmp_path), policy_with(traces={"ordinary_share": 0.01, "rare_share": 0, "floor_per_service": 5})
    checked(lake, "otel/spans", day(0), [*spans_of("loud", 9_900), *spans_of("calm", 96), *spans_of("tiny", 4)])
    sample(lake, [day(0)], policy, ["otel/spans"])
    kept = rows(lake, "otel/spans").group_by("service").agg(pl.len(), pl.col("weight").sum()).sort("service").rows()
    (calm, calm_count, _), (loud, loud_count, _), tiny = kept
    assert (calm, loud, tiny) == ("calm", "loud", ("tiny", 4, 4.0))
    assert calm_count >= 5
    assert 60 <= loud_count <= 140


def test_a_budget_holds_from_the_second_day_on_and_cuts_no_error_it_need_not(tmp_path: Path) -> None:
    lake, policy = Lake(tmp_path), policy_with(budget={"per_day": 500})
    for n in range(5):
        failing = [{**row, "trace_id": f"f{n}-{row['trace_id']}", "status": "error"} for row in spans_of("pay", 100)]
        fine = [{**row, "trace_id": f"{n}-{row['trace_id']}"} for row in spans_of("cart", 8_000)]
        checked(lake, "otel/spans", day(n), [*failing, *fine])
    sample(lake, [day(n) for n in range(5)], policy, ["otel/spans"])
    found = [lake.read(f"sampled/otel/spans/{day(n)}") for n in range(5)]
    assert found[0].height > 1_900  # the policy's share: no day before it
    assert all(450 < frame.height < 550 for frame in found[1:])
    assert all((frame["kept_because"] == "error").sum() == 100 for frame in found)


def test_a_service_whose_clock_is_hours_off_has_its_traces_on_two_days_kept(tmp_path: Path) -> None:
    lake, policy = Lake(tmp_path), policy_with(traces={"ordinary_share": 0.01, "rare_share": 0})
    checked(lake, "otel/spans", day(0), spans_of("cart", 2_000))
    checked(lake, "otel/spans", day(1), [{**row, "span_id": "late"} for row in spans_of("cart", 50)])
    sample(lake, [day(0), day(1)], policy, ["otel/spans"])
    told = [lake.read(f"sampled/otel/spans/{day(n)}", "outcomes") for n in (0, 1)]
    crossing = [frame.filter(pl.col("reason") == "crosses_midnight")["kept_rows"].sum() for frame in told]
    assert crossing == [50, 50]


def test_the_keys_a_day_is_made_from_are_of_every_source() -> None:
    depends = Dependencies(["edge", "otel"], POLICY)
    samples = depends.samples("otel", "logs", day(1))
    assert samples[:2] == [f"checked/otel/logs/{day(1)}", f"rollups/otel/logs/{day(1)}"]
    assert set(samples[2:]) == {
        *(
            f"traits/{source}/{signal}/{day(n)}"
            for source in ("edge", "otel")
            for signal in ("spans", "logs")
            for n in range(3)
        ),
        *(rates_key(day(n)) for n in range(3)),
    }


def test_without_a_budget_rates_follow_from_no_day() -> None:
    assert Dependencies(["otel"], policy_with()).rates(day(5)) == []
    assert len(Dependencies(["otel"], POLICY).rates(day(5))) == 4
