"""A value written into any kind of file is found; what was clean and has not changed is not read again."""

import gzip
import os
import sqlite3
import subprocess
import sys
import threading
import zlib
from contextlib import contextmanager

import duckdb
import polars as pl
import pytest

from governance.errors import FeedbackError

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


def large_duck(path, text):
    """So many rows that DuckDB compresses them: the value is in no piece of the file as it was written."""
    rows = "select if(i = 777, ?, 'user ' || i || ' opened the page of an order, number ' || i * 7) as said"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table t as {rows} from range(200000) r(i)", [text])


def large_parquet(path, text):
    said = [*(f"user {number} opened the page of an order" for number in range(999)), text]
    pl.DataFrame({"said": said}).write_parquet(path, statistics=False)


WRITER = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@contextmanager
def open_elsewhere(path):
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        yield


@pytest.mark.parametrize(
    "opened", [open_elsewhere, lambda path: duckdb.connect(str(path))], ids=["another process", "this one"]
)
def test_a_database_that_somebody_has_open_for_writing_is_looked_through(anonymised, opened):
    path = anonymised.home.root / "published.duckdb"
    large_duck(path, anonymised.canary().text)
    assert anonymised.canary().needles[0].text.encode() not in path.read_bytes()
    with opened(path):
        assert [find.file for find in anonymised.look().scan.finds] == ["published.duckdb"]


@pytest.mark.parametrize("name", ["a#b", "a?b", "a%41b", "a[1]b", "a\\b"])
@pytest.mark.parametrize("write", [sqlite_blob, large_duck, large_parquet])
def test_a_value_is_found_whatever_the_name_of_the_file_is(anonymised, write, name):
    write(anonymised.home.root / name, anonymised.canary().text)
    assert [find.file for find in anonymised.look().scan.finds] == [name]


@pytest.mark.parametrize("name", ['say "it"', "it's", "from", "größe"])
def test_a_value_is_found_whatever_the_names_of_tables_and_columns_are(anonymised, name):
    quoted, text = '"' + name.replace('"', '""') + '"', anonymised.canary().text
    with sqlite3.connect(anonymised.home.root / "a.db") as connection:
        connection.execute(f"create table {quoted} ({quoted} blob)")
        connection.execute(f"insert into {quoted} values (?)", [zlib.compress(text.encode())])
    connection.close()
    rows = "select if(i = 777, ?, 'user ' || i || ' opened the page of an order, number ' || i * 7)"
    with duckdb.connect(str(anonymised.home.root / "b.duckdb")) as connection:
        connection.execute(f"create schema {quoted}")
        connection.execute(f"create table {quoted}.{quoted} as {rows} as {quoted} from range(200000) r(i)", [text])
    assert {find.file for find in anonymised.look().scan.finds} == {"a.db", "b.duckdb"}


@pytest.mark.parametrize("kind", [pl.Enum, lambda values: pl.Array(pl.String, len(values))], ids=["enum", "array"])
def test_a_value_is_found_in_every_type_of_column_that_holds_text(anonymised, kind):
    text, others = anonymised.canary().text, [f"user {number} opened a page of an order" for number in range(999)]
    values = [*others, text]
    column = values if kind is pl.Enum else [values]
    frame = pl.DataFrame({"said": column}, schema={"said": kind(values)})
    frame.write_parquet(anonymised.home.root / "some.file", statistics=False, compression_level=22)
    assert len(anonymised.look().scan.finds) == 1


def test_tables_of_a_state_from_before_a_column_came_are_looked_through(anonymised):
    """A release can add a column; days from before it are not written again."""
    for day, columns in (("2026-03-08", ["body"]), ("2026-03-09", ["body", "attributes"])):
        with anonymised.lake.replace(f"checked/{LOGS}/{day}", as_of=AS_OF) as out:
            out.write("records", pl.DataFrame({name: [f"{name} {day}"] for name in columns}))
    assert anonymised.look().scan.finds == ()
    assert anonymised.look().scan.read == 0
    with anonymised.lake.replace(f"checked/{LOGS}/2026-03-10", as_of=AS_OF) as out:
        out.write("records", pl.DataFrame({"note": [anonymised.canary().text]}))
    (find,) = anonymised.look().scan.finds
    assert "2026-03-10" in find.file


@pytest.mark.parametrize("name", ["records-0123456789abcdef.parquet", "some.file"])
def test_a_damaged_table_is_read_as_it_is(anonymised, name):
    """Polars panics on the first of these, and refuses the second."""
    path = anonymised.home.lake / "checked" / LOGS / "2026-03-09" / name
    path.parent.mkdir(parents=True)
    pl.DataFrame({"said": ["x"], "more": ["y"]}).write_parquet(path)
    whole, text = path.read_bytes(), anonymised.canary().text.encode()
    for damaged in (whole[:4] + whole[40:] + text, whole[: len(whole) // 2] + text):
        path.write_bytes(damaged)
        assert len(anonymised.look(everything=True).scan.finds) == 1


def test_a_table_anywhere_in_the_lake_is_looked_through(anonymised):
    anonymised.lake.root.joinpath("x-0123456789abcdef.parquet").write_bytes(anonymised.canary().text.encode())
    assert len(anonymised.look().scan.finds) == 1


def test_files_that_come_and_go_meanwhile_do_not_stop_the_search(anonymised):
    """As the journals of a database do, while somebody writes to it."""
    log = anonymised.home.root / "some.log"
    log.write_text(anonymised.canary().text)
    folder, stop = anonymised.home.root / "dagster", threading.Event()
    folder.mkdir(exist_ok=True)

    def write():
        while not stop.is_set():
            for number in range(50):
                (folder / f"{number}-journal").write_text("x")
            for number in range(50):
                (folder / f"{number}-journal").unlink()

    other = threading.Thread(target=write)
    other.start()
    try:
        assert all(len(anonymised.look(everything=True).scan.finds) == 1 for _ in range(15))
    finally:
        stop.set()
        other.join()


def test_a_log_without_its_database_is_looked_through(anonymised):
    (anonymised.home.root / "gone.db-wal").write_text(anonymised.canary().text)
    assert len(anonymised.look().scan.finds) == 1


def test_a_link_is_read_where_it_leads_to_a_file_and_passed_by_where_it_leads_nowhere(anonymised, tmp_path):
    (tmp_path / "said.txt").write_text(anonymised.canary().text)
    for name, target in {"said": tmp_path / "said.txt", "itself": "itself", "gone": "nowhere", "up": ".."}.items():
        (anonymised.home.root / name).symlink_to(target)
    assert [find.file for find in anonymised.look().scan.finds] == ["said"]


def test_a_folder_that_cannot_be_listed_stops_the_search(anonymised, monkeypatch):
    """Its path is longer than the system takes."""
    monkeypatch.chdir(anonymised.home.root)
    for _ in range(17):
        os.mkdir("d" * 250)
        os.chdir("d" * 250)
    with pytest.raises(FeedbackError, match=r"cannot be listed .*; let this user read it, or move it out of "):
        anonymised.look()


@pytest.mark.parametrize("place", ["home/dagster", "home/deeper/still", "elsewhere", ".", "home"])
def test_a_file_of_dagster_is_read_once_wherever_its_home_is(anonymised, tmp_path, monkeypatch, place):
    """Its default is inside the deployment."""
    home = tmp_path / place
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    before = anonymised.look(everything=True).scan.read
    home.mkdir(parents=True, exist_ok=True)
    (home / "some.log").write_text(anonymised.canary().text)
    after = anonymised.look(everything=True).scan
    assert (after.read - before, len(after.finds)) == (1, 1)
