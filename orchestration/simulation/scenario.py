"""Scenario files: what happens in the simulated company, typed; a wrong one fails at load naming line and value."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from governance.errors import PolicyError, one_of
from governance.policy import Strict, load
from orchestration.simulation.company import SERVICES
from orchestration.simulation.faults import Deployment, Fault, Message, Of, Severity, Share, known
from orchestration.simulation.secrets import GENERATORS

SHIPPED = Path(__file__).parent / "scenarios"
# Which fields of which signal a canary can be put into, beside `attribute:<key>` of spans and logs.
CANARY_FIELDS: dict[str, frozenset[str]] = {
    "spans": frozenset({"status_message"}),
    "logs": frozenset({"body"}),
    "tickets": frozenset({"subject", "description"}),
    "ticket_events": frozenset({"body"}),
    "deployments": frozenset({"description"}),
    "incidents": frozenset({"title", "note"}),
    "pull_requests": frozenset({"description"}),
    "commits": frozenset({"message"}),
    "reviews": frozenset({"body"}),
    "surveys": frozenset({"comment"}),
}


class Noise(Of, Message):
    """A harmless log line: some of the service's requests write it, or it comes by itself so often a day."""

    severity: Severity = "WARN"
    per_request: float | None = Field(default=None, gt=0, le=1)
    per_day: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def says_how_often(self) -> Self:
        if (self.per_request is None) == (self.per_day is None):
            raise ValueError("expected exactly one of per_request and per_day")
        return self


class Flag(Of):
    """A feature flag a service evaluates, and the share of accounts in each variant."""

    key: str
    variants: dict[str, float]

    @field_validator("variants")
    @classmethod
    def shares_make_one(cls, value: dict[str, float]) -> dict[str, float]:
        if abs(sum(value.values()) - 1) > 1e-6 or any(share < 0 for share in value.values()):
            raise ValueError("expected shares of accounts that add up to 1")
        return value


class Canary(Strict):
    """Personal data or a secret, put `count` times where the scenario says; truth.json has the exact values."""

    type: str
    signal: Literal[
        "spans", "logs", "tickets", "ticket_events", "deployments", "incidents",
        "pull_requests", "commits", "reviews", "surveys",
    ]  # fmt: skip
    field: str
    text: str = "{value}"
    service: str | None = None
    count: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def is_put_somewhere_that_exists(self) -> Self:
        known(self.type, frozenset(GENERATORS), f"type {self.type}")
        known(self.service, SERVICES, f"service {self.service}")
        is_attribute = self.field.startswith("attribute:") and self.signal in ("spans", "logs")
        if not is_attribute:
            known(self.field, CANARY_FIELDS[self.signal], f"field {self.field} of {self.signal}")
        if "{value}" not in self.text:
            raise ValueError("text: expected {value} where the canary goes")
        return self


class Poison(Strict):
    """One day on which so many more records come that are readable but wrong; the good ones stay as they are."""

    day: int
    share: Share = Field(gt=0, le=1)


class Scenario(Strict):
    """One simulated company's story."""

    description: str
    accounts: int = Field(default=400, ge=10, le=1_000_000)
    traces_per_day: float = Field(default=360, gt=0)
    tickets_per_day: float = Field(default=15, ge=0)
    flags: tuple[Flag, ...] = ()
    faults: tuple[Fault, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    noise: tuple[Noise, ...] = ()
    canaries: tuple[Canary, ...] = ()
    poison: Poison | None = None

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        names = [fault.name for fault in self.faults]
        if len(set(names)) < len(names):
            raise ValueError("faults: two have the same name; expected one name each")
        ids = [deployment.id for deployment in self.all_deployments]
        if len(set(ids)) < len(ids):
            raise ValueError("deployments: two have the same id; expected one id each, over faults too")
        flags = {(flag.service, flag.key): flag for flag in self.flags}
        for fault in self.faults:
            flag = flags.get((fault.service, fault.flag or ""))
            if fault.flag and flag is None:
                raise ValueError(f"fault {fault.name}: flag {fault.flag} of {fault.service} is not under `flags`")
            if flag:
                known(fault.variant, frozenset(flag.variants), f"fault {fault.name}: variant {fault.variant}")
            versions = {
                deployment.version for deployment in self.all_deployments if deployment.service == fault.service
            }
            if fault.version:
                known(fault.version, frozenset(versions), f"fault {fault.name}: version {fault.version}")
        return self

    @property
    def all_deployments(self) -> list[Deployment]:
        """Every deployment the scenario names, its faults' causes and cures included."""
        return [*self.deployments, *(deployment for fault in self.faults for deployment in fault.deployments)]


def load_scenario(path_or_name: str | Path) -> Scenario:
    """The scenario at a path, or the shipped one of that name.

    Raises:
        PolicyError: there is none, or it says something that is not allowed.
    """
    path = Path(path_or_name)
    if path.is_file():
        return load(path, Scenario)
    shipped = {file.stem: file for file in SHIPPED.glob("*.yml")}
    if str(path_or_name) not in shipped:
        raise PolicyError(
            f"scenario {path_or_name} does not exist; {one_of(str(path_or_name), shipped)}; or give a file's path"
        )
    return load(shipped[str(path_or_name)], Scenario)
