"""What collecting telemetry costs: policies/costs.yml. Without a price costs are told in rows and bytes alone."""

from __future__ import annotations

import polars as pl
from pydantic import Field, model_validator

from governance.faults import Misplaced
from governance.policy import Policy, load_policy

COSTS_SCHEMA = pl.Schema({"price_per_gigabyte": pl.Float64(), "currency": pl.String(), "policy_digest": pl.String()})


class CostsPolicy(Policy):
    """The price of 10^9 bytes as they are in their source, in `currency` (ISO 4217); both null: unknown."""

    price_per_gigabyte: float | None = Field(ge=0)
    currency: str | None = Field(pattern=r"^[A-Z]{3}$")

    @model_validator(mode="after")
    def a_price_has_a_currency(self) -> CostsPolicy:
        if (self.price_per_gigabyte is None) != (self.currency is None):
            raise Misplaced(
                f"price_per_gigabyte is {self.price_per_gigabyte} and currency {self.currency};"
                " expected both, or null for both",
                "price_per_gigabyte",
            )
        return self

    def as_frame(self) -> pl.DataFrame:
        """One row (COSTS_SCHEMA)."""
        row = {"price_per_gigabyte": self.price_per_gigabyte, "currency": self.currency, "policy_digest": self.digest}
        return pl.DataFrame([row], schema=COSTS_SCHEMA)


def load_costs() -> CostsPolicy:
    """policies/costs.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("costs", CostsPolicy)
