"""A decision is in the record for good, or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from governance.audit import Recorded, read_head
from governance.errors import FeedbackError, PolicyError, UsageError
from tests.unit.audit.chains import START, damage, decision, filled, record_in, stored, unguarded


def test_what_was_decided_is_read_as_it_was_said(tmp_path: Path) -> None:
    record, said = record_in(tmp_path), [decision(1), decision(2, "waive"), decision(3)]
    recorded = [record.append(one) for one in said]
    assert list(record.entries()) == recorded
    assert [(one.number, one.decision) for one in recorded] == list(enumerate(said, 1))
    assert [one.number for one in record.entries({"waive"})] == [2]
    assert record.last("release") == recorded[2]
    assert record.last("discard") is None


def test_a_record_without_entries_is_good_and_leaves_no_file(tmp_path: Path) -> None:
    record = record_in(tmp_path / "home")
    assert (list(record.entries()), record.verify().is_good, record.export()) == ([], True, None)
    assert not (tmp_path / "home" / "decisions.sqlite").exists()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    filled(tmp_path / "home", 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "home").iterdir()}
    assert modes == {"decisions.sqlite": 0o600, "head.json": 0o600}
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("statement", ["update decisions set number = 9 where number = 2", "delete from decisions"])
def test_the_database_refuses_changes(tmp_path: Path, statement: str) -> None:
    filled(tmp_path, 2)
    there, refused = closing(sqlite3.connect(tmp_path / "decisions.sqlite")), pytest.raises(sqlite3.IntegrityError)
    with there as connection, refused as error:
        connection.execute(statement)
    assert str(error.value) == "the decision record is append-only"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        # the end: only the exported head tells
        (["delete from decisions where number = 9"], [("truncated", 9, 9)]),
        (["delete from decisions where number > 4"], [("truncated", 5, 9)]),
        (["delete from decisions"], [("truncated", 1, 9)]),
        # the middle
        (["delete from decisions where number in (3, 4)"], [("removed", 3, 4)]),
        (
            ["update decisions set entry = cast(replace(entry, 'ana', 'eve') as blob) where number = 6"],
            [("edited", 6, 6)],
        ),
        (["update decisions set entry = cast(entry as text) where number = 6"], [("edited", 6, 6)]),
        (["update decisions set number = -1 where number = 3"], [("removed", 3, 3)]),
        (
            [f"update decisions set number = {new} where number = {old}" for old, new in [(3, 99), (4, 3), (99, 4)]],
            [
                ("reordered", 3, 3),
                ("reordered", 4, 4),
                ("edited", 5, 5),
            ],  # 5 does not follow from what stands before it
        ),
        # what was put in
        (["insert into decisions select 10, entry, digest from decisions where number = 9"], [("reordered", 10, 10)]),
        (["insert into decisions select 10, x'7b7d', zeroblob(32)"], [("edited", 10, 10)]),
    ],
)
def test_what_is_done_to_the_table_is_found_and_located(
    tmp_path: Path, statements: list[str], found: list[tuple[str, int, int]]
) -> None:
    record = filled(tmp_path, 9)
    with unguarded(tmp_path) as connection:
        for statement in statements:
            connection.execute(statement)
    assert [(one.damage, one.number, one.last) for one in record.verify().problems] == found
    with pytest.raises(FeedbackError, match=r"not whole: see `feedback audit verify`"):
        list(record.entries())
    with pytest.raises(FeedbackError, match=r"not whole|append-only"):
        record.append(decision(10), check=lambda _: None)


@pytest.mark.parametrize("seed", range(3))
def test_of_many_edits_at_once_each_is_found_at_its_entry(tmp_path: Path, seed: int) -> None:
    record = stored(tmp_path, 3_000)
    assert record.verify().is_good
    places = damage(tmp_path, 3_000, 200, seed)
    found = {one.number for one in record.verify().problems}
    assert places <= found
    assert found <= places | {place + 1 for place in places} | {place + 2 for place in places}


def test_a_copy_of_an_older_head_finds_a_record_written_anew(tmp_path: Path) -> None:
    record = filled(tmp_path, 5)
    copy = read_head(tmp_path / "head.json")
    assert copy is not None
    record.append(decision(6))
    assert record.verify(copy).is_good
    assert [str(one) for one in record.verify(replace(copy, digest="00" * 32)).problems] == [
        "entry 5: edited (the head that was exported with it has another digest)"
    ]


def test_a_head_one_behind_is_brought_up_to_date(tmp_path: Path) -> None:
    record, head = filled(tmp_path, 3), tmp_path / "head.json"
    exported = head.read_bytes()
    fourth = record.append(decision(4))
    head.write_bytes(exported)  # killed between recording and exporting
    (tmp_path / "head.tmp").write_text("{")
    assert record.verify().is_good
    exported_now = record.export()
    assert exported_now is not None
    assert (exported_now.number, exported_now.digest) == (4, fourth.digest)


def test_the_first_head_may_be_behind_as_well(tmp_path: Path) -> None:
    record = filled(tmp_path, 1)
    (tmp_path / "head.json").unlink()
    assert record.verify().is_good
    assert record.append(decision(2)).number == 2


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("is_left", [True, False])
def test_several_that_were_recorded_at_once_survive_a_kill_before_their_head(
    tmp_path: Path,
    before: int,
    is_left: bool,  # noqa: FBT001
) -> None:
    record, head, beside = filled(tmp_path, before), tmp_path / "head.json", tmp_path / "head.tmp"
    exported = head.read_bytes() if before else None
    record.append_all([decision(number) for number in range(before + 1, before + 4)])
    if is_left:  # what a kill between recording and exporting leaves
        beside.write_bytes(head.read_bytes())
    head.write_bytes(exported) if exported else head.unlink()
    assert record.verify().is_good == is_left
    if is_left:
        assert record.append(decision(before + 4)).number == before + 4
        assert not beside.exists()
        assert record.verify().is_good
    else:
        with pytest.raises(FeedbackError, match="nothing is decided on a record that is not whole"):
            record.append(decision(before + 4))


def test_of_several_that_are_recorded_at_once_none_is_where_one_is_refused(tmp_path: Path) -> None:
    record = filled(tmp_path, 1)
    with pytest.raises(UsageError, match="kind is"):
        record.append_all([decision(2), decision(3, kind="No kind")])
    assert record.verify().entries == 1


@pytest.mark.parametrize(
    ("exported", "problem"),
    [
        (None, "the record: head missing"),
        ("of entry 1", "entries 2 to 3: added (not recorded by this product"),
        ("{}", "not readable as the head of the decision record"),
    ],
)
def test_a_head_that_does_not_go_with_the_record_stops_deciding(
    tmp_path: Path, exported: str | None, problem: str
) -> None:
    record, head = filled(tmp_path, 1), tmp_path / "head.json"
    first = head.read_text()
    record.append(decision(2))
    record.append(decision(3))
    head.unlink()
    if exported:
        head.write_text(first if exported.startswith("of") else exported)
    assert problem in str(record.verify().problems[0])
    with pytest.raises(FeedbackError):
        record.append(decision(4))


@pytest.mark.parametrize(
    ("statement", "head", "lost"),
    [
        ("delete from decisions where number > 2", True, "entry 3: truncated"),
        ("delete from decisions", True, "entries 1 to 3: truncated"),
        ("select 1", False, "the record: head missing"),
    ],
)
def test_a_loss_that_somebody_accepts_is_an_entry_itself(
    tmp_path: Path,
    statement: str,
    head: bool,  # noqa: FBT001
    lost: str,
) -> None:
    record = filled(tmp_path, 3)
    with unguarded(tmp_path) as connection:
        connection.execute(statement)
    if not head:
        (tmp_path / "head.json").unlink()
    accepted = record.accept("ben@example.com", "The disk was lost.", START)
    assert record.verify().is_good
    assert list(record.entries({"accept"})) == [accepted]
    told = accepted.decision.what["lost"]
    assert isinstance(told, list)
    assert str(told[0]).startswith(lost)


def test_entries_that_were_changed_cannot_be_accepted(tmp_path: Path) -> None:
    record = filled(tmp_path, 3)
    with pytest.raises(UsageError, match="nothing to accept"):
        record.accept("ben@example.com", "Why not.", START)
    with unguarded(tmp_path) as connection:
        connection.execute("delete from decisions where number in (2, 3)")
        connection.execute("insert into decisions select 2, x'7b7d', zeroblob(32)")
    with pytest.raises(FeedbackError, match="entry 2: edited"):
        record.accept("ben@example.com", "Why not.", START)
    with sqlite3.connect(tmp_path / "decisions.sqlite") as connection:
        assert connection.execute("select count(*) from decisions").fetchone() == (2,)


def test_guards_that_were_taken_away_are_told_and_put_back(tmp_path: Path) -> None:
    record = filled(tmp_path, 2)
    with closing(sqlite3.connect(tmp_path / "decisions.sqlite")) as connection:
        connection.execute("drop trigger decisions_refuse_delete")
    assert [problem.damage for problem in record.verify().problems] == ["unguarded"]
    record.accept("ben@example.com", "Restored from a dump.", START)
    assert record.verify().is_good


def test_a_refused_decision_leaves_everything_as_it_was(tmp_path: Path) -> None:
    record = filled(tmp_path, 2)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(so_far: Sequence[Recorded]) -> None:
        assert [one.number for one in so_far] == [1, 2]
        raise UsageError("record 7 is released already")

    with pytest.raises(UsageError, match="released already"):
        record.append(decision(3), refuse)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_of_two_stewards_at_once_one_wins_and_one_is_told(tmp_path: Path) -> None:
    def release(number: int) -> str:
        def not_yet(so_far: Sequence[Recorded]) -> None:
            if so_far:
                raise UsageError(f"released already by entry {so_far[0].number}")

        try:
            return f"entry {record_in(tmp_path).append(decision(number), not_yet).number}"
        except UsageError as error:
            return str(error)

    with ThreadPoolExecutor(8) as stewards:
        told = sorted(stewards.map(release, range(8)))
    assert told == ["entry 1", *["released already by entry 1"] * 7]
    assert record_in(tmp_path).verify().is_good


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"why": " "}, "why has 1 characters"),
        ({"why": "a" * 1_001}, "expected one line of 1 to 1000"),
        ({"why": "two\nlines"}, "expected one line"),
        ({"who": ""}, "who has 0 characters"),
        ({"kind": "Sign off"}, "expected lower case letters"),
        ({"at": datetime(2026, 3, 1)}, "without a time zone"),  # noqa: DTZ001
        ({"what": {"text": "a" * 301}}, "what.text has 301 characters"),
        ({"what": {"row": {"body": {"deep": 1}}}}, "expected at most 10,000 plain values"),
        ({"what": {"ids": list(range(10_001))}}, "list or map of 10,001"),
        ({"what": {"ids": ["a" * 299] * 9_000}}, "at most 500,000 go into one"),
        ({"what": {"share": float("nan")}}, "what.share is a float"),
        ({"what": {"day": START.date()}}, "what.day is a date"),
    ],
)
def test_what_is_no_decision_is_refused(tmp_path: Path, part: dict[str, object], told: str) -> None:
    record = filled(tmp_path, 1)
    with pytest.raises(UsageError, match=told.replace("(", r"\(")):
        record.append(replace(decision(2), **part))  # type: ignore[arg-type]
    assert record.verify().entries == 1


@pytest.mark.parametrize(
    ("url", "error", "told"),
    [
        ("mysql://eve:hunter2@host/db", PolicyError, "a mysql database; expected postgresql"),
        ("sqlite:///decisions.sqlite", PolicyError, "a sqlite database; expected postgresql"),
        ("postgresql+nodriver://eve:hunter2@host/db", FeedbackError, "install its driver"),
    ],
)
def test_a_url_of_another_kind_is_refused_and_never_repeated(
    tmp_path: Path, url: str, error: type[FeedbackError], told: str
) -> None:
    from governance.audit import DecisionRecord

    with pytest.raises(error, match=told) as refused:
        DecisionRecord.open(url, tmp_path / "head.json")
    assert "hunter2" not in str(refused.value)
