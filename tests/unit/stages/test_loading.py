"""The warehouse holds exactly the partitions that exist; a partition that did not change is not read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lake import Lake
from orchestration.stages.loading import LakeTable, load

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SCHEMA = {"name": pl.String(), "count": pl.Int64()}
OWN = LakeTable("rollups", "logs", "counts", SCHEMA)
OF_ALL = LakeTable("rollups", None, "counts", SCHEMA)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def write(lake: Lake, day: int, *rows: tuple[str, int], signal: str = "logs", stands_for: str = "") -> str:
    key = f"rollups/otel/{signal}/2026-03-{day:02}"
    with lake.replace(key, as_of=AS_OF) as out:
        out.write("counts", pl.DataFrame(list(rows), schema=SCHEMA, orient="row"))
        out.stands_for = stands_for
    return key


def rows(connection: duckdb.DuckDBPyConnection, name: str = "counts") -> list[tuple[object, ...]]:
    return connection.execute(f"select * exclude partition_key from loaded.{name} order by all").fetchall()


def test_rows_say_where_they_come_from(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write(lake, 1, ("a", 1))
    write(lake, 2, ("b", 2), signal="spans")
    assert load(connection, lake, {"counts": OWN, "all_counts": OF_ALL}) == {"counts": 1, "all_counts": 2}
    assert rows(connection) == [("otel", date(2026, 3, 1), "a", 1)]
    assert rows(connection, "all_counts") == [
        ("otel", "logs", date(2026, 3, 1), "a", 1),
        ("otel", "spans", date(2026, 3, 2), "b", 2),
    ]


@pytest.mark.parametrize(
    ("signal", "schema", "place"),
    [
        ("logs", SCHEMA, ["source", "event_date"]),
        (None, SCHEMA, ["source", "signal", "event_date"]),
        # rows that say their day themselves, such as account-days
        ("logs", {"event_date": pl.Date(), **SCHEMA}, ["source"]),
    ],
)
def test_what_the_rows_say_themselves_is_not_said_twice(
    signal: str | None, schema: dict[str, pl.DataType], place: list[str]
) -> None:
    table = LakeTable("rollups", signal, "counts", schema)
    assert list(table.columns) == [*place, *schema]


# What happens to a day between two loads: it gets so many rows, or is removed.
CHANGES = st.lists(
    st.lists(st.tuples(st.integers(1, 4), st.one_of(st.none(), st.integers(0, 3))), max_size=4), max_size=4
)


@settings(deadline=None, max_examples=25)
@given(changes=CHANGES)
def test_whatever_happens_it_is_what_loading_anew_gives(
    tmp_path_factory: pytest.TempPathFactory, changes: list[list[tuple[int, int | None]]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    with duckdb.connect() as kept:
        for step in changes:
            for day, count in step:
                if count is None:
                    lake.remove(f"rollups/otel/logs/2026-03-{day:02}")
                else:
                    write(lake, day, *[(f"{day}", n) for n in range(count)])
            load(kept, lake, {"counts": OWN})
            with duckdb.connect() as fresh:
                load(fresh, lake, {"counts": OWN})
                assert rows(kept) == rows(fresh)


def test_a_partition_that_did_not_change_is_not_read_again(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lake = Lake(tmp_path)
    key = write(lake, 1, ("a", 1))
    load(connection, lake, {"counts": OWN})
    lake.files(key, "counts")[0].write_bytes(b"not to be opened")
    write(lake, 2, ("b", 2))
    load(connection, lake, {"counts": OWN})
    assert rows(connection) == [("otel", date(2026, 3, 1), "a", 1), ("otel", date(2026, 3, 2), "b", 2)]


def test_one_made_coarser_is_loaded_in_place_of_the_finer(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lake = Lake(tmp_path)
    key = write(lake, 1, ("a", 1), ("a", 2))
    load(connection, lake, {"counts": OWN})
    manifest = lake.manifest(key)
    assert manifest is not None
    write(lake, 1, ("a", 3), stands_for=manifest.digest)
    load(connection, lake, {"counts": OWN})
    assert rows(connection) == [("otel", date(2026, 3, 1), "a", 3)]


def test_another_schema_loads_everything_again(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write(lake, 1, ("a", 1))
    load(connection, lake, {"counts": LakeTable("rollups", "logs", "counts", {"name": pl.String()})})
    load(connection, lake, {"counts": OWN})
    assert rows(connection) == [("otel", date(2026, 3, 1), "a", 1)]


@pytest.mark.parametrize("days", [(1,), (1, 2)])
def test_a_column_that_came_later_is_null_in_what_was_written_before(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, days: tuple[int, ...]
) -> None:
    lake = Lake(tmp_path)
    for day in days:
        write(lake, day, ("a", day))
    older = "rollups/otel/logs/2026-02-28"
    with lake.replace(older, as_of=AS_OF) as out:
        out.write("counts", pl.DataFrame({"name": ["old"]}))
    newer = LakeTable("rollups", "logs", "counts", {**SCHEMA, "plan": pl.String()})
    load(connection, lake, {"counts": newer})
    assert rows(connection) == [
        ("otel", date(2026, 2, 28), "old", None, None),
        *(("otel", date(2026, 3, day), "a", day, None) for day in days),
    ]


def test_a_file_that_cannot_be_read_leaves_everything_as_it_was(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    lake = Lake(tmp_path)
    key = write(lake, 1, ("a", 1))
    load(connection, lake, {"counts": OWN})
    write(lake, 1, ("a", 7))
    lake.files(key, "counts")[0].write_bytes(b"broken")
    with pytest.raises(duckdb.Error):
        load(connection, lake, {"counts": OWN})
    assert rows(connection) == [("otel", date(2026, 3, 1), "a", 1)]
