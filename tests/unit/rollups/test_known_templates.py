from datetime import date, timedelta

import polars as pl
import pytest

from governance.sampling import load_sampling_policy
from orchestration.rollups.known_templates import NO_PAST, carry, still_known
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA

DAY = date(2026, 5, 4)
POLICY = load_sampling_policy().rollups.templates.model_copy(update={"forget_after_days": 7})


def met(*ids: str, text: str = "a") -> pl.DataFrame:
    columns = dict.fromkeys(("service", "severity", "template_id", "template"), pl.String)
    return pl.DataFrame([("cart", None, one, text) for one in ids], schema=columns, orient="row")


def after(*days: tuple[int, tuple[str, ...]]) -> pl.DataFrame:
    """What is known after those days were met with those ids."""
    known = NO_PAST.known
    for offset, ids in days:
        day = DAY + timedelta(days=offset)
        known = carry(still_known(known, day, POLICY), met(*ids), day, POLICY)
    return known


def test_a_day_without_a_past_knows_what_it_met() -> None:
    known = after((0, ("x",)))
    assert known.schema == KNOWN_TEMPLATES_SCHEMA
    assert known.rows() == [("cart", None, "x", "a", DAY, DAY)]


def test_first_and_last_days_are_carried_on() -> None:
    known = after((0, ("x", "y")), (2, ("x",)))
    last = DAY + timedelta(days=2)
    assert known.select("template_id", "first_seen_on", "last_seen_on").rows() == [("x", DAY, last), ("y", DAY, DAY)]


def test_what_a_template_has_become_is_carried_on() -> None:
    known = carry(after((0, ("x",))), met("x", text="more general"), DAY, POLICY)
    assert known["template"].to_list() == ["more general"]


@pytest.mark.parametrize(("pause", "is_known"), [(7, True), (8, False)])
def test_what_was_not_met_for_too_long_is_forgotten(pause: int, *, is_known: bool) -> None:
    assert ("x" in after((0, ("x",)), (pause, ("y",)))["template_id"].to_list()) is is_known


def test_days_in_between_change_nothing() -> None:
    assert after((0, ("x",)), (3, ()), (6, ("y",))).equals(after((0, ("x",)), (6, ("y",))))


def test_of_too_many_those_met_last_are_known() -> None:
    few = POLICY.model_copy(update={"max_known_per_service": 2})
    known = carry(after((0, ("x", "y"))), met("z"), DAY + timedelta(days=1), few)
    assert known["template_id"].to_list() == ["x", "z"]
