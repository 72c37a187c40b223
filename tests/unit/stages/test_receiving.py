"""Every document is read once, whatever happens to its file afterwards."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from governance.errors import UsageError
from governance.keys import Keyring
from governance.retention import load_retention
from governance.sources import Files, Http, Source
from orchestration.lake import Lake
from orchestration.sources.reading import page
from orchestration.sources.tabular import Tabular
from orchestration.stages.expiring import expire
from orchestration.stages.landing import land_days, stale_landing_days
from orchestration.stages.receiving import arrival, receive

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
ROWS = [f"{n},2026-05-{n:02}T10:00:00Z,Title {n}\n" for n in range(1, 10)]
HEADER = "ticket_id,event_at,subject\n"
AHEAD = "10,2026-06-06T10:00:00Z,Title 10\n"  # five days ahead of AS_OF


def source(**fields):
    about = {"description": "d", "owner": "o", "purpose": "p", "files": Files(folder="desk", patterns=("*.csv",))}
    return Source(**({"name": "desk", "type": "csv", "signals": ("tickets",)} | about | fields))


@pytest.fixture
def desk(tmp_path):
    """The source's folder in the inbox."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def pull(lake, desk, of=None, as_of=AS_OF, connector=None):
    return receive(of or source(), desk.parent, lake, KEYS, as_of, connector)


def test_a_document_is_read_once(lake, desk):
    (desk / "a.csv").write_text(HEADER + "".join(ROWS))
    first, second = pull(lake, desk), pull(lake, desk, as_of=AS_OF + timedelta(days=3))
    assert (first.read, second.read) == (1, 0)
    assert first.by_signal == second.by_signal == {"tickets": 9}


def test_a_copy_under_another_name_is_the_same_document(lake, desk):
    for name in ("a.csv", "b.csv"):
        (desk / name).write_text(HEADER + ROWS[0])
    assert pull(lake, desk).read == 1
    assert len(lake.keys("received/desk")) == 1


def test_a_file_that_grew_replaces_what_it_was(lake, desk):
    cut_off = HEADER + ROWS[0] + ROWS[1][:5]
    for content in (cut_off, HEADER + "".join(ROWS[:4]), HEADER + "".join(ROWS)):
        (desk / "a.csv").write_text(content)
        tally = pull(lake, desk)
    (key,) = lake.keys("received/desk")
    assert lake.manifest(key).counts == {"tickets": 9, "malformed": 0, "skipped": 0}
    assert tally.malformed == 0  # the line that was cut off is whole now


@pytest.mark.parametrize("after", [HEADER + ROWS[0], HEADER + "".join(ROWS[5:]), HEADER + "".join(ROWS[1:])])
def test_a_file_that_was_cut_or_rotated_loses_nothing_that_was_read(lake, desk, after):
    (desk / "a.csv").write_text(HEADER + "".join(ROWS[:5]))
    pull(lake, desk)
    (desk / "a.csv").write_text(after)
    pull(lake, desk)
    assert len(lake.keys("received/desk")) == 2


def test_a_kill_between_writing_and_dropping_is_repaired_by_the_next_pull(lake, desk, monkeypatch):
    (desk / "a.csv").write_text(HEADER + ROWS[0])
    pull(lake, desk)
    (desk / "a.csv").write_text(HEADER + ROWS[0] + ROWS[1])
    with monkeypatch.context() as killed:
        killed.setattr(Lake, "remove", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pull(lake, desk)
    assert len(lake.keys("received/desk")) == 2
    assert pull(lake, desk).read == 0
    assert len(lake.keys("received/desk")) == 1


def test_a_changed_mapping_reads_again_with_the_time_of_the_first_receiving(lake, desk):
    (desk / "a.csv").write_text("Title\nSlow\n")
    undated = {"constants": {"event_at": "received"}}
    pull(lake, desk, source(**undated))
    later = pull(lake, desk, source(**undated, columns={"subject": "Title"}), as_of=AS_OF + timedelta(days=5))
    (key,) = lake.keys("received/desk")
    assert later.read == 1
    assert lake.read(key, "tickets-0001")["subject"].to_list() == ["Slow"]
    assert lake.read(key, "tickets-0001")["event_at"].to_list() == [AS_OF]


def test_a_newer_connector_reads_again(lake, desk):
    (desk / "a.csv").write_text(HEADER + ROWS[0])
    pull(lake, desk)
    newer = Tabular()
    newer.version = 2
    assert pull(lake, desk, connector=newer).read == 1
    assert pull(lake, desk, connector=newer).read == 0


def span(number, moment):
    """An export request of one span."""
    start = int(moment.timestamp()) * 10**9
    ids = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "GET /"}
    told = {**ids, "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5)}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]}) + "\n"


SPANS = source(type="otlp", signals=("spans",), files=Files(folder="desk", patterns=("*.json",)))
# A source, and a file of it with a record of the day before AS_OF, and one of five days after it.
WITH_ONE_AHEAD = {
    "a table": (source(), "a.csv", HEADER + "1,2026-05-31T10:00:00Z,Title 1\n" + AHEAD),
    "spans": (SPANS, "a.json", span(1, AS_OF - timedelta(hours=14)) + span(2, AS_OF + timedelta(days=5, hours=10))),
}


def land_stale(lake, of, as_of):
    """Land the days that are stale; by day what landed now, as pulled, malformed, duplicates and landed."""
    (signal,) = of.signals
    done = land_days(lake, of, signal, list(stale_landing_days(lake, of, signal)), as_of)
    names = ("pulled", "malformed", "duplicates", "landed")
    return {day: tuple(counts[name] for name in names) for day, counts in done.days.items()}


@pytest.mark.parametrize(("of", "name", "content"), WITH_ONE_AHEAD.values(), ids=WITH_ONE_AHEAD)
def test_a_document_with_a_record_ahead_of_its_run_is_read_again_once_a_run_allows_it(lake, desk, of, name, content):
    (desk / name).write_text(content)
    first = pull(lake, desk, of)
    (key,) = lake.keys("received/desk")
    assert (first.read, first.records, first.malformed, first.ahead) == (1, 1, 1, 1)
    assert lake.read(key, "malformed")["reason"].item().endswith(" is out of range")
    assert land_stale(lake, of, AS_OF) == {"2026-05-31": (2, 1, 0, 1)}

    next_day = AS_OF + timedelta(days=1)
    again = pull(lake, desk, of, next_day)
    assert (again.read, again.malformed, again.ahead) == (0, 1, 1)
    assert land_stale(lake, of, next_day) == {}

    later = AS_OF + timedelta(days=6)
    last = pull(lake, desk, of, later)
    assert (last.read, last.records, last.malformed, last.ahead) == (1, 2, 0, 0)
    assert lake.manifest(key).facts["received_at"] == AS_OF.isoformat()
    assert land_stale(lake, of, later) == {"2026-05-31": (1, 0, 0, 1), "2026-06-06": (1, 0, 0, 1)}
    assert pull(lake, desk, of, later).read == 0


def test_of_several_records_ahead_each_is_taken_by_the_first_run_that_allows_it(lake, desk):
    (desk / "a.csv").write_text(HEADER + ROWS[0] + "11,2026-06-20,T\n" + AHEAD)
    told = [pull(lake, desk, as_of=AS_OF + timedelta(days=days)) for days in (0, 6, 7, 20)]
    assert [(one.read, one.records, one.malformed) for one in told] == [(1, 1, 2), (1, 2, 1), (0, 2, 1), (1, 3, 0)]


def test_a_document_with_a_record_that_was_refused_for_something_else_is_not_read_again(lake, desk):
    (desk / "a.csv").write_text(HEADER + ROWS[0] + "11,1999-01-01,T\n12,soon,T\n")
    assert pull(lake, desk).ahead == 0
    assert pull(lake, desk, as_of=AS_OF + timedelta(days=400)).read == 0


@pytest.mark.parametrize("added", ["", "11,2026-06-06T11:00:00Z,Title 11\n"])
def test_a_day_on_which_only_records_ahead_counted_counts_them_no_more_once_they_are_read(lake, desk, added):
    (desk / "a.csv").write_text(HEADER + AHEAD)
    pull(lake, desk)
    assert land_stale(lake, source(), AS_OF) == {"2026-06-01": (1, 1, 0, 0)}
    (desk / "a.csv").write_text(HEADER + AHEAD + added)
    later = AS_OF + timedelta(days=6)
    records = pull(lake, desk, as_of=later).records
    assert land_stale(lake, source(), later) == {"2026-06-01": (0, 0, 0, 0), "2026-06-06": (records, 0, 0, records)}


def test_a_file_that_grew_and_is_read_again_before_it_landed_still_replaces_what_it_was(lake, desk):
    (desk / "a.csv").write_text(HEADER + ROWS[0])
    pull(lake, desk)
    land_stale(lake, source(), AS_OF)
    (desk / "a.csv").write_text(HEADER + ROWS[0] + AHEAD)
    pull(lake, desk)
    later = AS_OF + timedelta(days=6)
    pull(lake, desk, as_of=later)
    assert land_stale(lake, source(), later) == {"2026-05-01": (1, 0, 0, 1), "2026-06-06": (1, 0, 0, 1)}


class Pages(Tabular):
    """The bodies of pages of one address, in the order they are answered."""

    def __init__(self, *bodies):
        self.bodies = bodies

    def documents(self, pull):
        return (page("desk/tickets", (HEADER + body).encode()) for body in self.bodies)


@pytest.mark.parametrize("turned", [False, True])
def test_pages_arrive_in_the_order_they_are_answered(lake, desk, turned):
    said = ROWS[:5][::-1] if turned else ROWS[:5]
    pull(lake, desk, source(files=None, http=Http(url="https://desk.example")), connector=Pages(*said))
    pull(lake, desk, source(files=None, http=Http(url="https://desk.example")), AS_OF + timedelta(1), Pages(ROWS[5]))
    keys = sorted(lake.keys("received/desk"), key=lambda key: arrival(lake.manifest(key)))
    arrived = [lake.read(key, "tickets-0001")["subject"].item() for key in keys]
    assert arrived == [row.strip().rsplit(",")[-1] for row in [*said, ROWS[5]]]


def test_a_page_with_a_record_ahead_of_its_run_is_read_again_where_it_is_answered_again(lake, desk):
    of, later = source(files=None, http=Http(url="https://desk.example")), AS_OF + timedelta(days=6)
    pull(lake, desk, of, connector=Pages(ROWS[0] + AHEAD))
    assert pull(lake, desk, of, later, Pages(ROWS[1])).read == 1
    assert [lake.manifest(key).counts["malformed"] for key in lake.keys("received/desk")].count(1) == 1
    told = pull(lake, desk, of, later, Pages(ROWS[0] + AHEAD))
    assert (told.read, told.records, told.malformed) == (1, 2, 0)


def test_a_document_that_expired_is_not_read_again(lake, desk):
    (desk / "a.csv").write_text(HEADER + ROWS[0])
    pull(lake, desk)
    later = AS_OF + timedelta(days=400)
    expire(lake, load_retention(), later)
    tally = pull(lake, desk, as_of=later)
    assert (tally.documents, tally.read, tally.expired) == (1, 0, 1)
    assert lake.keys("received") == []


def test_a_missing_inbox_is_one_clear_error(lake, tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        receive(source(), tmp_path / "nowhere", lake, KEYS, AS_OF)


def test_a_source_without_a_file_is_no_error_and_visible(lake, desk):
    tally = pull(lake, desk)
    assert (tally.documents, tally.is_nothing_readable) == (0, False)


def test_a_source_of_which_nothing_is_readable_says_so_every_time(lake, desk):
    (desk / "a.csv").write_text(HEADER + "1,soon,T\n")
    for _ in range(2):
        tally = pull(lake, desk)
        assert tally.is_nothing_readable
        assert tally.unreadable == ("desk/a.csv",)


def test_hidden_and_other_files_are_left_alone(lake, desk):
    (desk / ".a.csv").write_text(HEADER + ROWS[0])
    (desk / "a.txt").write_text("not ours")
    assert pull(lake, desk).documents == 0


def test_a_file_may_have_any_name(lake, desk):
    for name in (b"\xff.csv", b"a\nb\x1b[31m.csv"):
        Path(os.fsdecode(bytes(desk) + b"/" + name)).write_text(HEADER + ROWS[len(name) % 9])
    pull(lake, desk)
    names = sorted(lake.manifest(key).facts["name"] for key in lake.keys("received/desk"))
    assert names == ["desk/a\ufffdb\ufffd[31m.csv", "desk/\ufffd.csv"]
