"""Real broken files, each alone into an empty lake: what must load loads, what must not is counted with a reason."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from governance.keys import Keyring
from governance.sources import Files, Source
from orchestration.lake import Lake
from orchestration.stages.counting import days_received
from orchestration.stages.landing import land
from orchestration.stages.receiving import receive

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
SIGNALS = {"traces": "spans", "logs": "logs", "tickets": "tickets"}
ENDAVA = {
    "columns": {
        "subject": "title",
        "description": "body",
        "ticket_type": "ticket_type",
        "service": "business_service",
        "priority": "urgency",
    },
    "constants": {"event_at": "received", "channel": "endava"},
}
REAL = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent")) / "otlp"
EXPECTED = REAL / "corrupt" / "expected.json"
CASES = json.loads(EXPECTED.read_bytes())["files"] if EXPECTED.is_file() else []


def source_for(kind: str, pattern: str, signal: str, **mapping: object) -> Source:
    about = {"description": "d", "owner": "o", "purpose": "p", "files": Files(patterns=(pattern,))}
    return Source(name="broken", type=kind, signals=(signal,), **about, **mapping)


def source_of(file: str, signal: str) -> Source:
    if file.endswith(".csv"):
        return source_for("csv", file, signal, **ENDAVA)
    return source_for("github" if signal == "tickets" else "otlp", file, signal)


def load(source: Source, inbox: Path, lake: Lake) -> tuple[pl.DataFrame, dict[str, int]]:
    """Receive and land everything; the landed records and the summed ledger."""
    signal = source.signals[0]
    receive(source, inbox, lake, KEYS, AS_OF)
    frames, ledger = [pl.DataFrame(schema={"record_id": pl.String, "ticket_id": pl.String})], {}
    for day in days_received(lake, source.name, signal):
        counts = land(lake, source.name, signal, day, AS_OF).counts
        assert counts["pulled"] == counts["malformed"] + counts["duplicates"] + counts["landed"]
        ledger = {name: ledger.get(name, 0) + count for name, count in counts.items()}
        frames.append(lake.read(f"landing/{source.name}/{signal}/{day}"))
    return pl.concat(frames, how="diagonal_relaxed"), ledger


@pytest.mark.skipif(not CASES, reason="FEEDBACK_REAL_DATA is not set: no real data on this machine")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_a_corrupt_file_loads_what_is_good_and_counts_the_rest(case, tmp_path):
    source = source_of(case["file"], SIGNALS[case["signal"]])
    lake = Lake(tmp_path)

    records, ledger = load(source, REAL / "corrupt", lake)

    # Landing holds versions of a ticket, the case counts tickets.
    accepted = records["ticket_id" if case["signal"] == "tickets" else "record_id"].n_unique()
    assert case["accept_min"] <= accepted <= case["accept_max"]
    if "reject_min" in case:
        assert case["reject_min"] <= ledger.get("malformed", 0) <= case["reject_max"]
    if case["file_verdict"] == "reject":
        assert ledger["malformed"] > 0


@pytest.mark.skipif(not CASES, reason="FEEDBACK_REAL_DATA is not set: no real data on this machine")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_loading_a_corrupt_file_again_changes_nothing(case, tmp_path):
    source = source_of(case["file"], SIGNALS[case["signal"]])
    lake = Lake(tmp_path)
    once = load(source, REAL / "corrupt", lake)
    digests = lake.digests(lake.keys(""))

    again = load(source, REAL / "corrupt", lake)

    assert again[0].equals(once[0])
    assert again[1] == once[1]
    assert lake.digests(lake.keys("")) == digests


@pytest.mark.skipif(not CASES, reason="FEEDBACK_REAL_DATA is not set: no real data on this machine")
def test_a_reason_never_quotes_what_it_rejects(tmp_path):
    content = re.compile(r"@|\d{4}|[0-9a-f]{8}|[\"{}<>\[\]]")
    for case in CASES:
        source = source_of(case["file"], SIGNALS[case["signal"]])
        lake = Lake(tmp_path / case["file"])
        receive(source, REAL / "corrupt", lake, KEYS, AS_OF)
        reasons = {reason for key in lake.keys("received") for reason in lake.read(key, "malformed")["reason"]}
        assert not [reason for reason in reasons if content.search(reason) or len(reason) > 90]


@pytest.mark.skipif(not CASES, reason="FEEDBACK_REAL_DATA is not set: no real data on this machine")
def test_a_file_without_one_good_line_does_not_look_successful(tmp_path):
    for file in ("17e_html_error_page.jsonl", "21_github_rate_limit.json"):
        case = next(case for case in CASES if case["file"] == file)
        source = source_of(file, SIGNALS[case["signal"]])
        tally = receive(source, REAL / "corrupt", Lake(tmp_path / file), KEYS, AS_OF)
        assert tally.is_nothing_readable
        assert tally.unreadable == (file,)


def test_real_telemetry_and_tickets_land_with_the_counts_of_an_independent_count(real_data, tmp_path):
    expected = json.loads((real_data / "otlp" / "expected.json").read_bytes())
    cases = (
        # source, folder, distinct records, duplicates
        (source_for("otlp", "traces.jsonl", "spans"), "", expected["traces"]["spans_distinct"], 973),
        (source_for("otlp", "logs.jsonl", "logs"), "", expected["logs"]["records_distinct"], 1076),
        (source_for("github", "github_issues.json", "tickets"), "tickets", expected["tickets"]["github"]["issues"], 0),
        (
            source_for("csv", "endava*.csv", "tickets", **ENDAVA),
            "tickets",
            expected["tickets"]["endava_csv"]["rows"],
            0,
        ),
    )
    for number, (source, folder, distinct, duplicates) in enumerate(cases):
        records, ledger = load(source, real_data / "otlp" / folder, Lake(tmp_path / str(number)))
        assert records["record_id"].n_unique() == records.height == distinct
        assert ledger["malformed"] == ledger["conflicts"] == 0
        assert ledger["duplicates"] == duplicates


def test_real_spans_and_logs_have_the_services_and_severities_of_an_independent_count(real_data, tmp_path):
    expected = json.loads((real_data / "otlp" / "expected.json").read_bytes())
    spans, _ = load(source_for("otlp", "traces.jsonl", "spans"), real_data / "otlp", Lake(tmp_path / "spans"))
    logs, _ = load(source_for("otlp", "logs.jsonl", "logs"), real_data / "otlp", Lake(tmp_path / "logs"))

    of_services = {service: said["spans"] for service, said in expected["traces"]["per_service_distinct"].items()}
    assert dict(spans["service"].value_counts().iter_rows()) == of_services
    assert dict(logs["severity"].value_counts().iter_rows()) == expected["logs"]["severity_distinct"]
    assert spans["duration_ns"].sum() == sum(
        round(said["duration"]["mean_ns"] * said["spans"])
        for said in expected["traces"]["per_service_distinct"].values()
    )
