"""What can go wrong in the simulated company: faults, who notices them, what caused and what cured them."""

from __future__ import annotations

import string
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from governance.errors import one_of
from governance.policy import Strict
from orchestration.simulation.calendar import Moment
from orchestration.simulation.company import PLANS, SERVICES, dependencies, operations

PLACEHOLDERS = frozenset(
    {"account", "dependency", "id", "ms", "number", "operation", "order", "service", "sku", "version"}
)
Severity = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
Share = float


def known(value: str | None, allowed: frozenset[str] | tuple[str, ...], what: str) -> None:
    """Refuse a name that is not allowed, naming the nearest that is."""
    if value is not None and value not in allowed:
        raise ValueError(f"{what} does not exist; {one_of(value, allowed)}")


def _placeholders(template: str, allowed: frozenset[str] = PLACEHOLDERS) -> str:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError:
        raise ValueError("expected {name} placeholders with matching braces; write {{ for a brace") from None
    for name in names:
        known(name, allowed, f"placeholder {{{name}}}")
    return template


class Of(Strict):
    """Something that belongs to one of the company's services."""

    service: str

    @field_validator("service")
    @classmethod
    def service_exists(cls, value: str) -> str:
        known(value, SERVICES, "service")
        return value


class Message(Strict):
    """A log line: its severity and a template with placeholders."""

    severity: Severity = "ERROR"
    template: str

    @field_validator("template")
    @classmethod
    def template_is_known(cls, value: str) -> str:
        return _placeholders(value)


class Tickets(Strict):
    """Who notices: by rate (themes), or by the share of affected accounts that write on a day it hits them."""

    per_day: float | None = Field(default=None, gt=0)
    share: Share | None = Field(default=None, gt=0, le=1)
    named: Share = Field(default=0.8, ge=0, le=1)
    subjects: tuple[str, ...] = Field(min_length=1)
    bodies: tuple[str, ...] = Field(min_length=1)
    priority: Literal["low", "normal", "high", "urgent"] = "normal"

    @field_validator("subjects", "bodies")
    @classmethod
    def templates_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_placeholders(text) for text in value)

    @model_validator(mode="after")
    def says_how_many(self) -> Self:
        if (self.per_day is None) == (self.share is None):
            raise ValueError("expected exactly one of per_day and share")
        return self


class Deployment(Of):
    """A deployment; `share` below 1 leaves the rest of the service's requests on the version before."""

    id: int = Field(ge=1)
    version: str
    at: Moment
    description: str = ""
    share: Share = Field(default=1.0, gt=0, le=1)


class Cure(Deployment):
    """A deployment meant to cure a fault; one that helps ends it."""

    helps: bool


class Cause(Strict):
    """What caused a fault."""

    deployment: Deployment | None = None
    initiative: str | None = None

    @model_validator(mode="after")
    def is_one_thing(self) -> Self:
        if (self.deployment is None) == (self.initiative is None):
            raise ValueError("expected exactly one of deployment and initiative")
        return self


class Plan(Strict):
    """What was decided to do about a fault: an issue with the tag of an initiative, a team, a milestone, a due date."""

    title: str
    at: Moment
    owner: str
    milestone: str
    due: Moment


class Incident(Strict):
    """How people met a fault; what has not happened is left out."""

    title: str
    urgency: Literal["high", "low"] = "high"
    started: Moment
    detected: Moment
    acknowledged: Moment | None = None
    mitigated: Moment | None = None
    resolved: Moment | None = None
    notes: tuple[str, ...] = ()
    names_deployment: bool = False


class Strength(Strict):
    """How hard a fault hits: `added_ms` or `factor` for latency, `ratio` for errors and logs."""

    added_ms: float | None = Field(default=None, gt=0)
    factor: float | None = Field(default=None, gt=1)
    ratio: float | None = Field(default=None, gt=0, le=1)


_STRENGTHS: dict[str, tuple[str, ...]] = {
    "latency": ("added_ms", "factor"),
    "error": ("ratio",),
    "log": ("ratio",),
    "ticket_theme": (),
}


class Fault(Of):
    """One thing that goes wrong."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: Literal["latency", "error", "log", "ticket_theme"]
    operation: str | None = None
    dependency: str | None = None
    version: str | None = None
    flag: str | None = None
    variant: str | None = None
    plan: str | None = None
    retries: int | None = Field(default=None, ge=1, le=10)
    begins: Moment | None = Field(default=None, alias="from")
    ends: Moment | None = Field(default=None, alias="to")
    strength: Strength = Strength()
    share: Share = Field(default=1.0, gt=0, le=1)
    message: str | None = None
    log: Message | None = None
    tickets: Tickets | None = None
    incident: Incident | None = None
    planned: Plan | None = None
    caused_by: Cause | None = None
    cured_by: Cure | None = None

    @model_validator(mode="after")
    def hits_what_exists(self) -> Self:
        known(self.operation, operations(self.service), f"operation {self.operation} of {self.service}")
        known(self.dependency, dependencies(self.service), f"dependency {self.dependency} of {self.service}")
        known(self.plan, tuple(name for name, _ in PLANS), f"plan {self.plan}")
        if (self.flag is None) != (self.variant is None):
            raise ValueError("expected flag and variant together")
        if self.retries and (self.kind != "error" or self.dependency is None):
            raise ValueError("retries: expected a fault of kind error with a dependency, whose calls are tried again")
        if self.begins is None and not (self.caused_by and self.caused_by.deployment):
            raise ValueError("expected `from`, or caused_by.deployment, whose time it then is")
        return self

    @model_validator(mode="after")
    def has_the_strength_of_its_kind(self) -> Self:
        given = [name for name in Strength.model_fields if getattr(self.strength, name) is not None]
        allowed = _STRENGTHS[self.kind]
        if len(given) != min(len(allowed), 1) or not set(given) <= set(allowed):
            raise ValueError(f"strength of kind {self.kind}: expected {' or '.join(allowed) or 'none'}")
        if self.kind == "log" and self.log is None:
            raise ValueError("expected `log` (severity and template) for a fault of kind log")
        if self.kind == "ticket_theme" and (self.tickets is None or self.tickets.per_day is None):
            raise ValueError("expected tickets.per_day for a fault of kind ticket_theme: it hits no request")
        return self

    @property
    def deployments(self) -> list[Deployment]:
        """The deployment that caused it and the one meant to cure it, where there are any."""
        cause = self.caused_by.deployment if self.caused_by else None
        return [deployment for deployment in (cause, self.cured_by) if deployment]
