"""Age decides, counted from the pull; nothing may expire before what it is made from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from governance.retention import MADE_FROM, Grains, RetentionPolicy, expired, load_retention

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


GRAINS = {"minutes_kept_for_days": 14, "hours_kept_for_days": 100, "reason": "r"}


def policy(**days: int | None) -> RetentionPolicy:
    states = {state: {"days": days.get(state, 400), "reason": "r"} for state in MADE_FROM}
    own = {"rollup_grains": GRAINS, "run_events": {"days": 14, "reason": "r"}}
    return RetentionPolicy.model_validate({"owner": "o", "reason": "r", "states": states, **own})


@pytest.mark.parametrize(
    ("key", "age", "is_over"),
    [
        ("landing/otel/spans/2020-01-01", timedelta(days=7), True),
        # an old event pulled yesterday is young
        ("landing/otel/spans/2020-01-01", timedelta(days=1), False),
        ("landing/otel/spans/2026-02-28", timedelta(days=7, seconds=-1), False),
        ("received/otel/abc", timedelta(days=8), True),
        ("held/otel/spans/2026-02-28", timedelta(days=8), True),
        ("quarantine/otel/spans/2026-02-28", timedelta(days=89), False),
        ("sampled/otel/spans/2026-02-28", timedelta(days=400), True),
        # states of the product's own are not the policy's
        ("retention/landing/2020-01-01", timedelta(days=4000), False),
        ("publications/analyst", timedelta(days=4000), False),
    ],
)
def test_age_counts_from_the_pull(key: str, age: timedelta, is_over: bool) -> None:  # noqa: FBT001
    assert expired([(key, NOW - age)], NOW, load_retention()) == ([key] if is_over else [])


def test_without_days_a_state_is_kept_for_ever() -> None:
    assert expired([("sampled/a/b/c", datetime(1990, 1, 1, tzinfo=UTC))], NOW, policy(sampled=None)) == []


@given(st.integers(1, 400), st.integers(0, 1000), st.integers(0, 1000))
def test_what_is_over_stays_over(days: int, age: int, later: int) -> None:
    partition, rules = [("sampled/a/b/c", NOW - timedelta(days=age))], policy(
        sampled=400, checked=400, anonymized=days, quarantine=400, landing=1, received=1
    )  # fmt: skip
    assert set(expired(partition, NOW, rules)) <= set(expired(partition, NOW + timedelta(days=later), rules))


def test_raw_text_is_kept_no_longer_than_a_week() -> None:
    states = load_retention().states
    assert {states[raw].days for raw in ("received", "landing", "held")} == {7}


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"landing": 8, "received": 7, "held": 7}, "landing is kept longer than held"),
        ({"checked": None}, "checked is kept longer than traits"),
        ({"sampled": 0}, "greater than or equal to 1"),
    ],
)
def test_a_policy_that_would_bring_back_the_expired_is_refused(days: dict[str, int | None], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        policy(**days)
    assert said in str(caught.value)


def test_every_state_must_be_named() -> None:
    with pytest.raises(ValidationError, match="states lacks anonymized, checked"):
        RetentionPolicy.model_validate({"owner": "o", "reason": "r", "states": {"landing": {"days": 7, "reason": "r"}}})


@pytest.mark.parametrize(
    ("age", "grain"), [(-1, "minute"), (14, "minute"), (15, "hour"), (100, "hour"), (101, "day"), (9999, "day")]
)
def test_rollups_become_coarser_with_age(age: int, grain: str) -> None:
    assert Grains.model_validate(GRAINS).at_age(age) == grain


def test_minutes_are_not_kept_longer_than_hours() -> None:
    with pytest.raises(ValidationError, match="minutes_kept_for_days is 200, hours_kept_for_days 100; expected"):
        Grains.model_validate({**GRAINS, "minutes_kept_for_days": 200})
