"""The catalogue is whole, the README shows it, and every metric of it is recounted from what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dbt.cli.main import dbtRunner

from governance.access import load_access
from governance.metrics import Metric
from orchestration.serving.catalogue import load_catalogue
from orchestration.serving.metrics import published_metrics
from orchestration.settings import PROJECT
from tests.integration import company_figures, delivery_figures

README = (PROJECT / "README.md").read_text()


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> list[Metric]:
    target = tmp_path_factory.mktemp("dbt")
    folder = str(PROJECT / "dbt_project")
    folders = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(target)]
    parsed = dbtRunner().invoke(["--quiet", "parse", "--no-partial-parse", *folders])
    assert parsed.success, parsed.exception
    return load_catalogue(Path(target) / "manifest.json")


def test_the_readme_shows_every_metric(catalogue: list[Metric]) -> None:
    rows = [
        f"| `{one.name}` | {one.label} | {one.about.unit} | {', '.join(one.dimensions)} | {one.about.owner} |"
        for one in catalogue
    ]
    shown = re.search(r"\| metric \| what it is \| unit \| by \| owner \|\n\|[-|]+\|\n((?:\|.*\n)+)", README)
    assert shown, "the README has no table of metrics"
    assert shown[1].splitlines() == rows


def test_every_metric_can_be_asked_by_an_analyst(catalogue: list[Metric]) -> None:
    tables = load_access().role("analyst").tables
    assert published_metrics(catalogue, tables) == catalogue


def test_every_metric_is_recounted_in_plain_python(catalogue: list[Metric]) -> None:
    """By tests/integration/test_dbt_delivery.py or test_dbt_recounts.py, which take all that these tables name."""
    recounted = [*delivery_figures.RECOUNTS, *company_figures.RECOUNTS]
    assert sorted(recounted) == [one.name for one in catalogue]
