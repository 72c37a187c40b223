"""How changes, deployments and incidents are tied to each other: policies/changes.yml, as rows that models read."""

from __future__ import annotations

import polars as pl
from pydantic import Field, model_validator

from governance.faults import Misplaced
from governance.owners import ANY
from governance.policy import Policy, Strict, load_policy

# One row per service or pattern; `like_pattern` is the same for SQL's `like` with ! as its escape.
CHANGE_RULES_SCHEMA = pl.Schema(
    {
        "service": pl.String(),
        "like_pattern": pl.String(),
        "incident_hours": pl.Float64(),
        "same_service_confidence": pl.Float64(),
        "later_commit_confidence": pl.Float64(),
        "next_deployment_confidence": pl.Float64(),
        "performance_weeks": pl.Int32(),
        "policy_digest": pl.String(),
    }
)


class Rule(Strict):
    """What holds for a service, or for those that fit a pattern with *."""

    service: str = Field(min_length=1)
    incident_hours: float = Field(gt=0, le=24 * 30)
    same_service_confidence: float = Field(gt=0, le=1)
    later_commit_confidence: float = Field(gt=0, le=1)
    next_deployment_confidence: float = Field(gt=0, le=1)


class ChangesPolicy(Policy):
    """`policies/changes.yml`; the file explains each parameter."""

    performance_weeks: int = Field(ge=4, le=52)
    services: tuple[Rule, ...]

    @model_validator(mode="after")
    def every_service_has_one_rule(self) -> ChangesPolicy:
        names = [rule.service for rule in self.services]
        if twice := [number for number, name in enumerate(names) if name in names[:number]]:
            raise Misplaced(f"services: {names[twice[0]]} has two rules; leave one", "services", twice[0])
        if ANY not in names:
            said = f'services: expected a rule for "{ANY}", every service without one of its own'
            raise Misplaced(said, "services")
        return self

    def as_frame(self) -> pl.DataFrame:
        """One row per rule (CHANGE_RULES_SCHEMA)."""
        rows = [
            {
                **rule.model_dump(),
                "like_pattern": _like(rule.service),
                "performance_weeks": self.performance_weeks,
                "policy_digest": self.digest,
            }
            for rule in self.services
        ]
        return pl.DataFrame(rows, schema=CHANGE_RULES_SCHEMA)


def load_changes() -> ChangesPolicy:
    """policies/changes.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("changes", ChangesPolicy)


def _like(pattern: str) -> str:
    """A name or pattern with * for `like ... escape '!'`."""
    for special in "!_%":
        pattern = pattern.replace(special, f"!{special}")
    return pattern.replace(ANY, "%")
