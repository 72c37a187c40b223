"""What services are there for, and what one success of a journey is worth: policies/services.yml."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import polars as pl
from pydantic import Field, field_validator, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import Misplaced
from governance.owners import ANY, OwnersPolicy, load_owners
from governance.policy import SHIPPED, Policy, Strict, config_file, load_policy

# One row per service and journey that needs it, and one without a service per journey that needs none.
SERVICE_JOURNEYS_SCHEMA = pl.Schema(
    {
        "service": pl.String(),
        "journey": pl.String(),
        "owner_team": pl.String(),
        "outcome_tags": pl.String(),
        "unit_name": pl.String(),
        "unit_value": pl.Float64(),
        "currency": pl.String(),
        "value_source": pl.String(),
        "value_author": pl.String(),
        "value_date": pl.Date(),
        "policy_digest": pl.String(),
    }
)


class Worth(Strict):
    """What one success is worth, in `currency` (ISO 4217), and who says so, from what and when."""

    value: float = Field(gt=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    source: str = Field(min_length=1)
    author: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    date: date


class Journey(Strict):
    """What somebody comes for; `unit` is what one success is called."""

    unit: str = Field(min_length=1)
    worth: Worth | None


class ServedJourneys(Strict):
    """The journeys that need a service, and tags of what comes of them."""

    journeys: tuple[str, ...] = Field(min_length=1)
    outcomes: tuple[str, ...] = ()
    owner: str | None = None

    @field_validator("journeys", "outcomes")
    @classmethod
    def nothing_is_named_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in value if value.count(name) > 1}):
            raise ValueError(f"{twice[0]} is named twice; leave one")
        return value


class ServicesPolicy(Policy):
    """Journeys with their worth, and the services they need."""

    journeys: dict[str, Journey]
    services: dict[str, ServedJourneys]

    @model_validator(mode="after")
    def every_journey_exists(self) -> ServicesPolicy:
        for service, served in self.services.items():
            for journey in served.journeys:
                if journey not in self.journeys:
                    raise Misplaced(
                        f"service {service} names the journey {journey}, which does not exist;"
                        f" {one_of(journey, self.journeys)}",
                        *("services", service, "journeys"),
                    )
        return self

    def as_frame(self, owners: OwnersPolicy) -> pl.DataFrame:
        """SERVICE_JOURNEYS_SCHEMA, sorted by service and journey."""
        needed = {journey for served in self.services.values() for journey in served.journeys}
        rows: list[tuple[str | None, str, str | None, str | None]] = [
            (service, journey, owners.owner_of(service), ", ".join(sorted(served.outcomes)))
            for service, served in sorted(self.services.items())
            for journey in sorted(served.journeys)
        ]
        rows += [(None, journey, None, None) for journey in sorted(self.journeys.keys() - needed)]
        return pl.DataFrame(
            [(*row, *self._worth_of(row[1]), self.digest) for row in rows], SERVICE_JOURNEYS_SCHEMA, orient="row"
        )

    def _worth_of(self, journey: str) -> tuple[object, ...]:
        told = self.journeys[journey]
        worth = told.worth
        if worth is None:
            return (told.unit, None, None, None, None, None)
        return (told.unit, worth.value, worth.currency, worth.source, worth.author, worth.date)


def check_owners(policy: ServicesPolicy, owners: OwnersPolicy) -> None:
    """Each service is one that policies/owners.yml names, and has the owner it has there.

    Raises:
        PolicyError: it names a service nobody owns by name, or another owner.
    """
    named = {pattern for team in owners.teams.values() for pattern in team.services}
    for service, served in policy.services.items():
        if not any(fnmatchcase(service, pattern) for pattern in named):
            known = [pattern for pattern in named if ANY not in pattern]
            raise PolicyError(
                f"policies/services.yml: services.{service} is no service that policies/owners.yml names;"
                f" {one_of(service, known)}; name its owner there first"
            )
        owner = owners.owner_of(service)
        if served.owner is not None and served.owner != owner:
            raise PolicyError(
                f"policies/services.yml: services.{service} has two owners, {served.owner} here and {owner} in"
                " policies/owners.yml; leave the one of owners.yml"
            )


def load_services() -> ServicesPolicy:
    """policies/services.yml; raises PolicyError where it is missing or wrong, or at odds with policies/owners.yml.

    The default file is about the simulated company: beside owners of a deployment's own its services are not looked up.
    """
    policy = load_policy("services", ServicesPolicy)
    own_services, own_owners = (
        SHIPPED not in config_file(f"policies/{name}.yml").parents for name in ("services", "owners")
    )
    if own_services or not own_owners:
        check_owners(policy, load_owners())
    return policy
