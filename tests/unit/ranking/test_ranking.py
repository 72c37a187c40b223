"""The ranking policy: loads, fails where it is wrong, and reaches the models as one row."""

import pytest
from ruamel.yaml import YAML

from governance.errors import PolicyError
from governance.policy import SHIPPED
from governance.ranking import load_ranking

SHIPPED_TEXT = (SHIPPED / "policies" / "ranking.yml").read_text()


@pytest.fixture
def policy(tmp_path, monkeypatch):
    """Writes a deployment's own ranking.yml, a changed copy of ours."""
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    (tmp_path / "policies").mkdir()

    def write(old, new):
        assert old in SHIPPED_TEXT
        (tmp_path / "policies" / "ranking.yml").write_text(SHIPPED_TEXT.replace(old, new))

    return write


def test_every_parameter_is_a_column_of_the_one_row():
    row = load_ranking().as_frame()
    written = YAML(typ="safe").load(SHIPPED_TEXT)
    expected = {**written["detection"], **written["attribution"]}
    assert row.height == 1
    assert row.drop("policy_digest").row(0, named=True) == expected


def test_another_policy_has_another_digest(policy):
    before = load_ranking().as_frame()["policy_digest"].item()
    policy("least_excess: 4", "least_excess: 5")
    assert load_ranking().as_frame()["policy_digest"].item() != before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("slow_factor: 1.6", "slow_factor: 0.9", r"ranking.yml:\d+: detection.slow_factor is 0.9"),
        ("least_excess: 4", "least_exces: 4", r"ranking.yml:\d+: detection.least_exces"),
        (
            "fix_words: fix|",
            "fix_words: (fix|",
            r"ranking.yml:\d+: attribution.fix_words .* another regular expression",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_line(policy, old, new, told):
    policy(old, new)
    with pytest.raises(PolicyError, match=told):
        load_ranking()
