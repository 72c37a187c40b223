"""A real system end to end: every figure equals what other programs computed from the same data."""

import json
from collections import Counter

import pytest

ISSUES = """\
description: Issues of a public repository
type: github
signals: [tickets]
owner: support@example.com
purpose: to compare with an oracle
files: {folder: tickets, patterns: ["github_issues.json"]}
"""
HELP_DESK = """\
description: Tickets of an IT help desk, without ids and times
type: csv
signals: [tickets]
owner: support@example.com
purpose: to compare with an oracle
files: {folder: tickets, patterns: ["*.csv"]}
columns: {subject: title, description: body, ticket_type: ticket_type, priority: urgency}
constants: {event_at: received, created_at: received, status: open}
"""


@pytest.fixture(scope="module")
def expected(real_data):
    return json.loads((real_data / "otlp" / "expected.json").read_text())


@pytest.fixture(scope="module")
def real(new_deployment, real_data, tmp_path_factory):
    config = tmp_path_factory.mktemp("config")
    (config / "sources").mkdir()
    (config / "sources" / "issues.yml").write_text(ISSUES)
    (config / "sources" / "helpdesk.yml").write_text(HELP_DESK)
    deployment = new_deployment("real", FEEDBACK_CONFIG=str(config))
    deployment.feedback("run", "--plain", "--inbox", real_data / "otlp", "--as-of", "2022-08-23T00:00")
    return deployment


def test_spans_and_log_records_are_the_distinct_ones(real, expected):
    rows = real.dicts("select * from fct_service_health")
    spans = {service: figures["spans"] for service, figures in expected["traces"]["per_service_distinct"].items()}
    logs = {s: sum(counts.values()) for s, counts in expected["logs"]["per_service_severity_distinct"].items()}
    assert {row["service"]: row["span_count"] for row in rows} == spans
    assert {row["service"]: row["log_count"] for row in rows if row["log_count"]} == logs
    assert all(row["error_count"] == 0 for row in rows)


@pytest.mark.parametrize("percentile", ["p50", "p90", "p95", "p99"])
def test_percentiles_are_within_a_percent_of_the_nearest_rank(real, expected, percentile):
    found = dict(real.rows(f"select service, {percentile}_ms from fct_service_health"))
    for service, figures in expected["traces"]["per_service_distinct"].items():
        wanted = figures["duration"]["nearest_rank_ns"][percentile] / 1e6
        assert found[service] == pytest.approx(wanted, rel=0.01), service


def test_repeated_rows_are_counted_as_duplicates(real, expected):
    duplicates = dict(real.rows("select signal, sum(duplicates) from fct_ledger where source = 'otel' group by 1"))
    assert duplicates == {
        "spans": expected["traces"]["duplicate_span_rows"],
        "logs": expected["logs"]["duplicate_rows"],
    }


def test_tickets_are_the_issues_without_pull_requests(real, expected):
    rows = real.dicts("select * from fct_tickets where source = 'issues'")
    assert len(rows) == expected["tickets"]["github"]["issues"]
    hours = sorted(row["resolution_minutes"] / 60 for row in rows)
    middle = (hours[12] + hours[13]) / 2
    assert middle == pytest.approx(expected["tickets"]["github"]["resolution_hours"]["median"], rel=0.01)


def test_a_csv_without_ids_and_times_loads_whole(real, expected):
    count = real.rows("select count(*) from fct_tickets where source = 'helpdesk'")[0][0]
    assert count == expected["tickets"]["endava_csv"]["rows"]


def test_every_ledger_balances(real):
    assert {balanced for (balanced,) in real.rows("select is_balanced from fct_ledger")} == {True}


def test_errors_are_those_the_spans_say(new_deployment, real_data):
    variants = real_data / "otlp" / "variants"
    deployment = new_deployment("variants")
    deployment.feedback("run", "--plain", "--inbox", variants, "--as-of", "2022-08-23T00:00")
    seen, errors = set(), Counter()
    for line in (variants / "traces_status.jsonl").read_text().splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            (name,) = [
                a["value"]["stringValue"] for a in resource["resource"]["attributes"] if a["key"] == "service.name"
            ]
            for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
                identity = (span["traceId"], span["spanId"])
                errors[name] += identity not in seen and span["status"].get("code") == 2
                seen.add(identity)
    found = dict(deployment.rows("select service, error_count from fct_service_health"))
    assert {service: count for service, count in found.items() if count} == {s: n for s, n in errors.items() if n}
    assert sum(errors.values()) > 100
