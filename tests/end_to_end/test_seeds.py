"""Whatever the seed, every planted problem is found: the ranking is not tuned to one draw."""

import pytest


def assert_the_ranking_holds(new_deployment, planted, scenario, seed):
    deployment = new_deployment(f"{scenario}-{seed}").simulate(scenario=scenario, seed=seed)
    deployment.run()
    planted.assert_found(deployment)
    planted.assert_noise_is_low(deployment)


def test_the_planted_problems_lead_the_ranking(new_deployment, planted):
    assert_the_ranking_holds(new_deployment, planted, "default", 2)


@pytest.mark.exhaustive
def test_another_scenario_is_found_as_well(new_deployment, planted):
    assert_the_ranking_holds(new_deployment, planted, "migration", 1)


@pytest.mark.exhaustive
def test_a_quiet_company_has_no_worst_pain_points(new_deployment):
    deployment = new_deployment("quiet").simulate(scenario="quiet", seed=1, days=21)
    deployment.run()
    assert len(deployment.rows("select * from rpt_pain_points where confidence > 0.8 and accounts > 20")) <= 2


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.deep if seed < 5 else pytest.mark.exhaustive) for seed in range(3, 21)],
)
def test_the_planted_problems_lead_whatever_the_seed(new_deployment, planted, seed):
    assert_the_ranking_holds(new_deployment, planted, "default", seed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2, 6))
def test_another_scenario_is_found_whatever_the_seed(new_deployment, planted, seed):
    assert_the_ranking_holds(new_deployment, planted, "migration", seed)
