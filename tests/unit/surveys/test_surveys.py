"""Scores of few are withheld: policies/surveys.yml."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from governance.surveys import SURVEY_RULES_SCHEMA, SurveysPolicy, load_surveys


def test_the_rules_stand_in_one_row() -> None:
    frame = load_surveys().as_frame()
    assert frame.schema == SURVEY_RULES_SCHEMA
    assert frame.height == 1


@pytest.mark.parametrize("least", [0, 1])
def test_a_score_of_one_is_never_told(least: int) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        SurveysPolicy.model_validate({"owner": "o", "reason": "r", "min_respondents": least, "wave_gap_days": 3})
