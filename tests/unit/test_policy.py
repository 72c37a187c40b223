"""A wrong policy fails at load with file, line, key, value and what is allowed."""

import pytest
from pydantic import Field

from governance.errors import PolicyError, one_of
from governance.policy import Policy, Strict, config_file, config_files, load
from orchestration.inspection import load_policies


class Rate(Strict):
    share: float = Field(gt=0, le=1)


class Sample(Policy):
    rates: dict[str, Rate]


GOOD = "owner: a@example.com\nreason: because\nrates:\n  logs: {share: 0.5}\n"


def test_a_good_policy_loads_and_its_digest_follows_what_it_says(tmp_path):
    (tmp_path / "p.yml").write_text(GOOD)
    (tmp_path / "q.yml").write_text(GOOD.replace("0.5", "0.4") + "# a comment\n")
    (tmp_path / "r.yml").write_text("# a comment\n" + GOOD)
    first, second, third = (load(tmp_path / f"{name}.yml", Sample) for name in "pqr")
    assert first.rates["logs"].share == 0.5
    assert first.digest != second.digest
    assert first.digest == third.digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("0.5", "1.4"), ":4: rates.logs.share is 1.4; Input should be less than or equal to 1"),
        (GOOD + "colour: red\n", ":5: colour is 'red'; Extra inputs are not permitted"),
        (GOOD.replace("owner: a@example.com\n", ""), "owner; Field required"),
        ("rates: [1, 2\n", "p.yml:2: not readable as YAML"),
        (GOOD + "owner: twice@example.com\n", "p.yml:5: this key is there twice in one block; keep one of the two"),
        (GOOD.replace("0.5", "!half 0.5"), "p.yml:4: not readable as YAML"),
        (GOOD + "\0", "not readable as YAML"),
        ("", "file is None"),
    ],
)
def test_a_wrong_policy_names_file_line_key_and_value(tmp_path, text, said):
    (tmp_path / "p.yml").write_text(text)
    with pytest.raises(PolicyError) as error:
        load(tmp_path / "p.yml", Sample)
    assert said in str(error.value)
    assert "p.yml" in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2


def test_a_missing_policy_is_an_error_not_a_default(tmp_path):
    with pytest.raises(PolicyError, match="no such file"):
        load(tmp_path / "absent.yml", Sample)


def test_a_deployments_own_file_wins_over_the_default(tmp_path, monkeypatch):
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "otel.yml").write_text("mine")
    (tmp_path / "sources" / "extra.yml").write_text("mine too")
    default = config_file("sources/otel.yml")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    assert config_file("sources/otel.yml") == tmp_path / "sources" / "otel.yml" != default
    names = [path.name for path in config_files("sources")]
    assert {"extra.yml", "otel.yml", "zendesk.yml"} <= set(names)
    assert names == sorted(set(names))


def test_the_nearest_name_is_offered_first():
    assert one_of("analist", ["steward", "analyst"]) == "did you mean analyst? allowed: analyst, steward"
    assert one_of("xyz", []) == "allowed: none"


@pytest.mark.parametrize("name", [path.name for path in config_files("policies")])
def test_a_mistake_in_any_policy_is_found_before_a_run(tmp_path, monkeypatch, name):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / name).write_text("nonsense: 1\n")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=name):
        load_policies()
