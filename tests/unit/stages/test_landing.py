"""A landed day holds each record once, and its counts balance whatever was received in which order."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.signals import SIGNALS
from orchestration.stages.landing import land, land_days, stale_landing_days
from orchestration.stages.receiving import receive
from orchestration.stages.versions import once
from tests.unit.stages.help_desk import AS_OF, DAY, KEYS, SOURCE, Desk, row


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def balances(counts):
    return counts["pulled"] == counts["malformed"] + counts["duplicates"] + counts["landed"]


def test_records_land_on_the_utc_day_of_their_own_time(desk):
    desk.write("a.csv", row(1), row(2, day=2), "3,2026-05-02T01:00:00+02:00,s")
    desk.run()
    assert desk.lake.days("landing/desk/tickets") == ["2026-05-01", "2026-05-02"]
    assert desk.landed()["record_id"].to_list() == ["1", "3"]


def test_the_same_record_of_two_files_lands_once_and_is_counted(desk):
    desk.write("a.csv", row(1), row(2), row(1))
    desk.write("b.csv", row(2), row(3), "bad")
    counts = desk.run()[DAY].counts
    assert counts == {"pulled": 6, "malformed": 1, "duplicates": 2, "landed": 3, "conflicts": 0}


def test_of_two_versions_with_one_id_both_are_kept_and_the_one_received_later_is_the_later(desk):
    desk.write("b.csv", row(1, "first pull"))
    desk.run()
    desk.write("a.csv", row(1, "second pull"), row(1, "first pull"))
    counts = desk.run()[DAY].counts
    assert desk.versions() == [("1", "first pull"), ("1~002", "second pull")]
    assert counts == {"pulled": 3, "malformed": 0, "duplicates": 1, "landed": 2, "conflicts": 1}


@pytest.mark.parametrize("gone", ["a.csv", "b.csv", "c.csv"])
def test_versions_with_one_id_keep_their_ids_when_a_document_has_expired(desk, gone):
    for name, subject in (("c.csv", "one"), ("b.csv", "two"), ("a.csv", "three")):
        desk.write(name, row(1, subject))
        desk.run()
    desk.expire(gone)
    (desk.inbox / gone).unlink()
    desk.write("0.csv", row(1, "two"), row(1, "four"))
    desk.run()
    assert desk.versions() == [("1", "one"), ("1~002", "two"), ("1~003", "three"), ("1~004", "four")]


def test_a_version_of_a_document_read_anew_takes_the_place_that_it_left(desk):
    desk.write("a.csv", row(1, "one"))
    desk.run()
    desk.write("b.csv", row(1, "two"))
    desk.run()
    desk.write("a.csv", row(1, "one"), row(1, "three"))  # it grew
    desk.run()
    assert desk.versions() == [("1", "one"), ("1~002", "two"), ("1~003", "three")]


def test_an_id_that_looks_like_that_of_a_later_version_stays_as_it_is(desk):
    desk.write("a.csv", row("7~002"), row("8"))
    desk.run()
    assert [record_id for record_id, _ in desk.versions()] == ["7~002", "8"]


@pytest.mark.parametrize("signal", ["tickets", "deployments", "incidents", "pull_requests", "ci_runs"])
def test_how_something_stood_is_kept_in_every_version(signal):
    assert SIGNALS[signal].is_versioned


def test_of_what_happened_once_what_came_first_is_kept_and_the_conflict_counted():
    schema = {"record_id": pl.String, "event_at": pl.Int64, "body": pl.String}
    told = pl.DataFrame([("1", 1, "first"), ("2", 1, "x"), ("1", 1, "second"), ("2", 1, "x")], schema, orient="row")
    found = once(SIGNALS["ticket_events"], told.with_columns(received_file=pl.lit("f"), received_line=1, raw_bytes=1))
    assert sorted(found.rows.select("record_id", "body").rows()) == [("1", "first"), ("2", "x")]
    assert found.conflicts == 1


def test_two_sides_of_a_call_with_one_id_are_both_kept_in_whatever_order_they_come():
    columns = ("record_id", "event_at", "service", "kind", "resource", "received_file", "received_line", "raw_bytes")
    client = ("t-s", 5, "cart", "client", None, "f", 1, 10)
    server = ("t-s", 6, "stock", "server", None, "f", 2, 10)
    enriched = ("t-s", 6, "stock", "server", "a pod", "g", 1, 20)
    other = ("t-r", 5, "cart", "client", None, "f", 3, 10)
    found = [
        once(SIGNALS["spans"], pl.DataFrame(list(told), columns, orient="row"))
        for told in ([client, server, other, server, enriched], [other, server, client, enriched])
    ]
    for one in found:
        kept = one.rows.select("record_id", "service", "resource").sort("record_id").rows()
        assert kept == [("t-r", "cart", None), ("t-s", "cart", None), ("t-s~002", "stock", None)]
        assert one.conflicts == 1
    assert once(SIGNALS["spans"], pl.DataFrame([client, server], columns, orient="row")).conflicts == 0
    landed = found[0].rows
    again = once(SIGNALS["spans"], pl.concat([landed, pl.DataFrame([client], landed.schema, orient="row")]))
    assert again.rows.sort("record_id").equals(landed.sort("record_id"))


def test_running_again_changes_no_row_and_no_count(desk):
    desk.write("a.csv", row(1), "bad", row(1))
    first = desk.run()[DAY]
    digests = desk.lake.digests(desk.lake.keys("landing"))
    second = desk.run()[DAY]
    assert (first.state, second.state) == ("landed", "current")
    assert second.counts == first.counts
    assert desk.lake.digests(desk.lake.keys("landing")) == digests


def test_a_version_once_landed_stays_when_its_document_has_expired(desk):
    desk.write("a.csv", row(1), row(1), "bad")
    desk.run()
    desk.expire("a.csv")
    (desk.inbox / "a.csv").unlink()
    desk.write("b.csv", row(2))
    counts = desk.run()[DAY].counts
    assert desk.landed()["record_id"].to_list() == ["1", "2"]
    assert counts == {"pulled": 4, "malformed": 1, "duplicates": 1, "landed": 2, "conflicts": 0}


def test_a_conflict_stays_counted_when_its_documents_have_expired(desk):
    survey = SOURCE.model_copy(update={"signals": ("surveys",)})

    def conflicts():
        receive(survey, desk.inbox, desk.lake, KEYS, AS_OF)
        return land(desk.lake, "desk", "surveys", DAY, AS_OF).counts["conflicts"]

    for name, said in (("a.csv", "good"), ("b.csv", "bad")):
        (desk.inbox / name).write_text(f"record_id,event_at,body\n1,{DAY}T10:00:00Z,{said}\n")
    assert conflicts() == 1
    for name in ("a.csv", "b.csv"):
        desk.expire(name)
        (desk.inbox / name).unlink()
    (desk.inbox / "c.csv").write_text(f"record_id,event_at,body\n2,{DAY}T10:00:00Z,good\n")
    assert conflicts() == 1
    assert desk.lake.read(f"landing/desk/surveys/{DAY}").height == 2


def test_a_day_of_which_everything_received_has_expired_is_left_as_it_is(desk):
    desk.write("a.csv", row(1))
    counts = desk.run()[DAY].counts
    desk.expire("a.csv")
    again = land(desk.lake, "desk", "tickets", DAY, AS_OF)
    assert (again.state, again.counts) == ("frozen", counts)
    assert desk.landed().height == 1


def test_a_day_whose_landing_has_expired_is_closed(desk):
    desk.write("a.csv", row(1))
    desk.run()
    with desk.lake.replace(f"anonymized/desk/tickets/{DAY}", as_of=AS_OF) as out:
        out.write("records", desk.landed())
    desk.lake.remove(f"landing/desk/tickets/{DAY}")
    desk.write("late.csv", row(2))
    assert desk.run()[DAY].state == "frozen"
    assert not desk.lake.exists(f"landing/desk/tickets/{DAY}")


def test_a_day_whose_pseudonym_key_was_destroyed_takes_nothing_in(desk):
    desk.write("a.csv", row(1))
    counts = desk.run()[DAY].counts
    with desk.lake.replace(f"anonymized/desk/tickets/{DAY}", as_of=AS_OF, key_id="1a2b") as out:
        out.write("records", desk.landed())
    desk.write("late.csv", row(2))
    receive(SOURCE, desk.inbox, desk.lake, KEYS, AS_OF)
    assert list(stale_landing_days(desk.lake, SOURCE, "tickets", {"1a2b"})) == []
    assert land_days(desk.lake, SOURCE, "tickets", [DAY], AS_OF, {"1a2b"}).frozen == [DAY]
    assert desk.landed().height == counts["landed"] == 1
    assert list(stale_landing_days(desk.lake, SOURCE, "tickets", {"other"})) == [DAY]
    assert land_days(desk.lake, SOURCE, "tickets", [DAY], AS_OF, {"other"}).days[DAY]["landed"] == 2


def test_a_grown_file_counts_its_lines_once(desk):
    desk.write("a.csv", row(1), "bad")
    desk.run()
    desk.write("a.csv", row(1), "bad", row(2))
    assert desk.run()[DAY].counts == {"pulled": 3, "malformed": 1, "duplicates": 0, "landed": 2, "conflicts": 0}


def test_a_day_of_malformed_rows_alone_is_a_day(desk):
    desk.write("a.csv", "bad")
    landed = desk.run()
    assert landed["2026-06-01"].counts["malformed"] == 1
    assert desk.landed("2026-06-01").is_empty()


def test_a_day_nothing_was_received_of_is_absent(desk):
    assert land(desk.lake, "desk", "tickets", DAY, AS_OF).state == "absent"


_FILES = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from([row(1), row(2), row(1, "x"), row(3, day=2), "bad"]))),
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(writes=_FILES, expired=st.sampled_from("abc"))
def test_every_day_balances_and_never_loses_a_version(writes, expired):
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        seen: set[tuple[str, str]] = set()
        for name, rows in writes:
            desk.write(f"{name}.csv", *rows)
            landed = desk.run()
            desk.expire(f"{expired}.csv")
            seen |= {(line.split(",")[0], line.split(",")[2]) for line in rows if line != "bad"}
            assert all(balances(day.counts) and min(day.counts.values()) >= 0 for day in landed.values())
            days = desk.lake.keys("landing/desk/tickets")
            kept = [row for key in days for row in desk.lake.read(key).select("record_id", "subject").rows()]
            assert sorted((record_id.partition("~")[0], subject) for record_id, subject in kept) == sorted(seen)
            assert len({record_id for record_id, _ in kept}) == len(kept)
