"""Stages killed while days in many parts go through them end, run again, as if nothing had happened."""

import shutil

import polars as pl
import pytest

from orchestration.lake import Lake
from tests.bench.stages import NAMES
from tests.killed_flow import AS_OF, differences, killed_in_every_stage, prepared

pytestmark = pytest.mark.deep

EVENTS = 20_000  # `python -m tests.killed_flow 1000000` takes more


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("scene"), EVENTS)


def test_days_go_through_in_many_parts(scene):
    for state in ("landing", "anonymized", "checked", "sampled"):
        keys = scene.undisturbed.keys(f"{state}/otel/spans")
        assert [key for key in keys if len(scene.undisturbed.parts(key)) < 5] == []


@pytest.mark.parametrize("seed", range(3))
def test_a_flow_killed_in_every_stage_ends_as_an_undisturbed_one(scene, seed):
    found, kills = killed_in_every_stage(scene, seed)
    assert [kill.stage for kill in kills] == list(NAMES)
    assert list(differences(scene.undisturbed, found)) == []


def test_what_a_kill_could_lose_would_be_told(scene, tmp_path):
    """A partition that is missing, and rows that are others, are differences."""
    shutil.copytree(scene.undisturbed.root, tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    lost, changed = lake.keys("sampled/otel/spans")
    lake.remove(lost)
    manifest = lake.manifest(changed)
    table = manifest.parts("records")[0]
    rows = lake.read(changed, part=0).with_columns(weight=2.0 * pl.col("weight"))
    with lake.replace(changed, as_of=AS_OF, inputs=manifest.inputs, policy=manifest.policy) as out:
        out.tables |= manifest.tables
        out.write(table, rows)
        out.counts |= manifest.counts
    assert set(differences(scene.undisturbed, lake)) == {
        f"{lost}: only in one of them",
        f"{changed}/{table}: rows differ",
    }
