"""What pain points are worth and what becomes of them: policies/triage.yml, typed, and as relations for the models.

RICE (reach x impact x confidence / effort): https://www.intercom.com/blog/rice-simple-prioritization-for-product-managers
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import polars as pl
from pydantic import Field, model_validator

from governance.errors import PolicyError, one_of
from governance.owners import ANY, OwnersPolicy, load_owners
from governance.policy import Policy, Strict, load_policy

# By how much each weight is moved to see what the ranks owe to it.
MOVES = (0.75, 1.25)
# Weights that are people's own: the strategic value and the effort of assessments.
_ASSESSED = ("assessed_value", "assessed_effort")
_UNKNOWN_SERVICE = "unknown"  # of tickets that name none
_EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"

MATCH_SCHEMA = pl.Schema(
    {name: pl.String() for name in ("pain_point_id", "service", "operation", "problem_kind", "feature_flag", "theme")}
)
ASSESSMENTS_SCHEMA = pl.Schema(
    {
        "place": pl.Int64(),
        **MATCH_SCHEMA,
        "strategic_value": pl.Float64(),
        "effort_days": pl.Float64(),
        "author": pl.String(),
        "stated_on": pl.Date(),
        "reason": pl.String(),
    }
)


class Match(Strict):
    """Which pain points are meant: those that everything said fits."""

    pain_point_id: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    service: str | None = None
    operation: str | None = None
    problem_kind: Literal["latency", "error", "log", "ticket"] | None = None
    feature_flag: str | None = None
    theme: str | None = Field(default=None, min_length=3)

    @model_validator(mode="after")
    def says_which(self) -> Match:
        if self.pain_point_id is None and self.service is None:
            raise ValueError("expected pain_point_id (see `feedback query`, rpt_pain_points) or service")
        return self

    @property
    def row(self) -> dict[str, str | None]:
        """What it says, by the columns of MATCH_SCHEMA."""
        return {name: getattr(self, name) for name in MATCH_SCHEMA.names()}

    def check(self, where: str, owners: OwnersPolicy) -> None:
        """Refuse a service that owners.yml does not know.

        Raises:
            PolicyError: it names one.
        """
        known = {name for team in owners.teams.values() for name in team.services if ANY not in name}
        if self.service in known | {None, _UNKNOWN_SERVICE}:
            return
        assert self.service is not None
        if owners.owner_of(self.service) == owners.default:  # by no pattern either
            raise PolicyError(
                f"{where}: service is {self.service}, which no team of owners.yml names;"
                f" {one_of(self.service, known)}, or name it there"
            )


class Assessment(Match):
    """What somebody says a pain point is worth, or takes; who said so, when and why."""

    strategic_value: float | None = Field(default=None, gt=0, le=10)
    effort_days: float | None = Field(default=None, gt=0)
    author: str = Field(pattern=_EMAIL)
    stated_on: date = Field(alias="on")
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def says_something(self) -> Assessment:
        if self.strategic_value is None and self.effort_days is None:
            raise ValueError("expected strategic_value, effort_days or both")
        return self


class Impact(Strict):
    """What a bad experience costs a person, in minutes, and how much what is over counts."""

    minutes_per_slow_request: float = Field(ge=0)
    minutes_per_failed_request: float = Field(ge=0)
    minutes_per_log_record: float = Field(ge=0)
    minutes_per_ticket: float = Field(ge=0)
    minutes_per_budget: float = Field(ge=0)
    minutes_per_hundred_lost: float = Field(ge=0)
    resolved_factor: float = Field(gt=0, le=1)


class Effort(Strict):
    """Person-days to do something about a pain point, by kind."""

    known_change: float = Field(gt=0)
    latency: float = Field(gt=0)
    error: float = Field(gt=0)
    log: float = Field(gt=0)
    ticket: float = Field(gt=0)


class Confidence(Strict):
    """Factors for what is not known."""

    without_tickets: float = Field(gt=0, le=1)
    without_accounts: float = Field(gt=0, le=1)
    without_before: float = Field(gt=0, le=1)
    log_only: float = Field(gt=0, le=1)


class Weights(Strict):
    """What the score is made of beside what is measured."""

    impact: Impact
    effort: Effort
    confidence: Confidence

    @property
    def values(self) -> dict[str, float]:
        """Every weight by its column; those of efforts and confidences carry their part's name."""
        named = self.impact.model_dump()
        for part in ("effort", "confidence"):
            named |= {f"{part}_{name}": value for name, value in getattr(self, part).model_dump().items()}
        return {**named, **dict.fromkeys(_ASSESSED, 1.0)}


class Money(Strict):
    """The price of a minute."""

    per_minute: float | None = Field(gt=0)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class States(Strict):
    """When a pain point is new, aged out or in progress."""

    new_days: int = Field(ge=0)
    aged_out_after_days: int = Field(ge=1)
    initiative_tag: str = Field(min_length=1)
    milestone_tag: str = Field(min_length=1)
    due_tag: str = Field(min_length=1)
    owner_tag: str = Field(min_length=1)


class Effect(Strict):
    """Which days are compared to see whether something helped."""

    days_before: int = Field(ge=2)
    days_after: int = Field(ge=2)
    least_days_before: int = Field(ge=2)
    least_days_after: int = Field(ge=2)
    least_change_ratio: float = Field(ge=0, lt=1)
    incident_days: int = Field(ge=1)

    @model_validator(mode="after")
    def can_be_reached(self) -> Effect:
        for side in ("before", "after"):
            least, most = getattr(self, f"least_days_{side}"), getattr(self, f"days_{side}")
            if least > most:
                raise ValueError(f"least_days_{side} is {least}, days_{side} {most}; expected no more than that")
        return self


class Loop(Strict):
    """Targets of the steps of the loop, in days."""

    signal_to_problem_days: float = Field(gt=0)
    problem_to_decision_days: float = Field(gt=0)
    decision_to_shipped_days: float = Field(gt=0)
    shipped_to_verified_days: float = Field(gt=0)


class Defects(Strict):
    """Which tickets are confirmed faults of the platform: by their type, or by a tag."""

    ticket_types: tuple[str, ...]
    tags: tuple[str, ...]


class TriagePolicy(Policy):
    """`policies/triage.yml`; the file explains each parameter."""

    weights: Weights
    money: Money
    assessments: tuple[Assessment, ...]
    states: States
    effect: Effect
    loop: Loop
    defects: Defects

    def as_frame(self) -> pl.DataFrame:
        """One row: every parameter that is no weight, and the policy's digest."""
        parts = (self.states, self.effect, self.loop)
        named = {name: value for part in parts for name, value in part.model_dump().items()}
        money = {"price_per_minute": self.money.per_minute, "currency": self.money.currency}
        defects = {f"defect_{name}": list(known) for name, known in self.defects.model_dump().items()}
        row = {**named, **money, **defects, "policy_digest": self.digest}
        lists = dict.fromkeys(defects, pl.List(pl.String()))
        return pl.DataFrame([row], schema_overrides={"price_per_minute": pl.Float64(), **lists})

    def weights_frame(self) -> pl.DataFrame:
        """The weights as they are (`moved_weight` null, `moved_by` 1), then with each moved by each of MOVES."""
        base = {name: float(value) for name, value in self.weights.values.items()}
        moved = [(name, by, base | {name: base[name] * by}) for name in base for by in MOVES]
        rows = [(None, 1.0, base), *moved]
        return pl.DataFrame(
            [{"moved_weight": name, "moved_by": by, **values} for name, by, values in rows],
            schema_overrides={"moved_weight": pl.String()},
        )

    def assessments_frame(self) -> pl.DataFrame:
        """One row per assessment, numbered as in the file (ASSESSMENTS_SCHEMA)."""
        said = ("strategic_value", "effort_days", "author", "stated_on", "reason")
        rows = [
            {"place": place, **one.row, **{name: getattr(one, name) for name in said}}
            for place, one in enumerate(self.assessments, 1)
        ]
        return pl.DataFrame(rows, schema=ASSESSMENTS_SCHEMA)


def load_triage() -> TriagePolicy:
    """policies/triage.yml; raises PolicyError where it is missing or wrong, or names what owners.yml does not know."""
    policy, owners = load_policy("triage", TriagePolicy), load_owners()
    for place, one in enumerate(policy.assessments, 1):
        one.check(f"policies/triage.yml: assessment {place}", owners)
    return policy


def triage_frames() -> dict[str, pl.DataFrame]:
    """The relations of the policy in force by name."""
    policy = load_triage()
    return {
        "triage": policy.as_frame(),
        "triage_weights": policy.weights_frame(),
        "assessments": policy.assessments_frame(),
    }
