"""dbt is begun while the lake is loaded, and ended where its build is of no use."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestration import turns

MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
ONE, OTHER = "run-of-this-lake", "run-of-another"


class Dbt:
    """Begins processes that wait as dbt would."""

    def __init__(self, folder: Path) -> None:
        self.begun: list[SimpleNamespace] = []
        self.held: list[str | None] = []
        self._folder = folder

    def cli(self, words, *, context=None, manifest=None, target_path=None):
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        folder = target_path or self._folder / f"models-late-{len(self.begun)}"
        self.held.append(os.environ.get(turns.HELD))
        self.begun.append(SimpleNamespace(words=words, process=process, target_path=folder, context=context))
        return self.begun[-1]


@pytest.fixture
def dbt(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACK_HOME", str(tmp_path))
    from orchestration.defs.transform import building

    monkeypatch.setattr(building, "DBT", SimpleNamespace(target_path=tmp_path / "dbt"))
    for name in ("FEEDBACK_RUN_ID", "FEEDBACK_AS_OF"):
        monkeypatch.setenv(name, "")
    made = Dbt(tmp_path / "dbt")
    yield made
    building._discard()
    for invocation in made.begun:
        invocation.process.kill()
        invocation.process.communicate()


def step(run="1234567-run", chosen=(), steps=("lake", "models"), is_subset=False):
    run = SimpleNamespace(run_id=run, asset_selection=frozenset(chosen), step_keys_to_execute=list(steps))
    return SimpleNamespace(run=run, is_subset=is_subset)


def begin(dbt, context, made=ONE):
    from orchestration.defs.transform.building import begun

    with begun(context, dbt, made, MOMENT):
        return [one.target_path for one in dbt.begun]


def build(dbt, context, made=ONE):
    from orchestration.defs.transform.building import build

    return build(context, dbt, made, MOMENT)


def test_the_models_go_on_with_the_build_that_was_begun_beside_the_lake(dbt):
    context = step()
    (folder,) = begin(dbt, context)
    assert (turns.is_held(folder), dbt.held) == (True, [str(folder)])
    invocation = build(dbt, context)
    assert dbt.begun == [invocation]
    assert (invocation.context, invocation.process.poll()) == (context, None)
    assert not turns.is_held(folder)


@pytest.mark.parametrize(
    ("later", "made"),
    [
        (step(run="7654321-run"), ONE),  # the run that began it failed before its models
        (step(), OTHER),  # something was written in between
        (step(is_subset=True), ONE),
    ],
)
def test_a_build_begun_for_something_else_is_ended_and_another_begins(dbt, later, made):
    begin(dbt, step())
    invocation = build(dbt, later, made)
    waited, own = dbt.begun
    assert invocation is own
    assert (waited.process.poll() is not None, waited.target_path.exists()) == (True, False)
    assert own.words == waited.words
    assert own.context is later
    assert dbt.held[1] is None


@pytest.mark.parametrize("chosen", [{"chosen": ["lake"]}, {"steps": ["lake"]}])
def test_a_run_of_chosen_assets_or_without_the_models_begins_nothing_early(dbt, chosen):
    assert begin(dbt, step(**chosen)) == []


def test_where_the_lake_cannot_be_loaded_nothing_is_left_of_the_build(dbt):
    from orchestration.defs.transform.building import begun

    with suppress(KeyError), begun(step(), dbt, ONE, MOMENT):
        raise KeyError
    (waited,) = dbt.begun
    assert (waited.process.poll() is not None, waited.target_path.exists()) == (True, False)
