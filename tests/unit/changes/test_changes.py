"""Every service has exactly one rule for its changes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from governance.changes import CHANGE_RULES_SCHEMA, ChangesPolicy, load_changes

RULE: dict[str, object] = {
    "service": "*",
    "incident_hours": 24,
    "same_service_confidence": 0.5,
    "later_commit_confidence": 0.9,
    "next_deployment_confidence": 0.5,
}


def policy(*rules: dict[str, object], weeks: int = 12) -> ChangesPolicy:
    return ChangesPolicy.model_validate({"owner": "o", "reason": "r", "performance_weeks": weeks, "services": rules})


def test_each_rule_is_a_row() -> None:
    frame = policy(RULE, {**RULE, "service": "shop_*", "incident_hours": 1}).as_frame()
    assert frame.schema == CHANGE_RULES_SCHEMA
    assert frame.select("like_pattern", "incident_hours").rows() == [("%", 24.0), ("shop!_%", 1.0)]
    assert frame["policy_digest"].n_unique() == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([RULE, RULE], "services: \\* has two rules; leave one"),
        ([{**RULE, "service": "cart"}], "expected a rule for"),
        ([{**RULE, "incident_hours": 0}], "greater than 0"),
        ([{**RULE, "same_service_confidence": 1.5}], "less than or equal to 1"),
        ([{**RULE, "window": 3}], "Extra inputs are not permitted"),
    ],
)
def test_rules_that_leave_something_open_are_refused(rules: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        policy(*rules)


def test_the_shipped_rules_load() -> None:
    assert [rule.service for rule in load_changes().services] == ["*"]
