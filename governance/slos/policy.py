"""What policies/slos.yml may say; whether the names in it exist is checked when it is loaded (`relations`)."""

from __future__ import annotations

import hashlib
import math
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from governance.errors import one_of
from governance.faults import Misplaced
from governance.owners import ANY
from governance.policy import Policy, Strict

_KINDS = ("server", "consumer", "client", "producer", "internal", "unspecified")
# Of the rollups' histograms of nanoseconds (a test holds them equal).
_BUCKETS_PER_DOUBLING, _HAIR = 64, 1e-12


class AlertWindow(Strict):
    """How fast is too fast: the long window spends over `budget_ratio` of the budget, and the short one burns so.

    `at_least_requests` counted in the long window: of fewer, one bad request is a large share.
    """

    severity: Literal["page", "ticket"]
    long_minutes: int = Field(gt=0)
    short_minutes: int = Field(gt=0)
    budget_ratio: float = Field(gt=0, le=1)
    at_least_requests: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def the_short_window_is_shorter(self) -> AlertWindow:
        if self.short_minutes >= self.long_minutes:
            raise ValueError(
                f"short_minutes is {self.short_minutes}, long_minutes {self.long_minutes}; expected a shorter short"
                " window: it ends the alert when the burning has ended"
            )
        return self

    def factor(self, period_days: int) -> float:
        """The burn rate above which it alerts, for a period of so many days."""
        return self.budget_ratio * period_days * 24 * 60 / self.long_minutes


class Objective(Strict):
    """One definition of an objective; the file explains each key."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    kind: Literal["availability", "latency"]
    service: str = Field(min_length=1)
    except_services: tuple[str, ...] = ()
    owner: str | None = None
    operation: str | None = None
    span_kind: str | None = None
    feature_flag: str | None = None
    feature_variant: str | None = None
    threshold_ms: float | None = Field(default=None, gt=0)
    objective: float
    period_days: int = Field(default=30, ge=1, le=90)
    exclude_operations: tuple[str, ...] = ()
    valid_from: date

    @field_validator("objective")
    @classmethod
    def leaves_a_budget(cls, value: float) -> float:
        if value == 1:
            raise ValueError("at 1 the error budget is 0: nothing can be divided by it; expected less, such as 0.999")
        if 1 < value <= 100:
            raise ValueError(f"expected a share of 1: for {value:g} % write {value / 100:g}")
        if not 0 < value < 1:
            raise ValueError("expected 0 < objective < 1")
        return value

    @field_validator("span_kind")
    @classmethod
    def is_a_kind(cls, value: str | None) -> str | None:
        if value is not None and value not in _KINDS:
            raise ValueError(one_of(value, _KINDS))
        return value

    @model_validator(mode="after")
    def says_all_of_its_kind(self) -> Objective:
        if (self.kind == "latency") != (self.threshold_ms is not None):
            raise ValueError(
                f"{self.name} is of kind {self.kind} and threshold_ms is {self.threshold_ms};"
                " expected one with latency, and none with availability"
            )
        if (self.feature_flag is None) != (self.feature_variant is None):
            raise ValueError(f"{self.name}: expected feature_flag and feature_variant, or neither")
        if self.except_services and ANY not in self.service:
            raise ValueError(f"{self.name}: except_services goes with a pattern; service is {self.service}")
        return self

    @property
    def digest(self) -> str:
        """Hash of this definition: part of the definition hash of its figures."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    @property
    def threshold_bucket(self) -> int | None:
        """The last bucket whose requests are good: the one that holds the threshold (see rollups' histogram)."""
        if self.threshold_ms is None:
            return None
        return math.ceil(math.log2(max(self.threshold_ms * 1e6, 1)) * _BUCKETS_PER_DOUBLING - _HAIR) - 1

    @property
    def effective_threshold_ms(self) -> float | None:
        """The upper bound of that bucket."""
        bucket = self.threshold_bucket
        return None if bucket is None else round(2 ** ((bucket + 1) / _BUCKETS_PER_DOUBLING) / 1e6, 9)


class Maintenance(Strict):
    """Minutes in which nothing counts against anybody, and who agreed to that."""

    service: str = Field(min_length=1)
    starts_at: AwareDatetime = Field(alias="from")
    ends_at: AwareDatetime = Field(alias="to")
    reason: str = Field(min_length=1)
    approved_by: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")

    @model_validator(mode="after")
    def lasts_whole_minutes(self) -> Maintenance:
        if self.starts_at >= self.ends_at:
            raise ValueError(f"from is {self.starts_at} and to {self.ends_at}; expected from before to")
        if any(at.second or at.microsecond for at in (self.starts_at, self.ends_at)):
            raise ValueError(f"from is {self.starts_at} and to {self.ends_at}; expected whole minutes")
        return self


class SlosPolicy(Policy):
    """`policies/slos.yml`; whether its names exist is checked by `load_slos`."""

    alerts: tuple[AlertWindow, ...]
    objectives: tuple[Objective, ...]
    maintenance: tuple[Maintenance, ...] = ()

    @model_validator(mode="after")
    def definitions_do_not_meet(self) -> SlosPolicy:
        seen: dict[str, Objective] = {}
        numbered = sorted(enumerate(self.objectives), key=lambda one: (one[1].name, one[1].valid_from))
        for number, objective in numbered:
            before = seen.get(objective.name)
            if before and before.valid_from == objective.valid_from:
                raise Misplaced(
                    f"{objective.name} is defined twice from {objective.valid_from} on; give the later definition"
                    " its own valid_from, or another name",
                    *("objectives", number),
                )
            if before and (before.kind, before.service) != (objective.kind, objective.service):
                raise Misplaced(
                    f"{objective.name} changes from {before.kind} of {before.service} to {objective.kind} of"
                    f" {objective.service} on {objective.valid_from}; expected another name for another thing",
                    *("objectives", number),
                )
            seen[objective.name] = objective
        return self

    @model_validator(mode="after")
    def windows_fit_into_periods(self) -> SlosPolicy:
        windows = [(alert.severity, alert.long_minutes) for alert in self.alerts]
        for number, window in enumerate(windows):
            if window in windows[:number]:
                said = f"alerts: {window[0]} over {window[1]} minutes is there twice; leave one"
                raise Misplaced(said, "alerts", number)
        longest = max((minutes for _, minutes in windows), default=0)
        for number, objective in enumerate(self.objectives):
            if objective.period_days * 24 * 60 < longest:
                raise Misplaced(
                    f"{objective.name}: period_days is {objective.period_days}, the longest window of alerts {longest}"
                    " minutes; expected a period that is not shorter",
                    *("objectives", number, "period_days"),
                )
        return self

    @property
    def alerts_digest(self) -> str:
        """Hash of when burning is alerted."""
        said = "".join(alert.model_dump_json() for alert in self.alerts)
        return hashlib.sha256(said.encode()).hexdigest()[:16]
