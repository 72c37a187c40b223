"""Chains to damage: records of made-up decisions, and hands on their stored rows past every guard."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.audit import Decision, DecisionRecord
from governance.audit.chain import NOTHING_BEFORE, Row, chained
from governance.audit.decision import canonical

START = datetime(2026, 3, 1, tzinfo=UTC)


def decision(number: int, kind: str = "release") -> Decision:
    what = {"dataset": "zendesk/tickets", "days": ["2026-03-01"], "record_ids": [f"{number:032x}"]}
    return Decision(kind, "ana@example.com", "The pattern was mended.", START + timedelta(minutes=number), what)


def rows(count: int) -> Iterator[Row]:
    digest = NOTHING_BEFORE
    for number in range(1, count + 1):
        entry = canonical(number, decision(number))
        digest = chained(digest, entry)
        yield number, entry, digest


def record_in(folder: Path) -> DecisionRecord:
    return DecisionRecord.open(folder / "decisions.sqlite", folder / "head.json")


def filled(folder: Path, count: int) -> DecisionRecord:
    record = record_in(folder)
    for number in range(1, count + 1):
        record.append(decision(number))
    return record


@contextmanager
def unguarded(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database without its triggers while the block changes it, and with them again behind it."""
    with closing(sqlite3.connect(folder / "decisions.sqlite")) as connection:
        triggers = connection.execute("select name, sql from sqlite_master where type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"drop trigger {name}")
        yield connection
        for _, statement in triggers:
            connection.execute(statement)
        connection.commit()


def stored(folder: Path, count: int) -> DecisionRecord:
    """A record of so many entries, put into its table at once: one by one takes a disk a minute per 10,000."""
    record = filled(folder, 1)
    with closing(sqlite3.connect(folder / "decisions.sqlite")) as connection:
        of_rest = (row for row in rows(count) if row[0] > 1)
        connection.executemany("insert into decisions (number, entry, digest) values (?, ?, ?)", of_rest)
        connection.commit()
        number, digest = connection.execute("select number, digest from decisions order by number desc").fetchone()
    head = {"number": number, "digest": digest.hex(), "at": START.isoformat()}
    (folder / "head.json").write_text(json.dumps(head))
    return record


def flipped(value: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(value))
    return value[:at] + bytes([value[at] ^ 1 << rng.randrange(8)]) + value[at + 1 :]


Hand = Callable[[sqlite3.Connection, int, random.Random], None]


def _set(column: str, change: Callable[[bytes, random.Random], bytes]) -> Hand:
    def edit(connection: sqlite3.Connection, number: int, rng: random.Random) -> None:
        (value,) = connection.execute(f"select {column} from decisions where number = ?", [number]).fetchone()
        connection.execute(f"update decisions set {column} = ? where number = ?", [change(value, rng), number])

    return edit


def _remove(connection: sqlite3.Connection, number: int, rng: random.Random) -> None:
    connection.execute("delete from decisions where number = ?", [number])


def _swap(connection: sqlite3.Connection, number: int, rng: random.Random) -> None:
    for new, old in ((-1, number), (number, number + 1), (number + 1, -1)):
        connection.execute("update decisions set number = ? where number = ?", [new, old])


def _double(connection: sqlite3.Connection, number: int, rng: random.Random) -> None:
    """Put the entry in again in place of the one behind it."""
    connection.execute("delete from decisions where number = ?", [number])
    again = "insert into decisions select ?, entry, digest from decisions where number = ?"
    connection.execute(again, [number, number - 1])


HANDS: Mapping[str, Hand] = {
    "a bit of the entry": _set("entry", flipped),
    "a bit of the digest": _set("digest", flipped),
    "who decided": _set("entry", lambda entry, rng: entry.replace(b"ana@", b"eve@")),
    "cut short": _set("entry", lambda entry, rng: entry[: rng.randrange(len(entry))]),
    "removed": _remove,
    "swapped with the next": _swap,
    "another in its place": _double,
}


def damage(folder: Path, count: int, edits: int, seed: int) -> set[int]:
    """Edit a record of `count` entries in so many places, five or more apart; the entries where it was edited."""
    rng = random.Random(seed)
    places = {5 * place + 2 for place in rng.sample(range((count - 5) // 5), edits)}
    with unguarded(folder) as connection:
        for number in sorted(places):
            HANDS[rng.choice(sorted(HANDS))](connection, number, rng)
    return places
