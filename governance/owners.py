"""Which team answers for a service: policies/owners.yml. No service is without an owner."""

from __future__ import annotations

from fnmatch import fnmatchcase

import polars as pl
from pydantic import Field, field_validator, model_validator

from governance.errors import one_of
from governance.faults import Misplaced
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
            raise Misplaced(f"default {self.default} is no team; {one_of(self.default, self.teams)}", "default")
        seen: dict[str, str] = {}
        for name, team in self.teams.items():
            for number, service in enumerate(team.services):
                if service in seen:
                    twice = f"has two owners, {seen[service]} and {name}; leave one"
                    same = f"is there twice for its owner {name}; leave it there once"
                    said = f"service {service} {same if seen[service] == name else twice}"
                    raise Misplaced(said, "teams", name, "services", number)
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
