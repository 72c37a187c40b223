"""The texts of a file, decoded: Parquet, DuckDB, SQLite, compressed and plain files."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import duckdb
import polars as pl

from governance.privacy.canaries import Texts

# Files are read in pieces of so many bytes; neighbours overlap by more than any canary is long.
_PIECE, _OVERLAP = 8 << 20, 512
_ROWS = 100_000
# Columns of these types hold no text.
_NOT_TEXT = ("BOOLEAN", "DATE", "TIME", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE")
# A damaged file: of Parquet, polars refuses one and panics on another.
UNREADABLE = (
    *(duckdb.Error, sqlite3.Error, zlib.error, UnicodeError, OSError),
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
)


def texts_of(path: Path) -> Iterator[Texts]:
    """Every text in a file; by its first bytes, not by its name.

    What cannot be decoded as what it seems to be (a damaged file set aside) is read as plain bytes.
    """
    with path.open("rb") as file:
        head = file.read(16)
    try:
        if head[:4] == b"PAR1":
            yield from parquet_texts([path])
        elif head[8:12] == b"DUCK":
            yield from _duckdb_texts(path)
        elif head[:15] == b"SQLite format 3":
            yield from _sqlite_texts(path)
        elif head[:2] == b"\x1f\x8b":
            yield from _plain_texts(path, is_compressed=True)
    except UNREADABLE:
        pass
    else:
        if head[:4] == b"PAR1" or head[:15] == b"SQLite format 3" or head[:2] == b"\x1f\x8b":
            return
    yield from _plain_texts(path, is_compressed=False)


def parquet_texts(paths: list[Path]) -> Iterator[Texts]:
    """Every text in Parquet files of one schema, nested ones too.

    Raises:
        PolarsError, PanicException: the schemas differ, or a file is damaged.
    """
    scanned = pl.scan_parquet(paths, glob=False)
    columns = [name for name, dtype in scanned.collect_schema().items() if _holds_text(dtype)]
    for series in scanned.select(columns).collect() if columns else ():
        yield from _flat(series)


def _holds_text(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_text(_inner(dtype))
    if isinstance(dtype, pl.Struct):
        return any(_holds_text(_inner(field)) for field in dtype.fields)
    return dtype in (pl.String, pl.Binary, pl.Categorical, pl.Enum)


def _inner(nested: pl.List | pl.Array | pl.Field) -> pl.DataType:
    inner = nested.dtype if isinstance(nested, pl.Field) else nested.inner
    return inner if isinstance(inner, pl.DataType) else inner()


def _flat(series: pl.Series) -> Iterator[Texts]:
    if isinstance(series.dtype, pl.List | pl.Array):
        yield from _flat(series.explode(empty_as_null=False))
    elif isinstance(series.dtype, pl.Struct):
        for field in series.struct.fields:
            yield from _flat(series.struct.field(field))
    elif series.dtype == pl.Binary:
        yield b"\n".join(map(_inflated, series.drop_nulls()))
    elif _holds_text(series.dtype):
        yield series.cast(pl.String)


def _duckdb_texts(path: Path) -> Iterator[Texts]:
    """Each text of a column once: a year of days has the same services, operations and plans."""
    with _duckdb(path) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name), list(data_type) from duckdb_columns()"
            " join duckdb_tables() using (database_name, schema_name, table_name) group by all"
        ).fetchall()
        for schema, table, columns, types in tables:
            texts = [
                f"select distinct cast({_quoted(column)} as varchar) as text from {_quoted(schema)}.{_quoted(table)}"
                for column, kind in zip(columns, types, strict=True)
                if not kind.startswith(_NOT_TEXT) or kind.endswith("]")
            ]
            if texts:
                for batch in connection.execute(" union all ".join(texts)).to_arrow_reader(_ROWS):
                    frame = pl.from_arrow(batch)
                    yield from frame if isinstance(frame, pl.DataFrame) else ()


@contextmanager
def _duckdb(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file, read only; a copy where somebody has it open for writing, who locks it but does not hide it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            connection = _connected(path)
        except (duckdb.IOException, duckdb.ConnectionException):
            connection = _connected(Path(shutil.copyfile(path, Path(folder, "copy.duckdb"))))
        with connection:
            yield connection


def _connected(path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(path), read_only=True, config={"autoinstall_known_extensions": "false"})


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _sqlite_texts(path: Path) -> Iterator[Texts]:
    """Every value of every table: also of those rows that are in the write-ahead log only."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (name,) in names:
            rows = connection.execute(f"select * from {_quoted(name.decode())}")
            while fetched := rows.fetchmany(10_000):
                yield b"\n".join(_inflated(value) for row in fetched for value in row if isinstance(value, bytes))


def _inflated(value: bytes) -> bytes:
    """The bytes, decompressed where they are zlib's."""
    if value[:1] == b"\x78":
        with suppress(zlib.error):
            return zlib.decompress(value)
    return value


def _plain_texts(path: Path, *, is_compressed: bool) -> Iterator[Texts]:
    before = b""
    for piece in _pieces(path, is_compressed=is_compressed):
        yield _inflated(before + piece)
        before = piece[-_OVERLAP:]


def _pieces(path: Path, *, is_compressed: bool) -> Iterator[bytes]:
    inflate = zlib.decompressobj(wbits=31) if is_compressed else None
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            while inflate and piece:
                yield inflate.decompress(piece, _PIECE)
                piece = inflate.unconsumed_tail
                if inflate.eof:  # one more member behind this one
                    piece, inflate = inflate.unused_data, zlib.decompressobj(wbits=31)
            if piece:
                yield piece
