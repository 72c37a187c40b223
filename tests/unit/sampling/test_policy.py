from pathlib import Path

import polars as pl
import pytest

from governance.errors import FeedbackError, PolicyError
from governance.policy import SHIPPED
from governance.sampling import TRAITS_SCHEMA, SamplingPolicy, load_sampling_policy, require


def test_the_shipped_policy_is_valid_and_has_an_owner() -> None:
    assert "@" in load_sampling_policy().owner


def test_rates_are_stated_for_the_manifest(policy: SamplingPolicy) -> None:
    assert policy.rates == {"spans": 0.25, "logs": 0.25}


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("ordinary_share: 0.25", "ordinary_share: 1.4", "traces.ordinary_share is 1.4"),
        ("ordinary_share: 0.25", "ordinary_share: 0", "traces.ordinary_share is 0"),  # nothing could be estimated
        ("slow_percentile: 0.99", "slow_percentile: 99", "traces.slow_percentile is 99"),
        ("trace_ids: []", "traces: []", "always_keep.traces"),
    ],
)
def test_a_wrong_policy_names_key_and_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: str, bad: str, message: str
) -> None:
    text = (SHIPPED / "policies/sampling.yml").read_text().replace(good, bad, 1)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/sampling.yml").write_text(text)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=message):
        load_sampling_policy()


def test_a_column_of_another_type_is_named() -> None:
    frame = pl.DataFrame({"trace_id": [1]})
    with pytest.raises(FeedbackError, match="traits: column trace_id is Int64; expected String"):
        require(frame, TRAITS_SCHEMA, "traits")
