"""A steward's day, killed anywhere and done again, ends as an undisturbed one: nothing lost, nothing twice."""

import pytest

from tests.killed_desk import STEPS, desks, moments

SEEDS = range(10)
FEW = ("gate", "release", "waive", "replay", "publish")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with desks(tmp_path_factory.mktemp("desks")) as made:
        yield made


def test_an_undisturbed_day_decides_what_it_should(desk):
    outcome = desk.undisturbed
    assert (outcome.problems, outcome.left_over) == ((), [])
    assert [row[3:7] for row in outcome.published] == [(300, 7, 0, 0), (293, 0, 0, 7), (150, 0, 150, 0)]


@pytest.mark.parametrize("step", FEW)
def test_a_day_that_is_killed_ends_as_an_undisturbed_one(desk, step):
    part = dict(moments(FEW.index(step)))[step]
    assert desk.run(f"few-{step}", step, part) == desk.undisturbed


@pytest.mark.exhaustive
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_that_is_killed_anywhere_ends_as_an_undisturbed_one(desk, seed, step):
    assert desk.run(f"{seed}-{step}", step, dict(moments(100 + seed))[step]) == desk.undisturbed
