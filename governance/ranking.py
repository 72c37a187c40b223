"""How pain points are found: policies/ranking.yml, typed, and as the one row that the models read."""

from __future__ import annotations

import re

import polars as pl
from pydantic import Field, field_validator

from governance.policy import Policy, Strict, load_policy


class Detection(Strict):
    """What counts as a pain point at all."""

    window_days: int = Field(ge=7, le=400)
    reference_days: int = Field(ge=1)
    reference_spans: int = Field(ge=10)
    slow_factor: float = Field(gt=1)
    very_slow_factor: float = Field(gt=1)
    slow_floor_ms: float = Field(ge=0)
    tolerated_factor: float = Field(ge=1)
    tolerated_slow_ratio: float = Field(ge=0, lt=1)
    tolerated_error_ratio: float = Field(gt=0, lt=1)
    tolerated_records: float = Field(gt=0)
    tolerated_tickets: float = Field(gt=0)
    least_factor: float = Field(gt=1)
    least_factor_ticket: float = Field(gt=1)
    least_evidence: float = Field(gt=0)
    least_evidence_log: float = Field(gt=0)
    least_evidence_ticket: float = Field(gt=0)
    least_excess: float = Field(ge=1)
    slow_objective_ms: float = Field(gt=0)
    slow_objective_ratio: float = Field(gt=0, lt=1)
    error_objective_ratio: float = Field(gt=0, lt=1)
    ticket_objective_factor: float = Field(gt=1)
    bridge_days: int = Field(ge=0)
    recovery_evidence: float = Field(ge=0)
    ticket_match_ratio: float = Field(gt=0, le=1)
    plan_ratio: float = Field(gt=0.5, le=1)
    shown_from_accounts: int = Field(ge=1)


class Attribution(Strict):
    """What is taken as the cause, and as a fix."""

    after_hours: float = Field(ge=0)
    noticed_hours: float = Field(ge=0)
    fix_hours: float = Field(gt=0)
    fix_words: str
    suspect_before_minutes: int = Field(ge=1)
    suspect_minutes: int = Field(ge=1)
    suspect_requests: int = Field(ge=1)

    @field_validator("fix_words")
    @classmethod
    def is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error:
            raise ValueError("expected words separated by |, or another regular expression") from None
        return value


class RankingPolicy(Policy):
    """`policies/ranking.yml`; the file explains each parameter."""

    detection: Detection
    attribution: Attribution

    def as_frame(self) -> pl.DataFrame:
        """One row: every parameter of the policy and its digest."""
        named = {**self.detection.model_dump(), **self.attribution.model_dump()}
        return pl.DataFrame([{**named, "policy_digest": self.digest}])


def load_ranking() -> RankingPolicy:
    """The ranking policy in force.

    Raises:
        PolicyError: the file is wrong, see `governance.policy.load`.
    """
    return load_policy("ranking", RankingPolicy)
