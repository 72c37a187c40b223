"""Where entries are kept: a SQLite file, or PostgreSQL by URL; the same statements but for what the dialects lack.

A table with three columns and nothing beside the chain, so that no stored byte is outside a digest. Triggers refuse
changes and removals: they stop a slip, the chain shows what somebody did who removed them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from governance.audit.chain import Problem, Row
from governance.audit.record import URL_VARIABLE
from governance.errors import FeedbackError, PolicyError

PAGE_ROWS = 10_000
_BUSY_SECONDS = 60.0

_ENTRIES = sa.Table(
    "decisions",
    sa.MetaData(),
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
)

_GUARDS = {
    "sqlite": [
        f"create trigger if not exists decisions_refuse_{verb} before {verb} on decisions begin "
        "select raise(abort, 'the decision record is append-only'); end"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "create or replace function decisions_refuse() returns trigger language plpgsql as "
        "$$ begin raise exception 'the decision record is append-only'; end $$",
        "create or replace trigger decisions_are_append_only before update or delete or truncate on decisions "
        "for each statement execute function decisions_refuse()",
    ],
}


class Store:
    """Entries of one database. Reading never writes: where nothing was recorded yet there is no table, and no file."""

    def __init__(self, url_or_path: str | Path) -> None:
        """Nothing is opened yet.

        Raises:
            PolicyError: the URL names a database of a kind that decisions are not kept in.
            FeedbackError: the driver of PostgreSQL is not installed.
        """
        self._path = None if "://" in str(url_or_path) else Path(url_or_path)
        self.place = str(self._path) if self._path else f"the database of {URL_VARIABLE}"
        try:
            url = sa.make_url(f"sqlite:///{self._path}" if self._path else str(url_or_path))
            if url.get_backend_name() not in _GUARDS or (self._path is None and url.get_backend_name() == "sqlite"):
                raise PolicyError(f"{URL_VARIABLE}: a {url.get_backend_name()} database; expected postgresql://...")
            options = {"timeout": _BUSY_SECONDS, "isolation_level": None} if self._path else {}
            self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=options)
        except (sa.exc.ArgumentError, ImportError) as error:
            hint = "install its driver, as in `pip install psycopg[binary]`, and write postgresql+psycopg://..."
            raise FeedbackError(f"{self.place} cannot be used ({type(error).__name__}); {hint}") from None

    @property
    def is_shared(self) -> bool:
        """Whether other hosts may record in it too."""
        return self._path is None

    @contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """A connection in which no statement holds up a writer for longer than it takes; null where nothing is yet."""
        if self._path and not self._path.exists():
            yield None
            return
        with self._told("read"), self._engine.connect() as connection:
            yield connection if sa.inspect(connection).has_table("decisions") else None

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """The one transaction that may add an entry now; others wait for it. Undone where the block fails."""
        if self._path:
            self._make_file(self._path)
        with self._told("written"), self._engine.connect() as connection:
            if self._path:
                connection.exec_driver_sql("pragma synchronous = full")
                connection.exec_driver_sql("begin immediate")
            else:  # other tables' writers need not wait
                connection.exec_driver_sql("select pg_advisory_xact_lock(hashtext('decisions'))")
            try:
                self._make_table(connection)
                yield connection
            except BaseException:
                connection.exec_driver_sql("rollback") if self._path else connection.rollback()
                raise
            connection.exec_driver_sql("commit") if self._path else connection.commit()

    def rows(self, connection: sa.Connection | None) -> Iterator[Row]:
        """Every row in order, a page at a time."""
        last = 0
        while connection is not None:
            query = sa.select(_ENTRIES).where(_ENTRIES.c.number > last).order_by(_ENTRIES.c.number).limit(PAGE_ROWS)
            page: list[Row] = [(row[0], row[1], row[2]) for row in connection.execute(query)]
            yield from page
            if not page or page[-1][0] <= last:
                return
            last = page[-1][0]

    def row(self, connection: sa.Connection | None, number: int) -> Row | None:
        """One row by its number."""
        if connection is None:
            return None
        found = connection.execute(sa.select(_ENTRIES).where(_ENTRIES.c.number == number)).first()
        return _row(found)

    def last(self, connection: sa.Connection | None, prefix: tuple[int, bytes] = (0, b"")) -> Row | None:
        """The last row, of those whose entry has these bytes at this place (from 0)."""
        if connection is None:
            return None
        at, expected = prefix
        is_meant = sa.func.substr(_ENTRIES.c.entry, at + 1, len(expected)) == expected
        query = sa.select(_ENTRIES).order_by(_ENTRIES.c.number.desc()).limit(1)
        found = connection.execute(query.where(is_meant) if expected else query).first()
        return _row(found)

    def add(self, connection: sa.Connection, row: Row) -> None:
        """One row more, within `writing`."""
        connection.execute(_ENTRIES.insert().values(number=row[0], entry=row[1], digest=row[2]))

    def guard(self, connection: sa.Connection) -> None:
        """Make the triggers that are not there, within `writing`."""
        for statement in _GUARDS[connection.dialect.name]:
            connection.exec_driver_sql(statement)

    def unguarded(self, connection: sa.Connection | None) -> Iterator[Problem]:
        """Whether the table is as it was made, with the triggers that keep it append-only."""
        if connection is None:
            return
        if self._path:
            query = "select name, sql from sqlite_master where tbl_name = 'decisions' and sql is not null"
            there = {name: _squeezed(str(text)) for name, text in connection.exec_driver_sql(query)}
            meant = {f"decisions_refuse_{verb}" for verb in ("update", "delete")} | {"decisions"}
            is_as_made = there.keys() == meant and set(there.values()) == set(map(_squeezed, self._made(connection)))
        else:
            query = (
                "select count(*) from pg_trigger where tgname = 'decisions_are_append_only' and tgenabled = 'O' and "
                "tgrelid = 'decisions'::regclass"
            )
            is_as_made = connection.exec_driver_sql(query).scalar() == 1
        if not is_as_made:
            yield Problem("unguarded", 0, 0, "its table or the triggers that refuse changes are not as they were made")

    @staticmethod
    def _made(connection: sa.Connection) -> list[str]:
        table = str(sa.schema.CreateTable(_ENTRIES).compile(connection))
        return [table, *(text.replace("if not exists ", "") for text in _GUARDS["sqlite"])]

    def _make_table(self, connection: sa.Connection) -> None:
        if not sa.inspect(connection).has_table("decisions"):
            connection.execute(sa.schema.CreateTable(_ENTRIES))
            self.guard(connection)

    def _make_file(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._failed("written", error.strerror or type(error).__name__) from None

    @contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            # Of a server's message only the kind: it can name addresses and users.
            reason = str(error.orig) if self._path else type(error.orig).__name__
            raise self._failed(verb, reason) from None
        except (OSError, UnicodeError) as error:
            raise self._failed(verb, getattr(error, "strerror", None) or type(error).__name__) from None

    def _failed(self, verb: str, reason: str) -> FeedbackError:
        done = "nothing was decided; " if verb != "read" else ""
        return FeedbackError(
            f"{self.place}: the decision record could not be {verb} ({reason}); {done}see that it is there, whole and "
            "writable, with space left, then do it again"
        )


def _squeezed(statement: str) -> str:
    return "".join(statement.split()).lower()


def _row(found: sa.Row[int, bytes, bytes] | None) -> Row | None:
    if found is None:
        return None
    number, entry, digest = found
    return number, entry, digest
