"""A stranger's folder of OTLP and issues under names of its own: discover, approve, run, and the report is filled."""

import json
import re
import shutil
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def stranger(real_data, tmp_path_factory):
    """Traces, logs and issues of a real system under names that no shipped source knows."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "collector").mkdir()
    shutil.copy(real_data / "otlp" / "traces.jsonl", folder / "collector" / "part-0001.jsonl")
    shutil.copy(real_data / "otlp" / "logs.jsonl", folder / "collector" / "part-0002.jsonl")
    shutil.copy(real_data / "otlp" / "tickets" / "github_issues.json", folder / "dump.json")
    return folder


@pytest.fixture(scope="module")
def discovered(new_deployment, stranger, tmp_path_factory):
    """A deployment that runs on what was proposed, as the last lines of the proposal say."""
    config = tmp_path_factory.mktemp("config") / "proposed"
    deployment = new_deployment("discovered")
    started = time.monotonic()
    deployment.told = deployment.feedback("source", "discover", stranger, "--out", config).stdout
    as_of = re.search(r"feedback run --inbox \S+ --as-of (\S+)", deployment.told).group(1)
    deployment.settings["FEEDBACK_CONFIG"] = str(config)
    deployment.feedback("run", "--plain", "--inbox", stranger, "--as-of", as_of)
    deployment.seconds = time.monotonic() - started
    return deployment


def test_every_record_that_was_proposed_is_read(discovered, real_data):
    expected = json.loads((real_data / "otlp" / "expected.json").read_text())
    rows = discovered.dicts("select * from fct_service_health")
    spans = {service: figures["spans"] for service, figures in expected["traces"]["per_service_distinct"].items()}
    assert {row["service"]: row["span_count"] for row in rows} == spans
    assert discovered.rows("select count(*) from fct_tickets")[0][0] > 20


def test_the_report_is_filled_within_ten_minutes(discovered):
    report = (discovered.root / "reports" / "status.html").read_text()
    assert "checkoutservice" in report
    assert discovered.seconds < 600


def test_the_proposal_told_of_no_span_or_person(discovered, stranger):
    issues = json.loads((stranger / "dump.json").read_text())
    people = {issue["user"]["login"] for issue in issues}
    titles = {issue["title"] for issue in issues}
    written = "".join(path.read_text() for path in sorted(Path(discovered.settings["FEEDBACK_CONFIG"]).rglob("*.yml")))
    assert not [value for value in people | titles if len(value) > 5 and value in discovered.told + written]
