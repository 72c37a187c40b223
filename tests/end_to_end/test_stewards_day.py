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

pytestmark = [pytest.mark.exhaustive, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]

POISONED = "2026-11-17"
FIELD, ASSET = "acme.tenant", "marts/rpt_pain_points"
DAY, ROWS = "quarantined_rows_are_few", "spans_have_a_known_status"  # of logs, and of spans
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
    page.press("Launch Run").says("Success")
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


def gate_results(deployment, signal, expectation):
    """What the gate says of an expectation on the poisoned day, in the published file."""
    (row,) = deployment.dicts(
        f"select is_passed, is_waived, ruled from fct_gate_results where event_date = '{POISONED}'"
        f" and expectation = '{expectation}' and source = 'otel' and signal = '{signal}'"
    )
    return row


def withheld_fields(deployment):
    return [row["field"] for row in json.loads(deployment.feedback("fields", "list", "--format", "json").stdout)]


def test_a_stewards_day(deployment, pictures):
    ana, ben = ({"who": f"{name}@example.com", "why": "seen, and talked about"} for name in ("ana", "ben"))
    expires = str(datetime.now(UTC).date() + timedelta(days=7))
    with served(deployment) as address, looking(address) as page:
        # A check that failed says what it means, what to do, and where to decide.
        check = f"/assets/checked/otel/logs?view=checks&checkDetail={DAY}"
        page.show(check, "Where many rows fail, the day is wrong", "request_waiver/playground")
        page.picture(pictures / "checks.png")
        assert gate_results(deployment, "logs", DAY) == {"is_passed": False, "is_waived": False, "ruled": 0}
        assert gate_results(deployment, "spans", ROWS) == {"is_passed": False, "is_waived": False, "ruled": 0}

        # A field that no rule names is withheld; it is classified, and the days in landing are judged again.
        assert FIELD in withheld_fields(deployment)
        launched(page, "classify_field", dataset="otel/logs", field=FIELD, treatment="pseudonymise ACCOUNT", **ben)

        # A waiver by two people, and rows that are let in though they failed.
        scope = {"dataset": "otel/logs", "expectation": DAY, "first": POISONED, "last": POISONED}
        launched(page, "request_waiver", pictures, **scope, expires=expires, **ana)
        launched(page, "approve_waiver", number=decided(deployment, "waiver_request"), **ben)
        launched(page, "release_rows", dataset="otel/spans", day=POISONED, expectation=ROWS, **ana)
        launched(page, "replay_rows", **ana)
        wait_until(lambda: FIELD not in withheld_fields(deployment))
        wait_until(lambda: gate_results(deployment, "logs", DAY)["is_waived"])
        wait_until(lambda: gate_results(deployment, "spans", ROWS)["ruled"])

        # What came of it waits for the signature of somebody who did not release rows.
        waiting = "select waits_for_sign_off_since from about where table_name = 'rpt_pain_points'"
        wait_until(lambda: deployment.rows(waiting)[0][0] is not None)
        launched(page, "sign_off_asset", asset=ASSET, **ben)
        wait_until(lambda: deployment.rows(waiting)[0][0] is None)
        page.show((deployment.root / "reports" / "steward.html").as_uri(), "Waivers", "Sign-offs")
        page.picture(pictures / "steward.png")
    assert (page.outside, page.errors) == ([], [])

    told = deployment.feedback("explain", "judged_records", "--at", POISONED, "--role", "steward").stdout
    assert "approved by ben@example.com" in told
    assert "whole, and ends where its head says" in deployment.feedback("audit", "verify").stdout
    assert all(balanced for (balanced,) in deployment.rows("select is_balanced from fct_ledger"))
