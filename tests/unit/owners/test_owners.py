"""Every service has exactly one owner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from governance.owners import OWNERS_SCHEMA, OwnersPolicy, load_owners


def policy(**services: list[str]) -> OwnersPolicy:
    teams = {name: {"email": f"{name}@example.com", "services": owned} for name, owned in services.items()}
    return OwnersPolicy.model_validate({"owner": "o", "reason": "r", "default": "rest", "teams": teams | {
        "rest": {"email": "rest@example.com"}}})  # fmt: skip


@pytest.mark.parametrize(
    ("service", "team"),
    [
        ("auth", "one"),
        ("auth-api", "two"),
        ("auth-api-7", "three"),  # the longest pattern that fits
        ("auth-api-8", "one"),  # an exact name wins over every pattern
        ("cart", "rest"),
    ],
)
def test_the_most_exact_rule_wins(service: str, team: str) -> None:
    rules = policy(one=["auth", "auth-api-8"], two=["auth-*"], three=["auth-api-*"])
    assert rules.owner_of(service) == team


@given(st.text(max_size=30))
def test_no_service_is_without_an_owner(service: str) -> None:
    owners = load_owners()
    assert owners.owner_of(service) in owners.teams


def test_the_frame_ends_with_the_default() -> None:
    frame = policy(one=["auth-*"]).as_frame(("auth-x", "cart"))
    assert frame.schema == OWNERS_SCHEMA
    assert dict(frame.select("service", "owner_team").iter_rows()) == {
        "auth-*": "one",
        "auth-x": "one",
        "cart": "rest",
        "*": "rest",
    }


def test_two_owners_of_one_service_are_refused() -> None:
    with pytest.raises(ValidationError, match="cart has two owners"):
        policy(one=["cart"], two=["cart"])


def test_a_service_given_twice_to_its_owner_is_told_as_that() -> None:
    with pytest.raises(ValidationError, match="cart is there twice for its owner one; leave it there once"):
        policy(one=["cart", "cart"])


def test_the_default_must_be_a_team() -> None:
    with pytest.raises(ValidationError, match="default nobody is no team"):
        OwnersPolicy.model_validate({"owner": "o", "reason": "r", "default": "nobody", "teams": {}})
