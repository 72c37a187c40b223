"""Which attributes of requests are estimated from the sample: policies/estimates.yml, typed, and as models read it."""

from __future__ import annotations

import polars as pl
from pydantic import Field, field_validator

from governance.policy import Policy, load_policy

# One row per attribute that is estimated.
REQUEST_ATTRIBUTES_SCHEMA = pl.Schema(
    {"attribute": pl.String(), "max_values_per_service": pl.Int64(), "policy_digest": pl.String()}
)


class EstimatesPolicy(Policy):
    """`policies/estimates.yml`."""

    request_attributes: tuple[str, ...] = Field(min_length=1, max_length=50)
    max_values_per_service: int = Field(ge=1, le=1000)

    @field_validator("request_attributes")
    @classmethod
    def are_told_apart(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value) or not all(value):
            raise ValueError("expected names of attributes, each once")
        return value

    def as_frame(self) -> pl.DataFrame:
        """One row per attribute (REQUEST_ATTRIBUTES_SCHEMA), by name."""
        rows = [(name, self.max_values_per_service, self.digest) for name in sorted(self.request_attributes)]
        return pl.DataFrame(rows, REQUEST_ATTRIBUTES_SCHEMA, orient="row")


def load_estimates_policy() -> EstimatesPolicy:
    """policies/estimates.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("estimates", EstimatesPolicy)
