"""One DuckDB file per role: plain tables with the role's columns and rows, swapped in whole.

The file is the boundary: what is not in it cannot be read, whatever statement is run on it. What all roles see alike is
written once and copied; nothing is ever deleted from a file, as its free blocks would still hold it.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from governance.access import Column, Publication, Role
from governance.durability import sync
from governance.errors import FeedbackError, PolicyError, one_of
from governance.metrics import Metric
from orchestration.serving.behind import Behind, write_behind
from orchestration.serving.inserting import insert_rows
from orchestration.serving.metrics import published_metrics, write_metrics
from orchestration.signing import Held

ABOUT = "about"
NOTHING_KNOWN = Behind()
_NEXT = ".next"
# Readable by every DuckDB client from 1.0.0 on, whichever version writes it.
_STORAGE = "v1.0.0"
# Column types of one relation of the warehouse, by column.
_Types = Mapping[str, str]
# What the warehouse says of its relations, by relation and column; of a relation itself, under no column.
_Comments = Mapping[tuple[str, str], str]


def publish(
    warehouse: Path,
    target: Path,
    role: Role,
    as_of: datetime,
    catalogue: Sequence[Metric] = (),
    behind: Behind = NOTHING_KNOWN,
    held: Sequence[Held] = (),
    begun: Path | None = None,
) -> dict[str, int]:
    """Write `role`'s file at `target` from the warehouse; returns the rows of each table.

    The file holds the role's tables, `about` (one row per table, saying what was masked and left out), `metrics` (those
    of the catalogue that its tables are enough for) and where its figures come from, see `behind`. Readers that have
    the file before open keep seeing it.

    Args:
        held: what is published only as it was signed off; a table that never was is not in the file, only in `about`.
        begun: a copy of what `share` wrote for this role among others, to go on with; None: every table is written.

    Raises:
        FeedbackError: the warehouse does not exist or cannot be read.
        PolicyError: access.yml names what the warehouse does not have, or a condition that is no SQL.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    for left in target.parent.glob(f".{target.name}.*.tmp*"):  # by a kill: one process publishes at a time
        left.unlink(missing_ok=True)
    try:
        if begun:
            begun.rename(temporary)
        with _attached(warehouse, temporary) as connection:
            counts = _write(connection, role, as_of, catalogue, behind, held)
        os.chmod(temporary, 0o640)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.rename(target)
        sync(target.parent)
    finally:
        _discard(temporary)
    return counts


def share(warehouse: Path, target: Path, roles: Sequence[Role], held: Sequence[Held] = ()) -> None:
    """Add to the file what all `roles` see alike and it does not have yet, for `publish` to begin with a copy of it.

    Raises:
        FeedbackError, PolicyError: as `publish`.
    """
    first, *others = roles
    alike = replace(first, tables=tuple(t for t in first.tables if all(t in role.tables for role in others)))
    with _attached(warehouse, target) as connection:
        types = _types(connection)
        _require(alike, types)
        _copy_missing(connection, alike, types, _by_relation(held))


@contextmanager
def swapped_in_together(folder: Path) -> Iterator[Path]:
    """A folder for files that take the place of those in `folder` once all are written; of none where one fails.

    Hidden files are not swapped in. A kill between two of them leaves some of each publication: publishing again writes
    them all.
    """
    following = folder / _NEXT
    shutil.rmtree(following, ignore_errors=True)  # by a kill: one process publishes at a time
    following.mkdir(parents=True, mode=0o700)  # nobody reads a role's file, or what they share, before it is whole
    try:
        yield following
        for file in sorted(following.glob("[!.]*")):
            file.rename(folder / file.name)
        sync(folder)
    finally:
        shutil.rmtree(following)


def _discard(temporary: Path) -> None:
    for path in (temporary, temporary.with_name(f"{temporary.name}.wal")):
        path.unlink(missing_ok=True)


@contextmanager
def _attached(warehouse: Path, target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse as `warehouse` and the file as `published`, in one transaction that ends with the block.

    One commit instead of one fsync per table, comment and row.
    """
    if not warehouse.is_file():
        raise FeedbackError(f"{warehouse}: no warehouse to publish; run `feedback run` first")
    with duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": 2}) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach {_text(str(warehouse))} as warehouse (read_only)")
        connection.execute(f"attach {_text(str(target))} as published (storage_version {_text(_STORAGE)})")
        connection.begin()
        yield connection
        connection.commit()
        connection.execute("detach published")


def _write(
    connection: duckdb.DuckDBPyConnection,
    role: Role,
    as_of: datetime,
    catalogue: Sequence[Metric],
    behind: Behind,
    held: Sequence[Held],
) -> dict[str, int]:
    types, held_of = _types(connection), _by_relation(held)
    _require(role, types)
    _require_marked(role, types, behind.unmarked)
    counts = _copy_missing(connection, role, types, held_of)
    connection.execute(
        f"create table published.{ABOUT} (table_name varchar, row_count bigint, role varchar, as_of timestamptz,"
        " run_id varchar, masked varchar, left_out varchar, row_filter varchar, policy varchar,"
        " waits_for_sign_off_since timestamptz)"
    )
    rows = list[tuple[object, ...]]()
    for table in role.tables:
        kinds, signs = types[table.relation], held_of.get(table.relation)
        about = _about(connection, table, kinds, _source(table, kinds, signs))
        row = (table.name, counts.get(table.name), role.name, as_of.astimezone(UTC), *about, table.where, role.policy)
        rows.append((*row, signs.since if signs else None))
    insert_rows(connection, f"published.{ABOUT}", rows)
    there = [table for table in role.tables if table.name in counts]
    metrics = published_metrics(catalogue, there)
    write_metrics(connection, "published", metrics, behind.signals)
    # A restated figure is one over all rows of its table: no business of who sees some of them.
    whole = {table.name for table in there if not table.where}
    write_behind(connection, behind, types, [metric.name for metric in metrics if metric.table in whole])
    return counts


def _copy_missing(
    connection: duckdb.DuckDBPyConnection, role: Role, types: Mapping[str, _Types], held_of: Mapping[str, Held]
) -> dict[str, int]:
    """Copy those of the role's tables that the file does not have yet; returns the rows of each that it has then."""
    comments, counts = _comments(connection), dict[str, int]()
    there = connection.execute("select table_name from duckdb_tables() where database_name = 'published'").fetchall()
    for table in role.tables:
        kinds, signs = types[table.relation], held_of.get(table.relation)
        if signs is None or signs.signed:
            if (table.name,) not in there:
                _copy(connection, table, kinds, _source(table, kinds, signs), comments, role)
            counted = connection.execute(f"select count(*) from published.{table.name}").fetchone()
            counts[table.name] = int(counted[0]) if counted else 0
    return counts


def _by_relation(held: Sequence[Held]) -> Mapping[str, Held]:
    return {one.relation: one for one in held}


def _source(table: Publication, types: _Types, signs: Held | None) -> str:
    return signs.source(types) if signs else f"warehouse.{table.relation}"


def _types(connection: duckdb.DuckDBPyConnection) -> Mapping[str, _Types]:
    """Of every relation at once: each look into the catalogue goes through all of it, 10 ms."""
    found = connection.execute(
        "select concat_ws('.', schema_name, table_name), column_name, data_type from duckdb_columns()"
        " where database_name = 'warehouse'"
    )
    types: dict[str, dict[str, str]] = defaultdict(dict)
    for relation, column, kind in found.fetchall():
        types[relation][column] = kind
    return types


def _comments(connection: duckdb.DuckDBPyConnection) -> _Comments:
    found = connection.execute(
        "select concat_ws('.', schema_name, name), column_name, comment from ("
        " select database_name, schema_name, table_name as name, column_name, comment from duckdb_columns()"
        " union all select database_name, schema_name, table_name, '', comment from duckdb_tables()"
        " union all select database_name, schema_name, view_name, '', comment from duckdb_views()"
        ") where database_name = 'warehouse' and comment <> ''"
    )
    return {(relation, column): comment for relation, column, comment in found.fetchall()}


def _require(role: Role, types: Mapping[str, _Types]) -> None:
    """Everything the policy names must exist: a mask on a renamed column would otherwise hide nothing."""
    for table in role.tables:
        if not types[table.relation]:
            raise PolicyError(
                f"policies/access.yml: tables.{table.name}.from is {table.relation}; no such relation in the warehouse;"
                " correct the name, or build it with `feedback run`"
            )
        missing = [column.name for column in table.columns if column.name not in types[table.relation]]
        if missing:
            raise PolicyError(
                f"policies/access.yml: tables.{table.name}.columns names {', '.join(missing)}; {table.relation} has no"
                f" such column; {one_of(missing[0], types[table.relation])}"
            )


def _require_marked(role: Role, types: Mapping[str, _Types], unmarked: Mapping[str, str]) -> None:
    """A text made of what is personal is published where access.yml says who sees it; a number or a time is none."""
    for table in role.tables:
        for column in table.columns:
            place = f"{table.name}.{column.name}"
            if place in unmarked and "VARCHAR" in types[table.relation][column.name]:
                raise PolicyError(
                    f"policies/access.yml: {place} is made of {unmarked[place]}, which policies/privacy.yml says is"
                    " personal, and `personal` does not name it; name it there with the roles that see it, or take it"
                    f" from tables.{table.name}.columns"
                )


def _copy(
    connection: duckdb.DuckDBPyConnection,
    table: Publication,
    types: _Types,
    source: str,
    comments: _Comments,
    role: Role,
) -> None:
    """Create the role's copy of one table, comments included."""
    columns = ", ".join(_select(column, types[column.name]) for column in table.columns)
    condition = f" where ({table.where}\n)" if table.where else ""
    try:
        connection.execute(f"create table published.{table.name} as select {columns} from {source}{condition}")
    except (duckdb.BinderException, duckdb.ParserException) as error:
        raise PolicyError(
            f"policies/access.yml: roles.{role.name}.tables.{table.name} is no condition on its columns"
            f" ({_first_line(error)})"
        ) from None
    except duckdb.DataError as error:  # its message holds the value
        raise PolicyError(
            f"policies/access.yml: roles.{role.name}.tables.{table.name} has a condition that fails on some rows"
            f" ({type(error).__name__}); try_cast gives null where a value does not fit"
        ) from None
    _comment(connection, table, comments)


def _select(column: Column, kind: str) -> str:
    name = f'"{column.name}"'
    if column.mask == "blank":
        return f"cast(null as {kind}) as {name}"
    if column.mask == "day":
        if not kind.startswith("TIMESTAMP"):
            raise PolicyError(f"policies/access.yml: mask day of {column.name} needs a time; it is {kind}; use blank")
        return f"cast(date_trunc('day', {name}) as {kind}) as {name}"
    return name


def _comment(connection: duckdb.DuckDBPyConnection, table: Publication, comments: _Comments) -> None:
    """Carry the models' descriptions over, so that a reader's client shows them."""
    if comment := comments.get((table.relation, "")):
        connection.execute(f"comment on table published.{table.name} is {_text(comment)}")
    for column in table.columns:
        if comment := comments.get((table.relation, column.name)):
            connection.execute(f'comment on column published.{table.name}."{column.name}" is {_text(comment)}')


def _about(
    connection: duckdb.DuckDBPyConnection, table: Publication, types: _Types, source: str
) -> tuple[str | None, str, str]:
    """The run a table was made by, its masked columns and those the warehouse has and the file has not."""
    run_id = None
    if "run_id" in types:
        found = connection.execute(f"select max(run_id) from {source}").fetchone()
        run_id = found[0] if found else None
    masked = ", ".join(f"{column.name}: {column.mask}" for column in table.columns if column.mask)
    published = {column.name for column in table.columns}
    return run_id, masked, ", ".join(sorted(types.keys() - published))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
