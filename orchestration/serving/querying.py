"""Questions to a role's published file, in a session that can read that file and nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from governance.access import load_access
from governance.errors import FeedbackError, UsageError, one_of

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table
    from rich.text import Text

_TIMEOUT_SECONDS = 60.0
# Set before the session is locked: no file but the one that is open, no extension, bounded memory and no spilling.
_SESSION = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # a variable of this process is no table
    "memory_limit": "2GB",
    "threads": "2",
    "temp_directory": "",
}
_WORD, _CARET, _SHOWN = re.compile(r"(?<=[a-z])(?=[A-Z])"), re.compile(r"\n(LINE \d+: )(.*)\n( *)\^\s*$"), 40
# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def query(published: Path, role: str, sql: str, output: str = "table") -> bytes:
    """The answer to one select on `role`'s file, as table, csv, json or parquet.

    Raises:
        UsageError: the role, format, table or column does not exist, or the statement is not one select.
        FeedbackError: nothing has been published for the role, or the statement failed.
    """
    return written(answer(published_file(published, role), sql), output)


def published_file(published: Path, role: str) -> Path:
    """The file of a role.

    Raises:
        UsageError: the role does not exist.
        FeedbackError: nothing has been published for it.
    """
    load_access().role(role)
    file = published / f"{role}.duckdb"
    if not file.is_file():
        raise FeedbackError(f"nothing is published for {role} yet; run `feedback run` first")
    return file


def written(frame: pl.DataFrame, output: str) -> bytes:
    """Rows as table, csv, json or parquet.

    Raises:
        UsageError: the format does not exist.
    """
    if output not in _WRITERS:
        raise UsageError(f"--format {output} does not exist; {one_of(output, _WRITERS)}")
    return _WRITERS[output](frame)


def answer(file: Path, sql: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> pl.DataFrame:
    """The rows of one select on a published file; see `query` for the errors."""
    with open_locked(file) as connection:
        watch = threading.Timer(timeout_seconds, connection.interrupt)
        watch.start()
        is_bound = False
        try:
            _require_select(connection, sql)
            connection.sql(sql)  # finds its tables and columns, and reads no row
            is_bound = True
            return connection.execute(sql).pl()
        except duckdb.InterruptException:
            raise FeedbackError(f"query: stopped after {timeout_seconds:g} s; ask for fewer rows") from None
        except duckdb.Error as error:
            told = _failed(error, sql) if is_bound else _waiting(connection, error) or _explained(error)
            raise UsageError(f"query: {told}") from None
        finally:
            watch.cancel()


def open_locked(file: Path) -> duckdb.DuckDBPyConnection:
    """A read-only session on a published file that reads no other file and cannot be unlocked."""
    try:
        connection = duckdb.connect(str(file), read_only=True, config=dict(_SESSION))
    except duckdb.Error:
        raise FeedbackError(f"{file.name}: not readable as a DuckDB file; publish again with `feedback run`") from None
    connection.execute("set timezone = 'UTC'")
    connection.execute("set lock_configuration = true")
    return connection


def _require_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("query: expected exactly one select statement; the file is read-only")


def _waiting(connection: duckdb.DuckDBPyConnection, error: duckdb.Error) -> str:
    """What is said of a table that is in no file yet because nobody has signed it off; empty: it is not that."""
    if not isinstance(error, duckdb.CatalogException):
        return ""
    query = "select table_name, waits_for_sign_off_since from about where row_count is null"
    try:
        unsigned = connection.execute(query).fetchall()
    except duckdb.Error:  # a file of an older version
        return ""
    for table, since in unsigned:
        if f"Table with name {table} does not exist" in str(error):
            when = f"since {since:%Y-%m-%d %H:%M} UTC" if since else "from its first rows on"
            return (
                f"{table} waits for a steward's sign-off {when}; none of it was ever signed: `feedback sign-off list`"
            )
    return ""


def _explained(error: duckdb.Error) -> str:
    """DuckDB's message on a statement, as one line: it names the nearest tables and columns."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("LINE ", "^"))]
    explained = " ".join(told)[:500]
    is_unknown = isinstance(error, duckdb.CatalogException) and "Table with name" in explained
    return f"{explained} (`show tables` lists what is published for this role)" if is_unknown else explained


def _failed(error: duckdb.Error, sql: str) -> str:
    """The kind of an error in the rows and where in the statement it was: DuckDB's message can quote a row's value."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"needs more memory than {_SESSION['memory_limit']}; ask for fewer rows or columns"
    kind = _WORD.sub(" ", type(error).__name__.removesuffix("Exception")).lower()
    return (
        f"{kind} error{_place(error, sql)}; DuckDB's own words can quote a row's value and are left out. Look at"
        " what is computed there: try_cast gives null where a value does not fit"
    )


def _place(error: duckdb.Error, sql: str) -> str:
    """Where in the statement DuckDB's caret stands, in the statement's own words; empty: it does not say."""
    if marked := _CARET.search(str(error)):
        before, line, caret = marked[1], marked[2], len(marked[3])
        found = line[max(0, caret - len(before)) :][:_SHOWN]
        if found and found in sql:
            return f" in {before.removesuffix(': ').lower()} at `{found}`"
    return ""


def _as_csv(frame: pl.DataFrame) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_cell(name) for name in frame.columns)
    writer.writerows([_cell(value) for value in row] for row in frame.iter_rows())
    return out.getvalue().encode()


def _cell(value: object) -> str:
    """One CSV cell; text that a spreadsheet would run is made text again by a leading apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal):
        return str(value).lower() if isinstance(value, bool) else str(value)
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False).strip('"')
    return f"'{text}" if text.startswith(_FORMULA) else text


def _as_json(frame: pl.DataFrame) -> bytes:
    rows = [{name: plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()


def plain(value: object) -> object:
    """A value as JSON has it: times with their zone, no number that is none."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value


def _as_parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def _as_table(frame: pl.DataFrame) -> bytes:
    """A table for a terminal, or a list of each row's values where the columns' names do not fit beside each other.

    Control characters of a text are shown, not run.
    """
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, highlight=False)
    if sum(len(name) + len(" | ") for name in frame.columns) <= console.width:
        console.print(_across(frame))
    else:
        for number, row in enumerate(frame.iter_rows(), 1):
            console.print(f"[bold]Row {number:,}")
            console.print(_down(frame.columns, row))
    console.print(f"{frame.height:,} row{'' if frame.height == 1 else 's'}; times are UTC")
    return out.getvalue().encode()


def _across(frame: pl.DataFrame) -> Table:
    from rich.table import Table

    table = Table(show_edge=False, header_style="bold")
    for name, kind in frame.schema.items():
        table.add_column(_text(name), justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*map(_text, row))
    return table


def _down(names: list[str], row: tuple[object, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in zip(names, row, strict=True):
        table.add_row(_text(name), _text(value))
    return table


def _text(value: object) -> Text:
    from rich.text import Text

    return Text(_printable("" if value is None else _shown(value)))


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"
    return str(value)


def _printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else "\N{SYMBOL FOR NEWLINE}" if letter == "\n" else "?" for letter in text
    )


_WRITERS: Mapping[str, Callable[[pl.DataFrame], bytes]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
    "parquet": _as_parquet,
}
