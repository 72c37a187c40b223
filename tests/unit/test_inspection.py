"""The doctor judges access.yml by the models as they are, and by nothing else."""

import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from governance.access import load_access
from governance.errors import PolicyError
from orchestration.inspection import check_access, examine
from orchestration.lake import Lake
from orchestration.parsing import DBT_PROJECT, is_parsed, manifest_of, note_parsed
from orchestration.settings import Home


@pytest.fixture
def deployment(tmp_path: Path) -> Home:
    """The columns of one published model have other names in the manifest than access.yml says."""
    home = Home(tmp_path / "deployment")
    schema, alias = next(iter(load_access().tables.values())).relation.split(".")
    node = {"resource_type": "model", "schema": schema, "alias": alias, "contract": {"enforced": True}}
    manifest_of(home).parent.mkdir(parents=True)
    manifest_of(home).write_text(json.dumps({"nodes": {"a": {**node, "columns": {"of_old": {}}}}}))
    return home


def test_only_the_manifest_of_the_project_as_it_is_tells_columns(deployment: Home) -> None:
    note = manifest_of(deployment).with_name("parsed_for")
    check_access(deployment)
    note.write_text("another version")
    check_access(deployment)
    note_parsed(deployment)
    with pytest.raises(PolicyError, match="allowed: of_old"):
        check_access(deployment)


def test_a_project_that_stands_elsewhere_is_parsed_anew(deployment: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What dbt keeps of a parse names its files by their whole path."""
    note_parsed(deployment)
    assert is_parsed(deployment)
    elsewhere = deployment.root / "dbt_project"
    shutil.copytree(DBT_PROJECT, elsewhere)
    monkeypatch.setattr("orchestration.parsing.DBT_PROJECT", elsewhere)
    assert not is_parsed(deployment)


@pytest.mark.parametrize("text", ['{"nodes": {', "{}"])
def test_a_manifest_that_is_not_readable_is_a_finding(deployment: Home, text: str) -> None:
    manifest_of(deployment).write_text(text)
    note_parsed(deployment)
    console = Console(file=io.StringIO(), width=400, record=True)
    assert examine(console, deployment) == 1
    told = console.export_text()
    assert "manifest.json: not readable" in told
    assert "remove it: the next `feedback run` makes it anew" in told


@pytest.mark.parametrize(
    ("state", "counts", "told"),
    [
        ("late", {"too_late": 3}, "6 records of 2 days in no figure"),
        (
            "sampled",
            {"cut_error_traces": 2, "cut_slow_traces": 0},
            "4 failing and 0 slow traces of 2 days are in every figure, and not in the sample",
        ),
        ("sampled", {"cut_error_traces": 0, "cut_slow_traces": 0}, ""),
        ("landing", {"conflicts": 1}, "2 ids came with more than one content"),
        ("landing", {"conflicts": 0}, ""),
        ("received", {"malformed": 2}, "4 lines or records of 2 documents set aside as malformed"),
        ("received", {"malformed": 0}, ""),
    ],
)
def test_records_and_traces_that_are_missing_somewhere_are_found(
    tmp_path: Path, state: str, counts: dict[str, int], told: str
) -> None:
    lake = Lake(Home(tmp_path).lake)
    for day in ("2026-03-01", "2026-03-02"):
        with lake.replace(f"{state}/otel/spans/{day}", as_of=datetime(2026, 3, 5, tzinfo=UTC)) as out:
            out.counts |= counts
    console = Console(file=io.StringIO(), width=400, record=True)
    examine(console, Home(tmp_path))
    text = console.export_text()
    assert told in text
    for words in ("not in the sample", "in no figure", "set aside", "more than one content"):
        assert (words in text) == (words in told)
