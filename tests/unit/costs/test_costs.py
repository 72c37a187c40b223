"""A price has a currency, or nothing is known of money."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from governance.costs import COSTS_SCHEMA, CostsPolicy, load_costs


def policy(price: float | None, currency: str | None) -> CostsPolicy:
    given = {"owner": "o", "reason": "r", "price_per_gigabyte": price, "currency": currency}
    return CostsPolicy.model_validate(given)


@pytest.mark.parametrize(("price", "currency"), [(0.3, "EUR"), (0.0, "USD"), (None, None)])
def test_a_price_stands_in_one_row(price: float | None, currency: str | None) -> None:
    frame = policy(price, currency).as_frame()
    assert frame.schema == COSTS_SCHEMA
    assert frame.select("price_per_gigabyte", "currency").rows() == [(price, currency)]


@pytest.mark.parametrize(
    ("price", "currency", "said"),
    [
        (0.3, None, "price_per_gigabyte is 0.3 and currency None; expected both"),
        (None, "EUR", "expected both, or null for both"),
        (-1.0, "EUR", "greater than or equal to 0"),
        (1.0, "euros", "should match pattern"),
    ],
)
def test_half_a_price_is_refused(price: float | None, currency: str | None, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        policy(price, currency)


def test_no_price_is_made_up() -> None:
    assert load_costs().price_per_gigabyte is None
