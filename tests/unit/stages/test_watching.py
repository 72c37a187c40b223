"""Over a real lake: what was found is kept by day, a leak withholds its day, and a broken pattern shows."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.findings import FINDINGS_SCHEMA
from governance.quality import load_quality, load_suite
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages.anonymizing import anonymize_days
from orchestration.stages.gating import judge_dataset
from orchestration.stages.warehousing import opened, prepare_warehouse
from orchestration.stages.watching import LEAK_RATE, drifts_over, findings_over, leaks_over

DAYS = [(date(2026, 3, 1) + timedelta(days=n)).isoformat() for n in range(15)]
AS_OF = datetime(2026, 4, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
POLICY = load_privacy()
# A policy that promises nothing of e-mail addresses, so that no canary of theirs withholds the day first.
BROKEN = POLICY.model_copy(
    update={
        "patterns": tuple(one for one in POLICY.patterns if one.entity != "EMAIL"),
        "entities": {entity: what for entity, what in POLICY.entities.items() if entity != "EMAIL"},
    }
)
LOGS = "otel/logs"
MAIL = "sent to jane.roe@gmail.com"


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def land(lake, day, *bodies, attributes=None):
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    common = {"event_at": at, "time_unix_nano": int(at.timestamp()) * 10**9, "service": "cart", "severity": "INFO"}
    common |= {"received_file": "f", "received_line": 1, "attributes": attributes}
    rows = [{"record_id": f"{number:032x}", "body": body, **common} for number, body in enumerate(bodies)]
    with lake.replace(f"landing/{LOGS}/{day}", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame(rows, schema=SIGNALS["logs"].landing_schema))
        out.counts = {"landed": len(bodies)}


def anonymize(lake, days, policy=POLICY):
    anonymize_days(lake, LOGS, days, policy, KEYS, AS_OF)


def judge(lake, days):
    return judge_dataset(lake, LOGS, days, load_suite("logs"), load_quality(), AS_OF)


def test_a_day_with_leaks_is_withheld_and_no_other(lake):
    land(lake, DAYS[0], *["ready"] * 190, *[MAIL] * 10)
    land(lake, DAYS[1], *["ready"] * 200)
    anonymize(lake, DAYS[:2], BROKEN)
    tally = judge(lake, DAYS[:2])
    assert lake.days(f"checked/{LOGS}") == [DAYS[1]]
    assert list(tally.notes) == [DAYS[0]]
    assert tally.notes[DAYS[0]].startswith("leak rate: 10 of 200 records, surely 2.42% or more; allowed 0.20%")
    verdict = lake.manifest(f"quarantine/{LOGS}/{DAYS[0]}")
    assert (verdict.counts["withheld"], verdict.counts["quarantined"], verdict.counts["checked"]) == (190, 10, 0)
    leaks = leaks_over(lake, LOGS, DAYS[:2], POLICY)
    assert (leaks.rate.leaking, leaks.rate.sampled, leaks.withheld) == (10, 400, [DAYS[0]])
    assert set(leaks.leaks.rows()) == {(DAYS[0], f"{n:032x}", "body", "EMAIL_ADDRESS") for n in range(190, 200)}


def test_the_day_is_let_in_once_the_pattern_is_back(lake):
    land(lake, DAYS[0], *[MAIL] * 10)
    for policy, days in ((BROKEN, []), (POLICY, [DAYS[0]])):
        anonymize(lake, [DAYS[0]], policy)
        judge(lake, [DAYS[0]])
        assert lake.days(f"checked/{LOGS}") == days
    assert leaks_over(lake, LOGS, DAYS, POLICY).rate.leaking == 0


def test_one_leak_in_many_records_is_told_and_withholds_nothing(lake):
    land(lake, DAYS[0], *["ready"] * 199, MAIL)
    anonymize(lake, [DAYS[0]], BROKEN)
    assert LEAK_RATE not in lake.manifest(f"anonymized/{LOGS}/{DAYS[0]}").facts
    assert not judge(lake, [DAYS[0]]).notes
    assert leaks_over(lake, LOGS, [DAYS[0]], POLICY).rate.leaking == 1


def test_nothing_that_was_leaked_stands_in_a_manifest(lake):
    land(lake, DAYS[0], *[MAIL] * 20)
    anonymize(lake, [DAYS[0]], BROKEN)
    judge(lake, [DAYS[0]])
    assert "jane" not in "".join(path.read_text() for path in lake.root.rglob("manifest.json"))


def test_a_pattern_that_is_gone_is_a_drift_of_its_day(lake):
    for day in DAYS:
        land(lake, day, *["ready"] * 80, *[f"sent to user{n}@gmail.com" for n in range(20)])
    anonymize(lake, DAYS[:14])
    anonymize(lake, DAYS[14:], BROKEN)
    found = drifts_over(lake, LOGS, DAYS, POLICY)
    assert found.select("day", "entity", "rate", "rate_before").rows() == [(date(2026, 3, 15), "EMAIL", 0.0, 0.2)]
    assert drifts_over(lake, LOGS, DAYS[:14], POLICY).is_empty()


@pytest.mark.parametrize(("key", "entity"), [("app.contact", "EMAIL"), ("acme.contact", "WITHHELD")])
def test_a_new_field_full_of_addresses_is_a_drift(lake, key, entity):
    for day in DAYS[:14]:
        land(lake, day, *["ready"] * 100)
    land(lake, DAYS[14], *["ready"] * 100, attributes=[{"key": key, "value": "jane.roe@gmail.com"}])
    anonymize(lake, DAYS)
    assert drifts_over(lake, LOGS, DAYS, POLICY)["entity"].to_list() == [entity]


def test_findings_reach_the_warehouse_and_a_partition_without_them_stays_readable(lake, tmp_path):
    land(lake, DAYS[1], MAIL, MAIL, "ready")
    anonymize(lake, DAYS[:2])
    with lake.replace(f"anonymized/{LOGS}/{DAYS[0]}", as_of=AS_OF) as out:  # as an earlier version made it
        out.write("records", lake.read(f"anonymized/{LOGS}/{DAYS[1]}"))
        out.counts = {"anonymized": 3}
    prepare_warehouse(lake, tmp_path / "w" / "feedback.duckdb", AS_OF)
    with opened(tmp_path / "w" / "feedback.duckdb") as connection:
        rows = connection.execute("select * from lake.privacy_findings").fetchall()
    assert rows == [("otel", "logs", date(2026, 3, 2), "body", "EMAIL", 2, 0, 3)]
    assert findings_over(lake, LOGS, DAYS).rows() == [("body", "EMAIL", 2, 0)]
    assert leaks_over(lake, LOGS, DAYS, POLICY).rate.sampled == 3
    assert lake.read(f"anonymized/{LOGS}/{DAYS[1]}", "findings").schema == FINDINGS_SCHEMA
