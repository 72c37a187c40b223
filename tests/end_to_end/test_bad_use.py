"""A user's mistake ends with one clear line and exit code 2, without a traceback."""

import re

import pytest


@pytest.fixture(scope="module")
def empty(new_deployment):
    return new_deployment("empty")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "--inbox", "/nowhere/at/all"], "no such folder; give --inbox DIR"),
        (["run", "--as-of", "yesterday"], "expected an ISO date"),
        (["run", "--as-of", "9999-12-31"], "lies in the future"),
        (["receive", "--as-of", "2126-11-23T12:00+14:00"], "lies in the future"),
        (["query", "select 1", "--role", "analist"], "did you mean analyst?"),
        (["source", "check", "otell", "--inbox", "."], "did you mean otel?"),
        (["keys", "destroy", "1a2b"], "no pseudonym key 1a2b; allowed: none"),
        (["metric", "requests", "--since", "", "--role", "analist"], "did you mean analyst?"),
        (["simulate", "--scenario", "defualt"], "did you mean default?"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(empty, words, said):
    done = empty.feedback(*words, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_a_query_before_the_first_run_says_what_fills_the_file(empty):
    done = empty.feedback("query", "select 1", "--role", "analyst", check=False)
    assert done.returncode == 1
    assert "nothing is published for analyst yet; run `feedback run`" in done.stderr


def test_an_environment_variable_that_is_no_key_is_named_and_not_shown(new_deployment):
    deployment = new_deployment("no-key", FEEDBACK_PSEUDONYM_KEY="hunter2")
    done = deployment.feedback("keys", "list", check=False)
    assert done.returncode == 2
    assert "FEEDBACK_PSEUDONYM_KEY: " in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_an_unknown_option_is_wrong_use(empty):
    assert empty.feedback("run", "--colour", check=False).returncode == 2


def test_a_wrong_policy_names_file_line_and_key(new_deployment, tmp_path):
    (tmp_path / "policies").mkdir()
    shipped = new_deployment("shipped").policy("sampling").splitlines()
    text = [re.sub(r"ordinary_share: .*", "ordinary_share: 1.4", line) for line in shipped if line[:1] != "#"]
    (tmp_path / "policies" / "sampling.yml").write_text("\n".join(text))
    deployment = new_deployment("wrong", FEEDBACK_CONFIG=str(tmp_path))
    (deployment.root / "inbox").mkdir(parents=True)
    done = deployment.feedback("run", check=False)
    assert done.returncode == 2
    assert re.search(r"policies/sampling.yml:\d+: traces.ordinary_share is 1.4", done.stderr)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["owners", "access"])
def test_the_doctor_goes_on_behind_a_broken_policy_and_fails(new_deployment, tmp_path, name):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / f"{name}.yml").write_text("colour: red\n")
    done = new_deployment(f"ill-{name}", FEEDBACK_CONFIG=str(tmp_path)).feedback("doctor", check=False)
    assert done.returncode == 1
    assert f"policies/{name}.yml:1: colour" in done.stdout
    assert "ledger" in done.stdout
    assert "published" in done.stdout


def test_an_empty_inbox_says_that_nothing_belongs_to_a_source(new_deployment):
    deployment = new_deployment("nothing")
    (deployment.root / "inbox").mkdir(parents=True)
    done = deployment.feedback("run", check=False)
    assert done.returncode == 3
    assert "no file of the inbox belongs to a source" in done.stderr
