"""A database's answer to the one query of a source, as JSON lines: read-only, in pages of bounded size.

DuckDB files are opened by DuckDB itself; SQLite and PostgreSQL through SQLAlchemy, the latter with a driver the
deployment installs: DuckDB's own extensions for both are downloaded at first use, and nothing may be fetched at run
time.
The whole answer is read at each pull, so a query names its own window and order. No message ever holds the address, the
query or a row.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count, islice

import duckdb
import orjson
import sqlalchemy as sa

from governance.errors import FeedbackError, PolicyError, one_of
from orchestration.sources.connector import Document, Pull
from orchestration.sources.reading import page

PAGE_ROWS = 10_000
SCHEMES = ("duckdb", "sqlite", "postgresql")
_Rows = tuple[Sequence[str], Iterator[Sequence[object]]]


def answers(pull: Pull) -> Iterator[Document]:
    """The rows of the query as documents; equal pages are the same document, and read once.

    Raises:
        PolicyError: the variable with the address is not set, or names a database of a kind that is not read.
        FeedbackError: the database cannot be opened, or refuses the query.
    """
    database = pull.source.database
    if database is None:
        return
    if not (url := os.environ.get(database.url_env)):
        raise PolicyError(f"source {pull.source.name}: {database.url_env} is not set; put the database's URL into it")
    scheme = url.partition(":")[0].partition("+")[0]
    where = f"source {pull.source.name}: the database of {database.url_env}"
    if scheme not in SCHEMES:
        raise PolicyError(f"{where} is of a kind that is not read; {one_of('', SCHEMES)}")
    try:
        with (_duckdb if scheme == "duckdb" else _sqlalchemy)(url, database.query) as (names, rows):
            for number in count(1):
                lines = [orjson.dumps(_row(names, row), default=str) for row in islice(rows, PAGE_ROWS)]
                if not lines:
                    return
                yield page(f"{pull.source.name}/{number:04d}.jsonl", b"\n".join(lines))
    except (duckdb.Error, sa.exc.SQLAlchemyError, ImportError) as error:
        hint = "install its driver" if isinstance(error, ImportError) else "see its own log"
        raise FeedbackError(f"{where} did not answer ({type(error).__name__}); {hint}") from None


def _row(names: Sequence[str], row: Sequence[object]) -> Mapping[str, object]:
    return dict(zip(names, row, strict=True))


@contextmanager
def _duckdb(url: str, query: str) -> Iterator[_Rows]:
    path = url.partition("://")[2].removeprefix("/")
    # No query can read other files, or fetch anything.
    config: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": False}
    with closing(duckdb.connect(path, read_only=True, config=config)) as connection:
        cursor = connection.execute(query)
        yield [column[0] for column in cursor.description or ()], iter(cursor.fetchone, None)


@contextmanager
def _sqlalchemy(url: str, query: str) -> Iterator[_Rows]:
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        address = address.set(database=f"file:{address.database}", query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(address, poolclass=sa.pool.NullPool)
    options = {"stream_results": True, "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        result = connection.execute(sa.text(query))
        yield list(result.keys()), iter(result)
