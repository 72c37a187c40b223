"""The real daemon does by itself what `feedback run` does: days that came are refreshed, then published."""

import time

import pytest

from tests.end_to_end.browsing import served


@pytest.fixture
def received(new_deployment):
    """A small company whose files were read and nothing more."""
    deployment = new_deployment("by-itself").simulate(days=3, scale=0.1, seed=5)
    deployment.feedback("receive")
    return deployment


def wait_until(happened, seconds):
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(2)
    return True


@pytest.mark.deep
def test_what_was_received_is_refreshed_and_published_by_the_daemon(received):
    with served(received):
        assert wait_until((received.root / "published" / "steward.duckdb").exists, seconds=480)
    ledger = received.dicts("select * from fct_ledger where signal = 'spans'")
    assert sum(row["pulled"] for row in ledger) > 0
    for row in ledger:
        assert row["pulled"] == row["malformed"] + row["duplicates"] + row["held"] + row["anonymized"], row
    assert received.rows("select count(*) from fct_tickets")[0][0] > 0
