"""A wrong policy fails at load with file, line, key, value and what is allowed."""

from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from governance.errors import PolicyError, one_of
from governance.faults import Misplaced
from governance.policy import SHIPPED, Policy, Strict, check_own_files, config_file, config_files, load
from orchestration.inspection import load_policies


class Rate(Strict):
    share: float = Field(gt=0, le=1)
    kind: Literal["whole", "part"] = "whole"


class Sample(Policy):
    rates: dict[str, Rate]
    days: tuple[int, ...] = ()
    most: Annotated[int, Field(ge=0)] | None = None
    span: tuple[date, float] | None = None
    limits: dict[Literal["low", "high"], list[int | float]] = Field(default_factory=dict)
    names: dict[str, str | int | list[str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def signals_exist(self):
        for name in self.rates:
            if name not in ("logs", "spans"):
                raise Misplaced(f"{name} is no signal", "rates", name)
        return self


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
        (GOOD.replace("0.5", "1.4"), ":4: rates.logs.share is 1.4; expected at most 1"),
        (GOOD.replace("0.5", "half"), ":4: rates.logs.share is 'half'; expected a number"),
        (GOOD.replace("0.5", "0"), ":4: rates.logs.share is 0; expected more than 0"),
        (GOOD + "colour: red\n", ":5: colour is no key here; allowed: days, limits, most, names, owner, rates"),
        (GOOD.replace("share", "shore"), ":4: rates.logs.shore is no key here; did you mean share? allowed: kind"),
        (GOOD.replace("share: 0.5", ""), ":4: rates.logs.share is missing; add it"),
        (
            GOOD.replace("}", ", shere: 1}"),
            ":4: rates.logs.shere is no key here; did you mean share? allowed: kind",
        ),
        (GOOD.replace("}", ", kind: whle}"), ":4: rates.logs.kind is 'whle'; did you mean whole? allowed: part, whole"),
        (GOOD.replace("{share: 0.5}", "[]"), ":4: rates.logs; expected keys with values"),
        (GOOD.replace("owner: a@example.com\n", ""), ":1: owner is missing; add it"),
        (GOOD + "  spans: {share: 0.5}\n  spens: {share: 0.5}\n", ":6: spens is no signal"),
        (GOOD + "  7: {share: 0.5}\n", "rates.7 is 7; expected text"),
        (GOOD + "days:\n  - 2\n  - 1\n  - x\n", ":8: days.2 is 'x'; expected a whole number"),
        (GOOD + "days:\n  - x\n  - 0\n", ":6: days.0 is 'x'; expected a whole number"),
        (GOOD + "days:\n  - 2\n  - x\n  - 1\n", ":7: days.1 is 'x'; expected a whole number"),
        (GOOD + "names:\n  a: x\n  b: 1.5\n", ":7: names.b is 1.5; expected text, a whole number or a list of texts"),
        (GOOD + "names:\n  a: [x, 1.5]\n", ":6: names.a; expected text, a whole number or a list of texts"),
        # what pydantic would make a number of
        (GOOD.replace("0.5", "true"), ":4: rates.logs.share is True; expected a number"),
        (GOOD.replace("0.5", "'0.5'"), ":4: rates.logs.share is '0.5'; expected a number"),
        (GOOD + "most: true\n", ":5: most is True; expected a whole number"),
        (GOOD + "most: '100'\n", ":5: most is '100'; expected a whole number"),
        (GOOD + "days:\n  - 2\n  - '1'\n", ":7: days.1 is '1'; expected a whole number"),
        (GOOD + "span:\n  - 2026-01-01\n  - false\n", ":7: span.1 is False; expected a number"),
        (GOOD + "limits:\n  low: [1]\n  high: [1.5, yes, true]\n", ":7: limits.high.1 is 'yes'; expected a number"),
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


def test_text_becomes_what_it_says_and_stays_text_where_that_is_allowed(tmp_path):
    (tmp_path / "p.yml").write_text(GOOD + "most: 100.0\nspan: ['2026-01-01', 2]\nnames: {a: '1', b: 1}\n")
    policy = load(tmp_path / "p.yml", Sample)
    assert (policy.most, policy.span, policy.names) == (100, (date(2026, 1, 1), 2.0), {"a": "1", "b": 1})


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("access", "rpt_pain_points: {}", "rpt_pain_pints: {}", "did you mean rpt_pain_points"),
        ("access", "roles: [steward]", "roles: [stewart]", "role stewart does not exist"),
        ("owners", "default: platform", "default: platfrm", "default platfrm is no team; did you mean platform"),
        ("owners", "[shipping, notification]", "[shipping, cart]", "cart has two owners, payments and fulfilment"),
        ("stewards", "compliance: [support, warehouse]}", "compliance: [suport]}", "suport, which is no domain"),
        ("stewards", '["zendesk/*", "surveys/*", marts/support]', '["otel/*"]', "is in two domains"),
        ("slos", "- name: requests-are-fast", "- name: requests-succeed", "is defined twice from 2020-01-01"),
        ("sampling", "per_day: null", "per_day: true", "budget.per_day is True; expected a whole number"),
        ("retention", "traits: {days: 400, reason: x}", "traits: {days: 401, reason: x}", "kept longer than rates"),
    ],
)
def test_a_check_of_a_whole_file_names_the_line_at_fault(tmp_path, monkeypatch, name, old, new, said):
    shipped = (SHIPPED / "policies" / f"{name}.yml").read_text()
    shipped = shipped.replace('"Decides the sample of neighbouring days."', "x")
    assert old in shipped
    (tmp_path / "policies").mkdir()
    text = shipped.replace(old, f"{new}  # here", 1)
    (tmp_path / "policies" / f"{name}.yml").write_text(text)
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# here"))
    with pytest.raises(PolicyError, match=rf"policies/{name}\.yml:{line}: .*{said}"):
        load_policies()


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


def test_a_config_folder_that_does_not_exist_is_no_reason_to_use_the_defaults(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for missing in (tmp_path / "typo", tmp_path / "file"):
        monkeypatch.setenv("FEEDBACK_CONFIG", str(missing))
        for read in (load_policies, lambda: config_file("policies/access.yml"), lambda: config_files("sources")):
            with pytest.raises(PolicyError, match=f"^FEEDBACK_CONFIG is {missing}: no such folder; .* unset it"):
                read()


@pytest.mark.parametrize(
    ("name", "near"),
    [("policies/samplng.yml", "sampling"), ("policies/zz.yml", ""), ("expectations/log.yml", "logs")],
)
def test_a_policy_of_a_name_that_nothing_reads_is_refused(tmp_path, monkeypatch, name, near):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    hint = f"did you mean {near}.yml" if near else "allowed: "
    with pytest.raises(PolicyError, match=f"^{name}: nothing reads a file of this name; {hint}"):
        load_policies()


def test_a_file_that_a_policy_names_is_read(tmp_path, monkeypatch):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "mine.yml").write_text("")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    check_own_files({"mine.yml"})


@pytest.mark.parametrize(
    "name",
    [
        "policies/sampling.yaml",
        "policies/sampling.YML",
        "policies/sampling.json",
        "policies/fields/otel.yaml",
        "sources/otel.ymll",
        "expectations/logs.yaml",
        "expectations/otel/logs.yaml",
    ],
)
def test_a_file_among_the_policies_that_nothing_reads_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    with pytest.raises(PolicyError, match=f"^{name}: policies end in .yml; rename it"):
        load_policies()


def test_notes_backups_hidden_files_and_folders_may_lie_among_the_policies(tmp_path, monkeypatch):
    (tmp_path / "policies" / "model.bin").mkdir(parents=True)
    for name in ("README.md", "NOTES.TXT", "CODEOWNERS", ".sampling.yaml", "sampling.yml~", "sampling.yml.bak"):
        (tmp_path / "policies" / name).write_text("")
    (tmp_path / "elsewhere.yaml").write_text("")
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    load_policies()


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
