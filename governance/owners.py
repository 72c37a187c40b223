"""Which team answers for a service: policies/owners.yml. No service is without an owner."""

from __future__ import annotations

from fnmatch import fnmatchcase

import polars as pl
from pydantic import Field, field_validator, model_validator

from governance.policy import Policy, Strict, load_policy

ANY = "*"
OWNERS_SCHEMA = pl.Schema({"service": pl.String, "owner_team": pl.String, "owner_email": pl.String})


class Team(Strict):
    """Who answers."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    services: tuple[str, ...] = ()


class OwnersPolicy(Policy):
    """Teams with the services they own, exact names or patterns with `*`, and the team that owns the rest."""

    default: str
    teams: dict[str, Team]

    @model_validator(mode="after")
    def every_service_has_one_owner(self) -> OwnersPolicy:
        if self.default not in self.teams:
            raise ValueError(f"default {self.default} is no team; allowed: {', '.join(sorted(self.teams))}")
        seen: dict[str, str] = {}
        for name, team in self.teams.items():
            for service in team.services:
                if service in seen:
                    raise ValueError(f"service {service} has two owners, {seen[service]} and {name}; leave one")
                seen[service] = name
        return self

    @field_validator("teams")
    @classmethod
    def default_is_not_a_pattern(cls, value: dict[str, Team]) -> dict[str, Team]:
        if any(ANY in team.services for team in value.values()):
            raise ValueError("services: * is not allowed; name the team of all other services as default")
        return value

    def owner_of(self, service: str) -> str:
        """The team of a service: by exact name, else by the longest pattern that fits, else the default."""
        owners = {pattern: name for name, team in self.teams.items() for pattern in team.services}
        if service in owners:
            return owners[service]
        fitting = sorted((p for p in owners if ANY in p and fnmatchcase(service, p)), key=lambda p: (-len(p), p))
        return owners[fitting[0]] if fitting else self.default

    def as_frame(self, services: tuple[str, ...] = ()) -> pl.DataFrame:
        """One row per service named in the policy or in `services`, and `*` for all others (OWNERS_SCHEMA).

        Patterns are kept as they are; pass the services that exist to have them resolved.
        """
        named = {service for team in self.teams.values() for service in team.services} | set(services)
        rows = [(service, self.owner_of(service)) for service in sorted(named)] + [(ANY, self.default)]
        return pl.DataFrame(
            [(service, team, self.teams[team].email) for service, team in rows], OWNERS_SCHEMA, orient="row"
        )


def load_owners() -> OwnersPolicy:
    """policies/owners.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("owners", OwnersPolicy)
