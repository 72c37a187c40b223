"""Every document is read once, whatever happens to its file afterwards."""

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
from orchestration.stages.receiving import arrival, receive

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
ROWS = [f"{n},2026-05-{n:02}T10:00:00Z,Title {n}\n" for n in range(1, 10)]
HEADER = "ticket_id,event_at,subject\n"


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
