"""A steward's day in the Dagster UI: a new field, a withheld day, bad rows; decided, judged again, signed off.

FEEDBACK_SCREENSHOTS names a folder that keeps what was seen.
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.end_to_end.browsing import CHROMIUM, looking, served

pytestmark = [pytest.mark.deep, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]

POISONED = "2026-11-17"
FIELD, ASSET = "acme.tenant", "marts/rpt_pain_points"
PLAYGROUND = "/locations/feedback-warehouse/jobs/{}/playground"


@pytest.fixture(scope="module")
def deployment(new_deployment, tmp_path_factory):
    """A company with a day full of bad rows, logs with a field that no rule names, and a mart that is to be signed."""
    config = tmp_path_factory.mktemp("config")
    (config / "policies").mkdir()
    made = new_deployment("desk", FEEDBACK_CONFIG=str(config))
    stewards = made.policy("stewards").replace("sign_off: []", f"sign_off: [{ASSET}]")
    (config / "policies" / "stewards.yml").write_text(stewards)
    made.simulate(days=8, scale=0.25, seed=3, poison="4:0.3")
    add_a_field(sorted((made.root / "inbox" / "otel").glob("logs*.jsonl"))[-1])
    made.run()
    return made


def add_a_field(path):
    entry = json.dumps({"key": FIELD, "value": {"stringValue": "T-1234"}})
    path.write_text(path.read_text().replace('"attributes":[{', f'"attributes":[{entry},{{'))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    kept = os.environ.get("FEEDBACK_SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("pictures")


def launched(page, job, pictures=None, **form):
    """Fill in the form of a job and launch it, as a steward would; waits for its success."""
    page.show(PLAYGROUND.format(job), "Launch Run")
    page.fill(json.dumps({"ops": {f"record_{job}": {"config": form}}}, indent=2)).says("No errors")
    if pictures:
        page.picture(pictures / f"{job}.png")
    page.press("Launch Run").says("STEP_SUCCESS")
    if pictures:
        page.picture(pictures / f"{job}_run.png")


def wait_until(holds, seconds=900):
    """What the daemon does within a minute, on a machine that does other things as well."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the daemon did not judge the days again"
        time.sleep(3)


def decided(deployment, kind):
    """The number of the last decision of a kind."""
    listed = deployment.feedback("audit", "list", "--json", "--kind", kind).stdout.splitlines()
    return max(json.loads(line)["number"] for line in listed)


def failures(deployment, expectations=None):
    """What the gate says of the logs of the poisoned day, in the published file."""
    rows = deployment.dicts(
        "select expectation, is_waived, ruled from fct_gate_results"
        f" where signal = 'logs' and event_date = '{POISONED}' and not is_passed"
    )
    return [row for row in rows if expectations is None or row["expectation"] in expectations]


def withheld_fields(deployment):
    return [row["field"] for row in json.loads(deployment.feedback("fields", "list", "--format", "json").stdout)]


def test_a_stewards_day(deployment, pictures):
    ana, ben = ({"who": f"{name}@example.com", "why": "seen, and talked about"} for name in ("ana", "ben"))
    expires = str(datetime.now(UTC).date() + timedelta(days=7))
    with served(deployment) as address, looking(address) as page:
        # A check that failed says what it means, what to do, and where to decide.
        check = "/assets/checked/otel/logs?view=checks&checkDetail=quarantined_rows_are_few"
        page.show(check, "Where many rows fail, the day is wrong", "request_waiver/playground")
        page.picture(pictures / "checks.png")
        assert failures(deployment)
        assert not any(row["is_waived"] or row["ruled"] for row in failures(deployment))

        # A field that no rule names is withheld; it is classified, and the days in landing are judged again.
        assert FIELD in withheld_fields(deployment)
        by = ("--by", "ben@example.com", "--why", "our number of a customer")
        deployment.feedback("fields", "classify", "otel/logs", FIELD, "--as", "pseudonymise ACCOUNT", *by, "--later")

        # A waiver by two people, and rows that are let in though they failed.
        scope = {"dataset": "otel/logs", "expectation": "quarantined_rows_are_few", "first": POISONED, "last": POISONED}
        launched(page, "request_waiver", pictures, **scope, expires=expires, **ana)
        launched(page, "approve_waiver", number=decided(deployment, "waiver_request"), **ben)
        rows = {"dataset": "otel/logs", "day": POISONED, "expectation": "logs_have_a_valid_severity_number"}
        launched(page, "release_rows", **rows, **ana)
        launched(page, "replay_rows", **ana)
        wait_until(lambda: FIELD not in withheld_fields(deployment))
        effects = {"quarantined_rows_are_few": "is_waived", rows["expectation"]: "ruled"}
        wait_until(lambda: sum(bool(row[effects[row["expectation"]]]) for row in failures(deployment, effects)) == 2)

        # What came of it waits for the signature of somebody who did not release rows.
        waiting = "select waits_for_sign_off_since from about where table_name = 'rpt_pain_points'"
        wait_until(lambda: deployment.rows(waiting)[0][0] is not None)
        launched(page, "sign_off_asset", asset=ASSET, **ben)
        wait_until(lambda: deployment.rows(waiting)[0][0] is None)
        page.show((deployment.root / "reports" / "steward.html").as_uri(), "Waivers", "Sign-offs")
        page.picture(pictures / "steward.png")
    assert (page.outside, page.errors) == ([], [])

    found = {row["expectation"]: row for row in failures(deployment)}
    assert found["quarantined_rows_are_few"]["is_waived"]
    assert found["logs_have_a_valid_severity_number"]["ruled"] > 0
    told = deployment.feedback("explain", "judged_records", "--at", POISONED, "--role", "steward").stdout
    assert "approved by ben@example.com" in told
    assert "whole, and ends where its head says" in deployment.feedback("audit", "verify").stdout
    assert all(balanced for (balanced,) in deployment.rows("select is_balanced from fct_ledger"))
