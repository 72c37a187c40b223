from pathlib import Path

import polars as pl
import pytest

from governance.errors import FeedbackError, PolicyError
from governance.policy import SHIPPED
from governance.sampling import TRAITS_SCHEMA, load_sampling_policy, require


def test_the_shipped_policy_is_valid_and_has_an_owner() -> None:
    assert "@" in load_sampling_policy().owner


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("ordinary_share: 0.25", "ordinary_share: 1.4", "traces.ordinary_share is 1.4"),
        ("ordinary_share: 0.25", "ordinary_share: 0", "traces.ordinary_share is 0"),  # nothing could be estimated
        ("slow_percentile: 0.99", "slow_percentile: 99", "traces.slow_percentile is 99"),
        ("trace_ids: []", "traces: []", "always_keep.traces"),
        ("floor_per_service: 5", "floor_per_service: -1", "traces.floor_per_service is -1"),
        ("per_day: null", "per_day: 0", r"budget.per_day is 0; .*expected at least 1, or null for no budget"),
        ("per_day: null", "per_day: -5", "budget.per_day is -5"),
        ("unit: rows", "unit: euros", "budget.unit is 'euros'; .*allowed: bytes, rows"),
        ("ordinary_reserve: 0.2", "ordinary_reserve: 0", "budget.ordinary_reserve is 0"),
    ],
)
def test_a_wrong_policy_names_key_and_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: str, bad: str, message: str
) -> None:
    text = (SHIPPED / "policies/sampling.yml").read_text()
    assert good in text
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/sampling.yml").write_text(text.replace(good, bad, 1))
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=message):
        load_sampling_policy()


def test_a_column_of_another_type_is_named() -> None:
    frame = pl.DataFrame({"trace_id": [1]})
    with pytest.raises(FeedbackError, match="traits: column trace_id is Int64; expected String"):
        require(frame, TRAITS_SCHEMA, "traits")
