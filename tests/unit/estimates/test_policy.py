from pathlib import Path

import pytest

from governance.errors import PolicyError
from governance.estimates import load_estimates_policy
from governance.estimates.policy import REQUEST_ATTRIBUTES_SCHEMA
from governance.policy import SHIPPED


def test_the_models_read_one_row_per_attribute() -> None:
    policy = load_estimates_policy()
    frame = policy.as_frame()
    assert frame.schema == REQUEST_ATTRIBUTES_SCHEMA
    assert frame["attribute"].to_list() == sorted(policy.request_attributes)
    assert frame["policy_digest"].unique().to_list() == [policy.digest]


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("max_values_per_service: 20", "max_values_per_service: 0", "max_values_per_service is 0"),
        ("  - http.request.method\n", "  - http.request.method\n  - http.request.method\n", "each once"),
        ("request_attributes:", "attributes:", "request_attributes"),
    ],
)
def test_a_wrong_policy_names_key_and_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: str, bad: str, message: str
) -> None:
    text = (SHIPPED / "policies/estimates.yml").read_text().replace(good, bad, 1)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/estimates.yml").write_text(text)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=message):
        load_estimates_policy()
