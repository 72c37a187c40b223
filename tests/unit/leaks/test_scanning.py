"""A value written into any kind of file is found; what was clean and has not changed is not read again."""

import gzip
import sqlite3
import zlib

import duckdb
import polars as pl
import pytest

from .conftest import AS_OF, DAYS, LOGS


def plain(path, text):
    path.write_text(f"<td title='x'>{text}</td>")


def zipped(path, text):
    path.write_bytes(gzip.compress(b"first member") + gzip.compress(f"a\n{text}\n".encode()))


def long_log(path, text):
    """The value lies across the border of two pieces."""
    path.write_bytes(b" " * ((8 << 20) - len(text) // 2) + text.encode() + b" " * 1000)


def parquet(path, text):
    pl.DataFrame({"n": [1], "said": [text]}).write_parquet(path)


def nested_parquet(path, text):
    kind = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
    frame = pl.DataFrame({"attributes": [[], [{"key": "k", "value": text}]]}, schema={"attributes": kind})
    frame.write_parquet(path)


def listed_parquet(path, text):
    pl.DataFrame({"tags": [["a"], [text, "b"]]}).write_parquet(path)


def duck(path, text):
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.t as select i, 'row ' || i as said from range(5000) r(i)")
        connection.execute("insert into marts.t values (1, ?)", [text])


def nested_duck(path, text):
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table t (l varchar[], s struct(a varchar, b integer))")
        connection.execute("insert into t values (['x'], {'a': ?, 'b': 1})", [text])


def sqlite(path, text):
    with sqlite3.connect(path) as connection:
        connection.execute("create table event_logs (id integer, event text)")
        connection.execute("insert into event_logs values (1, ?)", [f'{{"message": "{text}"}}'])
    connection.close()


def sqlite_blob(path, text):
    with sqlite3.connect(path) as connection:
        connection.execute("create table snapshots (body blob)")
        connection.execute("insert into snapshots values (?)", [zlib.compress(text.encode())])
    connection.close()


def damaged_duck(path, text):
    path.write_bytes(b"\x00" * 8 + b"DUCK" + b"\x00" * 100 + text.encode())


@pytest.mark.parametrize(
    "write",
    [
        *(plain, zipped, long_log, parquet, nested_parquet, listed_parquet, duck, nested_duck, sqlite, sqlite_blob),
        damaged_duck,
    ],
)
@pytest.mark.parametrize("folder", ["reports", "published", "dagster", "lake/checked/otel/logs/2026-03-09"])
def test_a_value_is_found_in_every_kind_of_file(anonymised, write, folder):
    path = anonymised.home.root / folder / "some.file"
    path.parent.mkdir(parents=True, exist_ok=True)
    assert anonymised.look().scan.finds == ()
    write(path, anonymised.canary(DAYS[1]).text)
    (find,) = anonymised.look().scan.finds
    assert (find.file, find.dataset, find.day, find.entity) == (f"{folder}/some.file", LOGS, DAYS[1], "EMAIL")


def test_every_canary_is_found_in_one_table_of_the_lake(anonymised):
    key = f"checked/{LOGS}/{DAYS[0]}"
    planted = anonymised.canaries(DAYS[1])
    inputs = anonymised.lake.manifest(key).inputs
    with anonymised.lake.replace(key, as_of=AS_OF, inputs=inputs) as out:
        out.write("records", pl.DataFrame({"body": [one.text for one in planted]}))
    finds = anonymised.look().scan.finds
    assert {find.entity for find in finds} == {one.entity for one in planted}
    assert {(find.day, find.file.rpartition("/")[0]) for find in finds} == {(DAYS[1], f"lake/{key}")}


@pytest.mark.parametrize("state", ["received", "landing", "mentions", "held"])
def test_raw_states_keys_and_the_inbox_are_not_searched(anonymised, state):
    for folder in (f"lake/{state}/otel", "inbox", "keys", "tmp"):
        path = anonymised.home.root / folder / "raw.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(anonymised.canary().text)
    assert anonymised.look().scan.finds == ()


def test_what_has_not_changed_is_not_read_again(anonymised):
    log = anonymised.home.root / "some.log"
    log.write_text("nothing")
    first = anonymised.look().scan
    assert first.read == first.files > 5
    again = anonymised.look().scan
    assert (again.read, again.files) == (0, first.files)
    log.write_text(anonymised.canary().text)
    third = anonymised.look().scan
    assert (third.read, len(third.finds)) == (1, 1)
    assert anonymised.look().scan.read >= 1  # what leaked is never taken for clean


def test_a_new_day_does_not_make_clean_files_be_read_again(anonymised):
    anonymised.look()
    anonymised.land("2026-03-03", "ready")
    anonymised.anonymize(days=["2026-03-03"])
    new = anonymised.look().scan
    assert 0 < new.read <= 3  # its table and manifests


def test_everything_is_read_again_on_demand(anonymised):
    anonymised.look()
    again = anonymised.look(everything=True).scan
    assert again.read == again.files
