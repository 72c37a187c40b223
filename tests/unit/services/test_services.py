"""What services are there for, with one owner each and journeys that exist: policies/services.yml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from governance.errors import PolicyError
from governance.owners import load_owners
from governance.services import SERVICE_JOURNEYS_SCHEMA, ServicesPolicy, check_owners, load_services

WORTH = {"value": 2.5, "currency": "EUR", "source": "margin", "author": "a@example.com", "date": "2026-01-05"}
JOURNEYS = {"buy": {"unit": "order", "worth": WORTH}, "look": {"unit": "view", "worth": None}}


def policy(services: dict[str, Any], journeys: dict[str, Any] = JOURNEYS) -> ServicesPolicy:
    given = {"owner": "o", "reason": "r", "journeys": journeys, "services": services}
    return ServicesPolicy.model_validate(given)


def test_a_service_stands_once_for_each_journey_with_what_a_success_is_worth() -> None:
    served = policy({"cart": {"journeys": ["look", "buy"], "outcomes": ["trust", "revenue"]}})
    frame = served.as_frame(load_owners())
    assert frame.schema == SERVICE_JOURNEYS_SCHEMA
    assert frame.select("service", "journey", "owner_team", "outcome_tags", "unit_value", "currency").rows() == [
        ("cart", "buy", "payments", "revenue, trust", 2.5, "EUR"),
        ("cart", "look", "payments", "revenue, trust", None, None),
    ]


def test_a_journey_that_no_service_is_named_for_keeps_its_worth() -> None:
    frame = policy({"cart": {"journeys": ["look"]}}).as_frame(load_owners())
    assert frame.filter(frame["service"].is_null()).select("journey", "unit_value").rows() == [("buy", 2.5)]


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({"cart": {"journeys": ["bye"]}}, "names the journey bye, which does not exist; did you mean buy.*buy, look"),
        ({"cart": {"journeys": ["buy", "buy"]}}, "buy is named twice; leave one"),
        ({"cart": {"journeys": []}}, "at least 1 item"),
    ],
)
def test_a_journey_that_does_not_exist_is_refused_with_those_that_do(services: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        policy(services)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"currency": "euros"}, "should match pattern"),
        ({"value": 0}, "greater than 0"),  # a worth nobody knows is null
        ({"author": "somebody"}, "should match pattern"),
        ({"date": None}, "valid date"),
    ],
)
def test_a_worth_has_a_currency_an_author_and_a_date(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        policy({}, {"buy": {"unit": "order", "worth": {**WORTH, **wrong}}})


@pytest.mark.parametrize(
    ("service", "served", "said"),
    [
        ("chekout", {}, "services.chekout is no service that policies/owners.yml names; did you mean checkout.*cart"),
        (
            "checkout",
            {"owner": "storefront"},
            "has two owners, storefront here and payments in policies/owners",
        ),
    ],
)
def test_a_service_is_known_and_has_one_owner(service: str, served: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        check_owners(policy({service: {"journeys": ["buy"], **served}}), load_owners())


@pytest.mark.parametrize("service", ["checkout", "auth-api"])
def test_a_service_is_known_by_its_name_or_a_pattern(service: str) -> None:
    check_owners(policy({service: {"journeys": ["buy"], "owner": load_owners().owner_of(service)}}), load_owners())


def test_owners_of_a_deployment_need_not_name_the_simulated_companys_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policies").mkdir()
    own = "owner: o\nreason: r\ndefault: us\nteams: {us: {email: us@example.org, services: [shop]}}\n"
    (tmp_path / "policies" / "owners.yml").write_text(own)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    assert "checkout" in load_services().services
    (tmp_path / "policies" / "services.yml").write_text(
        "owner: o\nreason: r\njourneys: {buy: {unit: order, worth: null}}\nservices: {checkout: {journeys: [buy]}}\n"
    )
    with pytest.raises(PolicyError, match=r"services.checkout is no service .*allowed: shop"):
        load_services()
