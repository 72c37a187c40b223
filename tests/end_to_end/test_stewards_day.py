"""A steward's day in the Dagster UI: a new field, a withheld day, rows in quarantine; decided, judged again, signed off.

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
    entry = '{"key":"%s","value":{"stringValue":"T-1234"}}' % FIELD
    path.write_text(path.read_text().replace('"attributes":[{', f'"attributes":[{entry},{{'))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    kept = os.environ.get("FEEDBACK_SCREENSHOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("pictures")


def launched(page, job, picture=None, **form):
    """Fill in the form of a job and launch it, as a steward would; waits for its success."""
    page.show(PLAYGROUND.format(job), "Launch Run")
    page.fill(json.dumps({"ops": {f"record_{job}": {"config": form}}}, indent=2))
    if picture:
        page.picture(picture)
    page.press("Launch Run").says("STEP_SUCCESS")


def wait_until(holds, seconds=600):
    """What the daemon does within a minute, on a machine that does other things as well."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the daemon did not judge the days again"
        time.sleep(3)


def decisions(deployment):
    return [json.loads(line) for line in deployment.feedback("audit", "list", "--json").stdout.splitlines()]


def verdicts(deployment):
    """What the gate says of the logs of the poisoned day, in the published file."""
    return deployment.dicts(
        f"select expectation, is_passed, is_waived from fct_gate_results where signal = 'logs'"
        f" and event_date = '{POISONED}' and not is_passed"
    )


def test_a_stewards_day(deployment, pictures):
    ana, ben = ({"who": f"{name}@example.com", "why": "seen, and talked about"} for name in ("ana", "ben"))
    expires = str(datetime.now(UTC).date() + timedelta(days=7))
    with served(deployment) as address, looking(address) as page:
        # What failed, since when, and what to do: the check of the day's logs.
        page.show("/assets/checked/otel/logs?view=checks", "quarantined_rows_are_few", "request_waiver")
        page.picture(pictures / "checks.png")
        assert [row["is_waived"] for row in verdicts(deployment)] == [False, False]

        # A waiver, by two people; the rows that failed stay in quarantine.
        scope = {"dataset": "otel/logs", "expectation": "quarantined_rows_are_few", "first": POISONED, "last": POISONED}
        launched(page, "request_waiver", pictures / "form.png", **scope, expires=expires, **ana)
        number = next(one["number"] for one in decisions(deployment) if one["kind"] == "waiver_request")
        launched(page, "approve_waiver", number=number, **ben)
        wait_until(lambda: any(row["is_waived"] for row in verdicts(deployment)))

    assert (page.outside, page.errors) == ([], [])
