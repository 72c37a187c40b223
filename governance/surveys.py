"""When the answers to a survey are told: policies/surveys.yml."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from governance.policy import Policy, load_policy

SURVEY_RULES_SCHEMA = pl.Schema(
    {"min_respondents": pl.Int64(), "wave_gap_days": pl.Int64(), "policy_digest": pl.String()}
)


class SurveysPolicy(Policy):
    """Scores of fewer than `min_respondents` are withheld; a wave ends after `wave_gap_days` without answers."""

    min_respondents: int = Field(ge=2)
    wave_gap_days: int = Field(ge=0, le=366)

    def as_frame(self) -> pl.DataFrame:
        """One row (SURVEY_RULES_SCHEMA)."""
        return pl.DataFrame(
            [(self.min_respondents, self.wave_gap_days, self.digest)], SURVEY_RULES_SCHEMA, orient="row"
        )


def load_surveys() -> SurveysPolicy:
    """policies/surveys.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("surveys", SurveysPolicy)
