"""A day is closed once its raw data has expired; what comes for it then is counted, each record once."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.fields import Treatments
from governance.privacy.policy import Treatment
from governance.retention import load_retention
from orchestration.stages.expiring import expire
from orchestration.stages.lateness import ClosedDays
from orchestration.stages.receiving import receive
from tests.unit.stages.help_desk import AS_OF, DAY, KEYS, SOURCE, Desk, row

PLACE = f"desk/tickets/{DAY}"
LATER = AS_OF + timedelta(days=100)


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.write("a.csv", row(1), row(2, day=2))
    desk.run()
    return desk


def pass_on(desk, *states, day=DAY):
    """What landed of a day is in later states as well."""
    for state in states:
        with desk.lake.replace(f"{state}/desk/tickets/{day}", as_of=AS_OF, key_id=KEYS.key_id) as out:
            landed = desk.landed(day)
            out.write("records-0001", landed.head(1))  # a large day is in parts
            out.write("records-0002", landed[1:])


def close(desk, holds="anonymized"):
    """What was anonymised of a day is there, its raw data is not; one state alone `holds` its records."""
    pass_on(desk, holds)
    if holds != "anonymized":
        with desk.lake.replace(f"anonymized/{PLACE}", as_of=AS_OF, key_id=KEYS.key_id) as out:
            out.write("records", desk.landed().clear())
    desk.lake.remove(f"landing/{PLACE}")


def test_what_comes_for_a_closed_day_is_counted_as_too_late(desk):
    close(desk)
    assert desk.too_late() == {}
    desk.write("b.csv", row(3), row(4), row(5, day=2))
    assert desk.run()[DAY].state == "frozen"
    assert desk.too_late() == {date(2026, 5, 1): 2}
    assert desk.landed("2026-05-02")["record_id"].to_list() == ["2", "5"]


def test_a_pull_tells_what_it_found_to_be_too_late(desk):
    close(desk)
    desk.write("b.csv", row(1), row(3), row(4))
    found = [receive(SOURCE, desk.inbox, desk.lake, KEYS, AS_OF).metadata()["records_too_late"] for _ in range(2)]
    assert found == [2, 0]


def test_a_file_that_grows_is_too_late_only_with_what_is_new(desk):
    close(desk)
    desk.write("a.csv", row(1), row(2, day=2), row(3, day=2))
    desk.run()
    assert desk.too_late() == {}
    for rows in ((row(4),), (row(4), row(5, day=2)), (row(4), row(5, day=2), row(6))):
        desk.write("a.csv", row(1), row(2, day=2), row(3, day=2), *rows)
        desk.run()
    assert desk.too_late() == {date(2026, 5, 1): 2}


@pytest.mark.parametrize("state", ["anonymized", "held", "quarantine", "checked"])
def test_an_export_that_holds_everything_each_time_is_not_too_late_with_what_is_there(desk, state):
    close(desk, holds=state)
    for name in ("b.csv", "c.csv"):
        desk.write(name, row(1), row(7), row(2, day=2), row(name, day=3))
        desk.run()
        desk.expire(name)
    assert desk.too_late() == {date(2026, 5, 1): 1}


def test_the_ids_of_what_came_too_late_are_not_kept(desk):
    close(desk)
    desk.write("b.csv", row("jane.roe@example.com"))
    desk.run()
    assert desk.lake.read(f"late/{PLACE}", "ids")["id"].str.contains("^[0-9a-f]{32}$").to_list() == [True]


def test_a_day_stays_closed_when_what_was_anonymised_of_it_has_expired(desk):
    """One record of a day whose figures are kept for a year took the place of all of them."""
    pass_on(desk, "anonymized", "checked")
    expire(desk.lake, load_retention(), LATER)
    assert not desk.lake.exists(f"anonymized/{PLACE}")
    desk.write("late.csv", row(3))
    assert desk.run()[DAY].state == "frozen"
    assert not desk.lake.exists(f"landing/{PLACE}")
    assert desk.too_late() == {date(2026, 5, 1): 1}


def test_a_day_whose_raw_data_expired_before_anything_was_made_of_it_is_open(desk):
    expire(desk.lake, load_retention(), LATER)
    desk.write("again.csv", row(1), row(3))
    assert desk.run()[DAY].counts["landed"] == 2
    assert desk.too_late() == {}


def anonymise(desk, as_of):
    """A stand-in for the stage: what it writes is made of the day as it landed."""
    landed = desk.lake.digests([f"landing/{PLACE}"])
    with desk.lake.replace(f"anonymized/{PLACE}", as_of=as_of, inputs={**landed, "neighbours": "n"}) as out:
        out.write("records", desk.landed())


def test_raw_data_of_a_day_that_lands_again_and_again_is_kept_a_week_from_the_first_time(desk):
    """An export of everything lands every day anew: counted from the last pull none of them would ever expire."""
    for passed in (2, 4, 6):
        desk.write(f"export-{passed}.csv", row(1), row(passed + 1))
        desk.run(AS_OF + timedelta(days=passed))
        anonymise(desk, AS_OF + timedelta(days=passed))
    expire(desk.lake, load_retention(), AS_OF + timedelta(days=7, seconds=-1))
    assert desk.lake.exists(f"landing/{PLACE}")
    found = expire(desk.lake, load_retention(), AS_OF + timedelta(days=7)).filter(key=f"landing/{PLACE}")
    assert found["pulled_at"].to_list() == [AS_OF]
    assert not desk.lake.exists(f"landing/{PLACE}")
    assert desk.lake.read(f"anonymized/{PLACE}")["record_id"].sort().to_list() == ["1", "3", "5", "7"]


def test_what_landed_last_is_not_removed_before_it_is_anonymised(desk):
    anonymise(desk, AS_OF)
    desk.write("b.csv", row(3))
    desk.run(AS_OF + timedelta(days=6))
    expire(desk.lake, load_retention(), AS_OF + timedelta(days=7))
    assert desk.landed()["record_id"].to_list() == ["1", "3"]
    expire(desk.lake, load_retention(), AS_OF + timedelta(days=13))
    assert not desk.lake.exists(f"landing/{PLACE}")


def test_a_kill_while_days_expire_leaves_them_closed(desk, monkeypatch):
    pass_on(desk, "anonymized", "checked")
    remove = desk.lake.remove

    def killed(key):
        remove(key)
        if key == f"anonymized/{PLACE}":
            raise KeyboardInterrupt

    monkeypatch.setattr(desk.lake, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        expire(desk.lake, load_retention(), LATER)
    assert not desk.lake.exists(f"anonymized/{PLACE}")
    assert PLACE in ClosedDays(desk.lake)


def test_of_the_proofs_only_those_are_read_that_can_speak_of_a_day(desk, monkeypatch):
    pass_on(desk, "anonymized", "checked")
    expire(desk.lake, load_retention(), datetime(2026, 12, 1, tzinfo=UTC))
    closed = ClosedDays(desk.lake)
    assert PLACE in closed
    read = []
    monkeypatch.setattr(desk.lake, "read", lambda key, *_: read.append(key))
    assert "desk/tickets/2026-12-02" not in ClosedDays(desk.lake)
    assert read == []


def test_another_version_of_what_is_there_is_not_too_late(desk):
    """Of a signal that tells how things stand, versions of one id are told apart by `~002`: there and in what comes."""
    desk.write("a.csv", row(1), row(1, "changed"), row(2, day=2))
    desk.run()
    assert desk.landed()["record_id"].to_list() == ["1", "1~002"]
    close(desk)
    desk.write("b.csv", row(1, "changed once more"), row("1~002"), row("1~003"), row(8))
    desk.run()
    assert desk.too_late() == {date(2026, 5, 1): 1}


def test_an_id_that_the_day_holds_masked_is_there(desk):
    desk.write("a.csv", row(1), row("jane.roe@example.com"), row("3: +49 1512 7263450"))
    desk.run()
    treatments = Treatments(load_privacy(), KEYS)
    ids = desk.landed()["record_id"].to_list()
    masked = {name: found.text for name, found in treatments.apply(ids, Treatment(action="id")).items()}
    assert len(set(masked) - set(masked.values())) == 2
    with desk.lake.replace(f"anonymized/{PLACE}", as_of=AS_OF, key_id=KEYS.key_id) as out:
        out.write("records", desk.landed().with_columns(pl.col("record_id").replace_strict(masked)))
    desk.lake.remove(f"landing/{PLACE}")
    desk.write("b.csv", *(row(name) for name in ids), row("joe@example.com"))
    rotated = Keyring(b"q" * 32, KEYS.id_key, older=(KEYS.pseudonym_key,))
    assert receive(SOURCE, desk.inbox, desk.lake, rotated, AS_OF).too_late == 1


def test_what_comes_once_the_key_of_a_day_is_destroyed_is_too_late_and_what_landed_is_not(desk):
    pass_on(desk, "anonymized")
    gone = Keyring(b"q" * 32, KEYS.id_key, destroyed=frozenset((KEYS.key_id,)))
    desk.write("b.csv", row(1), row(3))
    assert receive(SOURCE, desk.inbox, desk.lake, gone, AS_OF).too_late == 1


def test_a_document_is_compared_once(desk, monkeypatch):
    close(desk)
    desk.write("b.csv", row(3))
    desk.run()
    monkeypatch.setattr(pl, "scan_parquet", None)
    assert receive(SOURCE, desk.inbox, desk.lake, KEYS, AS_OF).too_late == 0
    assert desk.too_late() == {date(2026, 5, 1): 1}
