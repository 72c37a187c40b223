"""The decision record: append-only, each entry chained to all before it, its head exported after each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from governance.audit.chain import LOSSES, NOTHING_BEFORE, Problem, Row, Walk, chained
from governance.audit.decision import LONGEST_VALUE, Decision, Recorded, canonical, kind_at, parsed
from governance.audit.head import Head, pending_head, put_in_place, read_head, replacing, utc
from governance.durability import alone
from governance.errors import FeedbackError, UsageError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from governance.audit.store import Store

URL_VARIABLE = "FEEDBACK_DECISIONS_URL"

Check = Callable[[Sequence[Recorded]], None]


@dataclass(frozen=True)
class Verification:
    """What was found when the whole record was gone through.

    Attributes:
        entries: how many there are.
        head: of the chain as it is; null where it is empty, or has problems.
        problems: in the order of the entries.
    """

    entries: int
    head: Head | None
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        return not self.problems


class DecisionRecord:
    """The record of one deployment."""

    def __init__(self, store: Store, head: Path) -> None:
        self._store, self._head = store, head

    @classmethod
    def open(cls, url_or_path: str | Path, head: Path) -> DecisionRecord:
        """The record in a SQLite file or a PostgreSQL database; made with its first entry.

        Args:
            head: the file that its head is exported to.

        Raises:
            FeedbackError: a URL of another kind of database, or without its driver.
        """
        from governance.audit.store import Store  # SQLAlchemy, a fifth of a second of every start

        return cls(Store(url_or_path), head)

    def entries(self, kinds: Collection[str] = ()) -> Iterator[Recorded]:
        """Everything that was decided, in order.

        Args:
            kinds: only these; empty: all.

        Raises:
            FeedbackError: the record is not whole: nothing may follow from one that somebody changed.
        """
        with self._store.reading() as connection:
            yield from self._read(connection, kinds)

    def last(self, kind: str) -> Recorded | None:
        """The last decision of a kind, found from the end; what stands before it is not looked at."""
        with self._store.reading() as connection:
            row = self._store.last(connection, kind_at(kind))
        return _recorded(row) if row else None

    def append(self, decision: Decision, check: Check | None = None) -> Recorded:
        """Record a decision, see `append_all`."""
        return self.append_all((decision,), check)[0]

    def append_all(self, decisions: Sequence[Decision], check: Check | None = None) -> list[Recorded]:
        """Record decisions: all are there for good when this returns, and none is where it raises.

        Args:
            check: is given all that is recorded so far, while nobody else can record anything, and raises to refuse.

        Raises:
            UsageError: the decision has no reason, is too long, holds what is no plain value, or `check` refuses it.
            FeedbackError: the store is read-only, full or away, or the record is not whole.
        """
        with alone(self._folder()), replacing(self._head) as write_head, self._store.writing() as connection:
            end, rows = self._end(connection), list[Row]()
            if check:
                check(list(self._read(connection, ())))
            for decision in decisions:
                rows.append(self._add(connection, end, decision))
                end = (rows[-1][0], rows[-1][2])
            write_head(_head_of(rows[-1]))
        return [_recorded(row) for row in rows]

    def accept(self, who: str, why: str, at: datetime) -> Recorded:
        """Go on from the end that is there, after a loss that no backup can mend, and record that and what was lost.

        Raises:
            UsageError: nothing is lost.
            FeedbackError: entries that are there were changed, so that the chain cannot go on from them.
        """
        with alone(self._folder()):
            found = self.verify()
            if found.is_good:
                raise UsageError(f"{self._store.place}: the record is whole; there is nothing to accept")
            for problem in found.problems:
                if problem.damage not in LOSSES:
                    raise self._broken(problem)
            lost = [str(problem)[:LONGEST_VALUE] for problem in found.problems]
            with replacing(self._head) as write_head, self._store.writing() as connection:
                self._store.guard(connection)
                last = self._store.last(connection)
                end = (last[0], last[2]) if last else (0, NOTHING_BEFORE)
                row = self._add(connection, end, Decision("accept", who, why, at, {"lost": lost}))
                write_head(_head_of(row))
        return _recorded(row)

    def verify(self, copy: Head | None = None) -> Verification:
        """Go through the whole record; every edit, removal, reorder and truncation is found at its entry.

        Args:
            copy: a head kept elsewhere, of any time: what was recorded up to it must be there unchanged.
        """
        walk, problems, heads = Walk(), list[Problem](), [copy] if copy else []
        last: Row | None = None
        try:
            # Before the rows: what was exported by now must be among them. Others may record more meanwhile.
            heads += [own] if (own := read_head(self._head)) else []
            with self._store.reading() as connection:
                problems += self._store.unguarded(connection)
                problems += walk.problems(self._store.rows(connection))
                last = self._store.row(connection, walk.number)
                for head in heads:
                    problems += _against(head, walk.number, self._store.row(connection, head.number))
            problems += self._behind(walk.number, last)
        except FeedbackError as error:
            problems.append(Problem("unreadable", walk.number + 1, walk.number + 1, str(error)))
        told_once = {(one.number, one.damage): one for one in reversed(problems)}
        ordered = [told_once[place] for place in sorted(told_once)]
        return Verification(walk.number, _head_of(last) if last and not ordered else None, tuple(ordered))

    def export(self) -> Head | None:
        """The head of the record; its file is brought up to date where a kill left it one entry behind.

        Raises:
            FeedbackError: the record does not go with its head.
        """
        with alone(self._folder()), self._store.reading() as connection:
            self._end(connection)
        return read_head(self._head)

    def _add(self, connection: sa.Connection, end: tuple[int, bytes], decision: Decision) -> Row:
        number, digest = end
        entry = canonical(number + 1, decision)
        row = (number + 1, entry, chained(digest, entry))
        self._store.add(connection, row)
        return row

    def _end(self, connection: sa.Connection | None) -> tuple[int, bytes]:
        """Number and digest of the last entry, which the exported head is brought up to.

        Raises:
            FeedbackError: the head says otherwise.
        """
        last, head = self._store.last(connection), read_head(self._head)
        number, digest = (last[0], last[2]) if last else (0, NOTHING_BEFORE)
        found = _against(head, number, self._store.row(connection, head.number)) if head else []
        for problem in (*found, *self._behind(number, last)):
            raise self._broken(problem)
        if last and (head is None or head.number < number):
            before = self._store.row(connection, number - 1)
            if chained(before[2] if before else NOTHING_BEFORE, last[1]) != digest:
                raise self._broken(Problem("edited", number, number, "it does not follow from the one before it"))
            if pending_head(self._head) == _head_of(last):
                put_in_place(self._head)
            else:
                with replacing(self._head) as write:
                    write(_head_of(last))
        return number, digest

    def _read(self, connection: sa.Connection | None, kinds: Collection[str]) -> Iterator[Recorded]:
        walk, head = Walk(), read_head(self._head)
        places = [kind_at(kind) for kind in kinds]
        for row in self._store.rows(connection):
            for problem in walk.problems((row,)):
                raise self._broken(problem)
            if head and row[0] == head.number and row[2].hex() != head.digest:
                raise self._broken(_against(head, row[0], row)[0])
            if not places or any(row[1].startswith(kind, at) for at, kind in places):
                yield _recorded(row)
        if head and head.number > walk.number:
            raise self._broken(_against(head, walk.number, None)[0])

    def _behind(self, number: int, last: Row | None) -> list[Problem]:
        """Entries whose head was not exported, though no kill explains it and no other host shares the database."""
        pending, head = pending_head(self._head), read_head(self._head)  # in this order: the one becomes the other
        exported = head.number if head else 0
        is_left_by_kill = last is not None and (number - exported <= 1 or pending == _head_of(last))
        if number <= exported or is_left_by_kill or (head and self._store.is_shared):
            return []
        if head is None:
            return [Problem("head missing", 0, 0, f"{self._head} is not there, and {number} entries are")]
        return [Problem("added", exported + 1, number, "not recorded by this product, which exports each head")]

    def _broken(self, problem: Problem) -> FeedbackError:
        return FeedbackError(
            f"{self._store.place}: {problem}; nothing is decided on a record that is not whole: see `feedback audit "
            "verify`; restore it from your backup, or `feedback audit accept` what is lost for ever"
        )

    def _folder(self) -> Path:
        try:
            self._head.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FeedbackError(f"{self._head.parent}: cannot be made ({error.strerror}); see who owns it") from None
        return self._head.parent


def _against(head: Head, number: int, there: Row | None) -> list[Problem]:
    """What is wrong with a chain of `number` entries, of which `there` is the head's, by a head of it."""
    if head.number > number:
        return [Problem("truncated", number + 1, head.number, "recorded, as the head says, and gone")]
    if there is None or there[2].hex() != head.digest:
        return [Problem("edited", head.number, head.number, "the head that was exported with it has another digest")]
    return []


def _head_of(row: Row) -> Head:
    return Head(row[0], row[2].hex(), utc(parsed(row[1])[1].at))


def _recorded(row: Row) -> Recorded:
    return Recorded(row[0], parsed(row[1])[1], row[2].hex())
