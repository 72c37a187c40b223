"""What teams decided to do about pain points: policies/initiatives.yml, typed, and as the relation that models read."""

from __future__ import annotations

from datetime import date

import polars as pl
from pydantic import Field, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import Misplaced
from governance.owners import load_owners
from governance.policy import Policy, Strict, load_policy
from governance.triage import MATCH_SCHEMA, Match

# One row per initiative and description of what it is about.
INITIATIVES_SCHEMA = pl.Schema(
    {
        "initiative_id": pl.String(),
        "title": pl.String(),
        "owner_team": pl.String(),
        "owner_email": pl.String(),
        "author": pl.String(),
        "decided_on": pl.Date(),
        "milestone": pl.String(),
        "due_on": pl.Date(),
        "shipped_on": pl.Date(),
        "deployment_id": pl.String(),
        **MATCH_SCHEMA,
    }
)


class Initiative(Strict):
    """Something decided, and what it is about."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=1)
    owner: str
    author: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    decided_on: date
    milestone: str | None = None
    due_on: date | None = None
    shipped_on: date | None = None
    deployment: str | None = None
    problems: tuple[Match, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def is_decided_before_it_is_done(self) -> Initiative:
        for name in ("due_on", "shipped_on"):
            if (then := getattr(self, name)) is not None and then < self.decided_on:
                said = f"{self.id}: {name} is {then}, decided_on {self.decided_on}; expected no day before that"
                raise Misplaced(said, name)
        if self.shipped_on is not None and self.deployment is not None:
            raise ValueError(f"{self.id}: expected shipped_on or deployment, whose time it then is; leave one")
        return self


class InitiativesPolicy(Policy):
    """`policies/initiatives.yml`; whether the names in it exist is checked by `load_initiatives`."""

    initiatives: tuple[Initiative, ...]

    @model_validator(mode="after")
    def ids_are_unique(self) -> InitiativesPolicy:
        seen: set[str] = set()
        for number, one in enumerate(self.initiatives):
            if one.id in seen:
                said = f"initiative {one.id} is there twice; give the other an id of its own"
                raise Misplaced(said, "initiatives", number, "id")
            seen.add(one.id)
        return self

    def as_frame(self) -> pl.DataFrame:
        """INITIATIVES_SCHEMA."""
        owners = load_owners()
        same = ("title", "author", "decided_on", "milestone", "due_on", "shipped_on")
        rows = [
            {
                "initiative_id": one.id,
                "owner_team": one.owner,
                "owner_email": owners.teams[one.owner].email,
                "deployment_id": one.deployment,
                **{name: getattr(one, name) for name in same},
                **match.row,
            }
            for one in self.initiatives
            for match in one.problems
        ]
        return pl.DataFrame(rows, schema=INITIATIVES_SCHEMA)


def load_initiatives() -> InitiativesPolicy:
    """policies/initiatives.yml.

    Raises:
        PolicyError: it is missing or wrong, or names a team or service that owners.yml does not know.
    """
    policy, owners = load_policy("initiatives", InitiativesPolicy), load_owners()
    for one in policy.initiatives:
        where = f"policies/initiatives.yml: initiative {one.id}"
        if one.owner not in owners.teams:
            raise PolicyError(
                f"{where}: owner is {one.owner}, which is no team of owners.yml; {one_of(one.owner, owners.teams)}"
            )
        for match in one.problems:
            match.check(where, owners)
    return policy
