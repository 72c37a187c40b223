"""The build of all models, begun while the lake is still being loaded: dbt takes 4 s to load what it needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster_dbt import DbtCliInvocation, DbtCliResource, DbtProject

from orchestration import turns
from orchestration.parsing import DBT_PROJECT, manifest_of
from orchestration.settings import home

DBT = DbtProject(project_dir=DBT_PROJECT, target_path=manifest_of(home()).parent)
_STEP, _WORDS = "models", ["build", "--exclude-resource-type", "unit_test"]


@dataclass(frozen=True)
class _Begun:
    """A build that waits for its turn: in a run of Dagster, for a state of the lake."""

    run: str
    made: str
    invocation: DbtCliInvocation


_waiting: list[_Begun] = []  # one at most: steps of a run follow one another


@contextmanager
def begun(context: dg.AssetExecutionContext, dbt: DbtCliResource, made: str, moment: datetime) -> Iterator[None]:
    """A block beside which dbt loads what `build` will need; where the block fails, dbt is ended.

    Not in a run of chosen assets, where their own step alone knows which of the models are to be built, nor where that
    step is not done again.
    """
    _discard()
    if not context.run.asset_selection and _STEP in (context.run.step_keys_to_execute or ()):
        folder = DBT.target_path / f"models-{context.run.run_id[:7]}"
        turns.hold(folder)
        _tell(made, moment)
        os.environ[turns.HELD] = str(folder)
        try:
            invocation = dbt.cli(_WORDS, manifest=manifest_of(home()), target_path=folder)
        finally:
            del os.environ[turns.HELD]
        _waiting.append(_Begun(context.run.run_id, made, invocation))
    try:
        yield
    except BaseException:
        _discard()
        raise


def build(context: dg.AssetExecutionContext, dbt: DbtCliResource, made: str, moment: datetime) -> DbtCliInvocation:
    """The build of the models of this step: the one that was begun for it, else one that begins now."""
    if _waiting and not context.is_subset and (_waiting[0].run, _waiting[0].made) == (context.run.run_id, made):
        invocation = _waiting.pop().invocation
        invocation.context, invocation.project = context, DBT
        turns.give(invocation.target_path)
        return invocation
    _discard()
    _tell(made, moment)
    return dbt.cli(_WORDS, context=context)


def _tell(made: str, moment: datetime) -> None:
    """What the models write into their rows."""
    os.environ |= {"FEEDBACK_RUN_ID": made, "FEEDBACK_AS_OF": moment.isoformat()}


def _discard() -> None:
    while _waiting:
        invocation = _waiting.pop().invocation
        invocation.process.kill()
        invocation.process.communicate()
        shutil.rmtree(invocation.target_path, ignore_errors=True)
