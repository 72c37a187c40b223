"""Chains to damage: records of made-up decisions, and hands on their stored rows past every guard."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
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
