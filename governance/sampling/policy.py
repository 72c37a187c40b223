"""`policies/sampling.yml`: what makes a trace or log record worth keeping, and how much a day may hold."""

from __future__ import annotations

import hashlib
from typing import Literal

import orjson
import polars as pl
from pydantic import Field, field_validator

from governance.log_templates import NewsPolicy, TemplatePolicy
from governance.policy import Policy, Strict, load_policy
from governance.signals import RESOURCE

# Raised when the same rows and policy give other traits, rollups or samples, or give them in other columns.
CODE_VERSION = 2


class TracePolicy(Strict):
    """What makes a trace worth keeping, and the share of those that nothing speaks for."""

    ordinary_share: float = Field(gt=0, le=1)
    slow_percentile: float = Field(gt=0, lt=1)
    slow_days: int = Field(ge=1, le=90)
    rare_share: float = Field(ge=0, lt=1)
    floor_per_service: int = Field(ge=0)


class LogPolicy(Strict):
    """The share of log records without a trace, and the size up to which a template is kept whole."""

    ordinary_share: float = Field(gt=0, le=1)
    kept_whole_up_to: int = Field(ge=0)


class NewTemplates(Strict):
    """How much is kept of a log template on the day it is new."""

    kept_per_template: int = Field(ge=0)


class Budget(Strict):
    """How much a day may keep, and the days before it that its rates follow from."""

    unit: Literal["rows", "bytes"]
    per_day: int | None
    follows_days: int = Field(ge=1, le=30)
    ordinary_reserve: float = Field(gt=0, lt=1)

    @field_validator("per_day")
    @classmethod
    def keeps_something(cls, value: int | None) -> int | None:
        if value is not None and value < 1:
            raise ValueError(
                "a row that is kept with probability 0 can stand for no other, so nothing could be estimated;"
                " expected at least 1, or null for no budget"
            )
        return value


class RollupLimits(Strict):
    """How many values a dimension may have per service and day before the rest is '(other)'; what templates are."""

    max_values_per_service: int = Field(ge=1)
    max_templates_per_service: int = Field(ge=1)
    templates: TemplatePolicy
    news: NewsPolicy


class Attribute(Strict):
    """One attribute of a record, both parts as text."""

    key: str
    value: str


class AlwaysKeep(Strict):
    """Records and traces that no share and no budget may drop."""

    trace_ids: tuple[str, ...] = ()
    record_ids: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    def matches(self) -> pl.Expr:
        """Whether a record (span or log) is one of them: by id, trace or attribute."""
        found = pl.col("record_id").is_in(self.record_ids) | pl.col("trace_id").is_in(self.trace_ids)
        for attribute in self.attributes:
            wanted = (pl.element().struct["key"] == attribute.key) & (pl.element().struct["value"] == attribute.value)
            found = found | pl.col("attributes").list.eval(wanted).list.any().fill_null(value=False)
            found = found | pl.col(RESOURCE).str.contains(_entry(attribute), literal=True).fill_null(value=False)
        return found.fill_null(value=False)


def _entry(attribute: Attribute) -> str:
    """An attribute as it stands in a resource: within a text, quotes are escaped, so that it can stand nowhere else."""
    return f"{orjson.dumps(attribute.key).decode()}:{orjson.dumps(attribute.value).decode()}"


class SamplingPolicy(Policy):
    """`policies/sampling.yml`."""

    traces: TracePolicy
    logs: LogPolicy
    new_templates: NewTemplates
    budget: Budget
    rollups: RollupLimits
    always_keep: AlwaysKeep = AlwaysKeep()

    @property
    def digest(self) -> str:
        """Hash of the policy and CODE_VERSION: what is made under another one is made again."""
        return hashlib.sha256(f"{CODE_VERSION}\n{super().digest}".encode()).hexdigest()[:16]


def load_sampling_policy() -> SamplingPolicy:
    """The sampling policy in force.

    Raises:
        PolicyError: the file is wrong, see `governance.policy.load`.
    """
    return load_policy("sampling", SamplingPolicy)
