"""How pain points are found and ranked: policies/ranking.yml, handed to the models as one row of parameters."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from governance.policy import Policy, load_policy


class RankingPolicy(Policy):
    """`policies/ranking.yml`; the file explains each parameter.

    Units: ratios between 0 and 1, times as their names say, evidence as natural-log likelihood ratios.
    """

    window_days: int = Field(ge=7, le=366)
    min_evidence: float = Field(gt=0)
    min_extra_error_ratio: float = Field(ge=0, lt=1)
    min_slowdown_ratio: float = Field(ge=1)
    min_slowdown_ms: float = Field(ge=0)
    min_extra_tickets: float = Field(ge=1)
    min_ticket_ratio: float = Field(ge=1)
    objective_error_ratio: float = Field(gt=0, lt=1)
    objective_latency_ms: float = Field(gt=0)
    objective_slow_ratio: float = Field(gt=0, lt=1)
    minutes_per_failed_request: float = Field(ge=0)
    minutes_per_slow_request: float = Field(ge=0)
    minutes_per_ticket: float = Field(ge=0)
    half_impact_minutes: float = Field(gt=0)
    half_confidence_evidence: float = Field(gt=0)
    confidence_without_accounts: float = Field(gt=0, le=1)
    effort: float = Field(gt=0)
    resolved_factor: float = Field(gt=0, le=1)
    max_evidence_lost_by_cause: float = Field(ge=0)
    ticket_cause_hours: float = Field(gt=0)
    fix_words: tuple[str, ...] = Field(min_length=1)

    def as_frame(self) -> pl.DataFrame:
        """The parameters as one row, a column each; the words for fixes as one regular expression."""
        values = self.model_dump(exclude={"owner", "reason", "fix_words"})
        words = "|".join(word.replace(" ", "[ -]") for word in self.fix_words)
        numbers = {name: float(value) for name, value in values.items()}
        return pl.DataFrame([{**numbers, "fix_pattern": f"(^|[^a-z])({words})"}])


def load_ranking() -> RankingPolicy:
    """The ranking policy in force.

    Raises:
        PolicyError: the file is wrong, see `governance.policy.load`.
    """
    return load_policy("ranking", RankingPolicy)
