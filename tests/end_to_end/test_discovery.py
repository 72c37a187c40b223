"""A stranger's folder of OTLP and tickets under names of its own: discover, approve, run, and the report is filled."""

import csv
import json
import re
import shutil
import time
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def stranger(real_data, tmp_path_factory):
    """Traces, logs and tickets of real systems under names that no shipped source knows."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "collector").mkdir()
    shutil.copy(real_data / "otlp" / "traces.jsonl", folder / "collector" / "part-0001.jsonl")
    shutil.copy(real_data / "otlp" / "logs.jsonl", folder / "collector" / "part-0002.jsonl")
    shutil.copy(real_data / "otlp" / "tickets" / "endava_all_tickets_subset.csv", folder / "dump.csv")
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


def test_every_record_that_was_proposed_is_read(discovered, stranger, real_data):
    expected = json.loads((real_data / "otlp" / "expected.json").read_text())
    rows = discovered.dicts("select * from fct_service_health")
    spans = {service: figures["spans"] for service, figures in expected["traces"]["per_service_distinct"].items()}
    assert {row["service"]: row["span_count"] for row in rows} == spans
    with (stranger / "dump.csv").open(newline="") as file:
        distinct = {tuple(row.items()) for row in csv.DictReader(file)}
    assert discovered.rows("select count(*) from fct_tickets") == [(len(distinct),)]


def test_the_report_is_filled_within_ten_minutes(discovered):
    report = (discovered.root / "reports" / "status.html").read_text()
    assert "checkoutservice" in report
    assert discovered.seconds < 600


def test_the_proposal_tells_no_text_of_a_ticket(discovered, stranger):
    with (stranger / "dump.csv").open(newline="") as file:
        texts = {row[column] for row in csv.DictReader(file) for column in ("title", "body")}
    proposed = Path(discovered.settings["FEEDBACK_CONFIG"]).rglob("*.yml")
    told = discovered.told + "".join(path.read_text() for path in proposed)
    assert [text for text in texts if len(text) > 12 and text in told] == []
