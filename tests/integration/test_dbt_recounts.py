"""Every metric says what plain Python counts in the records themselves, for made-up companies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.serving.metrics import Question
from tests.integration.company_figures import RECOUNTS, CompanyFigures
from tests.integration.reading import answers, catalogue, differing, rows_of
from tests.integration.recounting import assert_recounted
from tests.integration.small_company import generated

SEEDS = [range(5), pytest.param(range(100, 150), marks=pytest.mark.deep)]


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seeds: f"{len(seeds)} seeds")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[CompanyFigures, Path]:
    seeds: Iterable[int] = request.param
    made = generated(seeds)
    return CompanyFigures(made), made.built(tmp_path_factory.mktemp("recounts"))


@pytest.mark.parametrize("name", RECOUNTS)
def test_the_metric_says_what_a_recount_says(world: tuple[CompanyFigures, Path], name: str) -> None:
    figures, warehouse = world
    assert_recounted(warehouse, name, RECOUNTS[name], figures)


@pytest.mark.parametrize("name", RECOUNTS)
def test_a_day_is_answered_alike_from_whichever_day_on_is_asked(world: tuple[CompanyFigures, Path], name: str) -> None:
    _, warehouse = world
    metric = next(one for one in catalogue(warehouse) if one.name == name)
    whole = [Question(name, by, grain="day") for by in ((), *((dimension,) for dimension in metric.dimensions))]
    for question, everything in zip(whole, answers(warehouse, whole), strict=True):
        days = sorted({period for period, *_ in everything})
        middle = days[len(days) // 2]
        (later,) = answers(warehouse, [replace(question, since=middle)])
        expected = {keys: value for keys, value in everything.items() if keys[0] >= middle}
        assert later.keys() == expected.keys()
        others = [keys for keys, value in expected.items() if later[keys] != value]  # sums of doubles by threads
        assert [later[keys] for keys in others] == pytest.approx([expected[keys] for keys in others], rel=1e-9)


def test_services_are_counted_by_the_day_and_over_all(world: tuple[CompanyFigures, Path]) -> None:
    figures, warehouse = world
    by_day = rows_of(warehouse, "fct_service_health_daily", "service", "event_date")
    assert differing(by_day, figures.service_days()) == []
    assert differing(rows_of(warehouse, "fct_service_health", "service"), figures.services()) == []


def test_every_ticket_has_its_times_plan_theme_and_rating(world: tuple[CompanyFigures, Path]) -> None:
    figures, warehouse = world
    assert differing(rows_of(warehouse, "fct_tickets", "ticket_id"), figures.told_tickets()) == []


def test_the_worlds_show_every_branch(world: tuple[CompanyFigures, Path]) -> None:
    figures, warehouse = world
    shown = {
        "fct_tickets": ("no_resolution_reason", {None, "open", "wrong_order", "creation_not_recorded"}),
        "fct_slo_days": ("no_figure_reason", {None, "no_data", "no_requests", "only_maintenance"}),
        "fct_survey_waves": ("no_score_reason", {None, "words_only", "too_few_respondents", "tells_of_few"}),
        "fct_loop_times": (
            "no_time_reason",
            {None, "open", "aged_out", "wrong_order", "begin_not_known", "older_than_records", "not_recorded"},
        ),
        "fct_journey_outcomes": (
            "no_value_reason",
            {None, "not_reported", "is_a_cost", "population_not_reported", "journey_not_named", "no_worth_stated"},
        ),
    }
    for mart, (column, reasons) in shown.items():
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            found = connection.execute(f"select distinct {column} from marts.{mart}").fetchall()
        assert {reason for (reason,) in found} >= reasons, mart
    known = {(row["received"] is None, row["kept"] is None) for row in figures.collected}
    assert known == {(True, True), (False, True), (False, False)}
