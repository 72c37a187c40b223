"""anonymize over a real lake: threads across signals and midnight, reruns, and what was known stays known."""

from datetime import UTC, datetime

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages.anonymizing import anonymize_days

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
AS_OF = datetime(2026, 3, 4, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def land(lake, signal, day, *rows):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    common = {"event_at": at, "received_file": "f", "received_line": 1}
    made = [{"record_id": f"{number:04x}", **common, **row} for number, row in enumerate(rows)]
    with lake.replace(f"landing/otel/{signal}/{day}", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame(made, schema=SIGNALS[signal].landing_schema))
        out.counts = {"landed": len(rows)}


def anonymize(lake, signal="logs", days=DAYS, policy=None):
    return anonymize_days(lake, f"otel/{signal}", days, policy or load_privacy(), KEYS, AS_OF)


def bodies(lake, day):
    return lake.read(f"anonymized/otel/logs/{day}")["body"].to_list()


SPAN = {"trace_id": "t", "attributes": [{"key": "enduser.id", "value": "jdoe42"}]}
LOG = {"trace_id": "t", "body": "cache miss for jdoe42"}
MASKED = f"cache miss for {KEYS.pseudonym('USER', 'jdoe42')}"


def test_a_span_of_the_day_before_masks_the_log_behind_midnight_but_not_two_days_on(lake):
    land(lake, "spans", DAYS[0], SPAN)
    for day in DAYS[1:]:
        land(lake, "logs", day, LOG)
    anonymize(lake)
    assert bodies(lake, DAYS[1]) == [MASKED]
    assert bodies(lake, DAYS[2]) == [LOG["body"]]


def test_a_late_span_makes_the_day_of_its_trace_stale_and_no_other(lake):
    land(lake, "logs", DAYS[0], LOG)
    land(lake, "logs", DAYS[1], {"trace_id": "other", "body": "fine"})
    anonymize(lake)
    land(lake, "spans", DAYS[1], SPAN)
    tally = anonymize(lake)
    assert (list(tally.days), tally.current) == ([DAYS[0]], [DAYS[1]])
    assert bodies(lake, DAYS[0]) == [MASKED]


def test_what_an_expired_neighbour_told_stays_masked(lake):
    land(lake, "spans", DAYS[0], SPAN)
    land(lake, "logs", DAYS[1], LOG)
    anonymize(lake)
    for state in ("landing", "mentions"):
        lake.remove(f"{state}/otel/spans/{DAYS[0]}")
    assert anonymize(lake).current == [DAYS[1]]
    anonymize(lake, policy=load_privacy().model_copy(update={"phone_region": "DE"}))  # everything is made again
    assert bodies(lake, DAYS[1]) == [MASKED]


def test_a_ticket_knows_all_its_days(lake):
    land(lake, "tickets", DAYS[0], {"ticket_id": "7", "description": "my login=jdoe42 fails"})
    land(lake, "ticket_events", DAYS[2], {"ticket_id": "7", "body": "jdoe42 works again"})
    anonymize(lake, "ticket_events")
    event = lake.read(f"anonymized/otel/ticket_events/{DAYS[2]}")["body"][0]
    assert event == f"{KEYS.pseudonym('USER', 'jdoe42')} works again"


def test_no_manifest_holds_a_value_or_its_plain_hash(lake):
    land(lake, "spans", DAYS[0], SPAN)
    land(lake, "logs", DAYS[0], LOG)
    anonymize(lake)
    manifests = "".join(path.read_text() for path in lake.root.rglob("manifest.json"))
    assert "jdoe42" not in manifests


def test_an_expired_day_is_left_as_it_is(lake):
    land(lake, "logs", DAYS[0], LOG)
    anonymize(lake)
    lake.remove(f"landing/otel/logs/{DAYS[0]}")
    assert anonymize(lake).frozen == [DAYS[0]]
    assert len(bodies(lake, DAYS[0])) == 1
