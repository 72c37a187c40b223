"""Partitions of the lake as tables of the warehouse, each loaded once: a day more costs a day, not the year before it.

Schema `loaded` has one table per relation and `partitions`, which says from which files each partition was loaded. A
file is named by its content: a partition with other files than before is loaded again; one that is gone takes its rows
with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import duckdb
import polars as pl

from orchestration.lake import Lake

# Where a row comes from, in front of the columns of each relation: its partition.
PLACE = pl.Schema({"source": pl.String(), "signal": pl.String(), "event_date": pl.Date()})
_FILES = pl.Schema({"partition_key": pl.String(), **PLACE, "file": pl.String()})


@dataclass(frozen=True)
class LakeTable:
    """A relation of schema `lake`: a table of the partitions of one state, united over sources and days.

    Attributes:
        signal: of which signal; None: of all that have it, and the rows say which.
    """

    state: str
    signal: str | None
    table: str
    schema: Mapping[str, pl.DataType]

    @property
    def columns(self) -> pl.Schema:
        """The columns of the relation, in order."""
        return pl.Schema({**self.place, **self.schema})

    @property
    def place(self) -> pl.Schema:
        """Its columns that say where a row comes from, those apart that its schema has.

        The day is stored, not made of a time by those who read it: row groups of other days are then passed over.
        """
        known = {*self.schema, *(("signal",) if self.signal else ())}
        return pl.Schema({name: kind for name, kind in PLACE.items() if name not in known})

    def files(self, lake: Lake, keys: Iterable[str]) -> pl.DataFrame:
        """One row per file of a partition that has the table: its key, place and file; `keys`: all of the state."""
        rows = []
        for key in keys:
            _, source, signal, day = key.split("/")
            if self.signal in (None, signal):
                rows += [(key, source, signal, day, str(path)) for path in lake.files(key, self.table)]
        read = pl.DataFrame(rows, schema={**_FILES, "event_date": pl.String()}, orient="row")
        return read.with_columns(pl.col("event_date").str.to_date())


def load(connection: duckdb.DuckDBPyConnection, lake: Lake, tables: Mapping[str, LakeTable]) -> dict[str, int]:
    """Bring schema `loaded` to exactly the partitions that exist; returns how many each table covers."""
    connection.execute("create schema if not exists loaded")
    connection.execute(
        "create table if not exists loaded.partitions (relation varchar, partition_key varchar, file varchar)"
    )
    covered, keys_of = {}, cache(lake.keys)  # a year's folders, walked once a table, took a second
    for name, table in tables.items():
        files = table.files(lake, keys_of(table.state))
        connection.execute("begin")
        try:
            _bring_up_to_date(connection, name, table, files)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        covered[name] = files["partition_key"].n_unique()
    return covered


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection, name: str, table: LakeTable, files: pl.DataFrame) -> None:
    _make_table(connection, name, table)
    connection.register("existing", files.to_arrow())
    connection.execute(
        f"""
        create or replace temp table gone as
        with known as (select partition_key, file from loaded.partitions where relation = '{name}')
        select partition_key
        from known full join (select partition_key, file from existing) as found using (partition_key, file)
        where known.file is null or found.file is null
        """
    )
    connection.execute(f"delete from loaded.{name} where partition_key in (select partition_key from gone)")
    connection.execute(
        f"delete from loaded.partitions where relation = '{name}' and partition_key in (select partition_key from gone)"
    )
    connection.execute(
        f"""
        create or replace temp table new as
        select * from existing
        where partition_key not in (select partition_key from loaded.partitions where relation = '{name}')
        """
    )
    paths = [path for (path,) in connection.execute("select file from new order by partition_key").fetchall()]
    if paths:
        columns = ", ".join(f'rows."{column}"' for column in table.schema)
        place = ", ".join(f"new.{column}" for column in table.place)
        # A column that came later is null in what was written before and cannot be made again.
        connection.execute(
            f"""
            insert into loaded.{name}
            select new.partition_key, {place}, {columns}
            from (
                select {", ".join(f'"{column}"' for column in table.schema)} from loaded.{name} where false
            union all by name
                select * from read_parquet({_listed(paths)}, filename = 'loaded_from', union_by_name = true)
            ) as rows
            inner join new on rows.loaded_from = new.file
            """
        )
        connection.execute(f"insert into loaded.partitions select '{name}', partition_key, file from new")
    connection.unregister("existing")


def _make_table(connection: duckdb.DuckDBPyConnection, name: str, table: LakeTable) -> None:
    """The table with the columns of today; one with others is dropped, and everything loaded again."""
    empty = pl.DataFrame(schema={"partition_key": pl.String(), **table.columns}).to_arrow()
    connection.register("typed", empty)
    wanted = connection.execute("describe select * from typed").fetchall()
    existing = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'loaded' and table_name = ?", [name]
    ).fetchall()
    if existing and connection.execute(f"describe select * from loaded.{name}").fetchall() != wanted:
        connection.execute(f"drop table loaded.{name} cascade")
        connection.execute("delete from loaded.partitions where relation = ?", [name])
        existing = []
    if not existing:
        connection.execute(f"create table loaded.{name} as select * from typed")
    connection.unregister("typed")


def _listed(paths: list[str]) -> str:
    quoted = ("'" + path.replace("'", "''") + "'" for path in paths)
    return "[" + ", ".join(quoted) + "]"
