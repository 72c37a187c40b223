"""A query reads the role's file and nothing else, and its answer is safe where it is opened."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from governance.errors import FeedbackError, UsageError
from orchestration.serving.querying import answer, open_locked, query


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    with duckdb.connect(str(folder / "analyst.duckdb")) as connection:
        connection.execute("""
            set timezone = 'UTC';
            create table orders as select * from (values
                (1, 'plain', timestamptz '2026-01-01 10:11:12.5+00', date '2026-01-01', 0.5::double),
                (-2, '=cmd()', null, null, 'nan'::double),
            ) as o (order_id, note, created_at, day, ratio);
            create table tagged as select [{'key': 'k', 'value': 'v'}] as attributes;
        """)
    return folder


def test_csv_cells_are_never_formulas(published: Path) -> None:
    text = query(published, "analyst", 'select order_id, note, note as "=x" from orders order by 1', "csv").decode()
    assert text == "order_id,note,'=x\n-2,'=cmd(),'=cmd()\n1,plain,plain\n"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_every_formula_sign_is_escaped(published: Path, start: str) -> None:
    text = query(published, "analyst", f"select chr({ord(start)}) || '1' as cell", "csv").decode()
    assert text.split("\n", 1)[1].lstrip('"').startswith("'")


def test_json_times_carry_their_zone(published: Path) -> None:
    rows = json.loads(query(published, "analyst", "from orders order by order_id desc", "json"))
    assert rows[0] == {
        "order_id": 1,
        "note": "plain",
        "created_at": "2026-01-01T10:11:12.500000+00:00",
        "day": "2026-01-01",
        "ratio": 0.5,
    }
    assert rows[1]["ratio"] is None


def test_lists_and_structs_are_json(published: Path) -> None:
    assert json.loads(query(published, "analyst", "from tagged", "json")) == [
        {"attributes": [{"key": "k", "value": "v"}]}
    ]
    assert b'""key"": ""k""' in query(published, "analyst", "from tagged", "csv")


def test_parquet_is_read_back(published: Path) -> None:
    frame = pl.read_parquet(io.BytesIO(query(published, "analyst", "from orders", "parquet")))
    assert frame.height == 2


def test_the_table_says_how_many_rows_and_which_zone(published: Path) -> None:
    text = query(published, "analyst", "select chr(27) || '[31m' as note", "table").decode()
    assert "\x1b" not in text
    assert "1 row; times are UTC" in text


def test_a_row_of_more_columns_than_fit_is_listed_value_by_value(published: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = ", ".join(f"{number} as column_number_{number}" for number in range(12))
    lines = query(published, "analyst", f"select {columns} union all select {columns}", "table").decode().splitlines()
    assert lines[0] == "Row 1"
    assert lines[1].split() == ["column_number_0", "0"]
    assert lines[13] == "Row 2"
    assert lines[-1] == "2 rows; times are UTC"


@pytest.mark.parametrize(
    "sql", ["show tables", "describe orders", "summarize tagged", "with a as (from orders) from a"]
)
def test_looking_around_is_allowed(published: Path, sql: str) -> None:
    assert answer(published / "analyst.duckdb", sql).height


HOSTILE = [
    "select * from read_csv('{secret}')",
    "select * from read_text('{secret}')",
    "select * from read_blob('{secret}')",
    "select * from read_parquet('{secret}')",
    "select * from read_json('{secret}')",
    "select * from '{secret}'",
    "select * from glob('/*')",
    "select * from sniff_csv('{secret}')",
    "select * from parquet_metadata('{secret}')",
    "select * from query('select * from read_text(''{secret}'')')",
    "select * from query_table('{secret}')",
    "select * from secret_frame",  # a variable of the process
    "copy (select 1) to '{secret}.out'",
    "copy orders from '{secret}'",
    "export database '{secret}.out'",
    "import database '{secret}.out'",
    "attach '{secret}.duckdb' as other",
    "install httpfs",
    "load httpfs",
    "pragma enable_profiling",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set temp_directory = '/tmp'",
    "create table x as select 1",
    "create temp table x as select 1",
    "create macro f() as 1",
    "create secret s (type s3)",
    "insert into orders values (3, '', null, null, 1)",
    "update orders set note = ''",
    "delete from orders",
    "drop table orders",
    "checkpoint",
    "vacuum",
    "call pragma_version()",
    "prepare p as select 1",
    "explain analyze insert into orders values (3, '', null, null, 1)",
    "select 1; select * from read_text('{secret}')",
    "begin",
    "use memory",
    "detach analyst",
    "",
]


@pytest.mark.parametrize("sql", HOSTILE)
def test_hostile_statements_are_refused(published: Path, tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("word\nopen-sesame\n")
    secret_frame = pl.DataFrame({"word": ["open-sesame"]})
    before = (published / "analyst.duckdb").read_bytes()
    with pytest.raises(UsageError) as caught:
        query(published, "analyst", sql.replace("{secret}", str(secret)))
    assert "\n" not in str(caught.value)
    assert secret_frame.item() not in str(caught.value)
    assert (published / "analyst.duckdb").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["published", "secret.csv"]


@pytest.mark.parametrize(
    "sql", [s for s in HOSTILE if s.startswith(("copy", "attach", "install", "load", "set", "reset"))]
)
def test_the_session_itself_refuses_them_too(published: Path, tmp_path: Path, sql: str) -> None:
    with open_locked(published / "analyst.duckdb") as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.replace("{secret}", str(tmp_path / "secret.csv")))


def test_a_wrong_name_names_the_nearest_in_one_line(published: Path) -> None:
    with pytest.raises(UsageError, match=r'Did you mean "orders"') as caught:
        query(published, "analyst", "select *\nfrom order_s")
    assert "\n" not in str(caught.value)
    assert "`show tables` lists what is published for this role" in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "said", "value"),
    [
        ("select cast(note as int) from orders", "conversion error in line 1 at `cast(note as int) from", "plain"),
        ("select order_id\nfrom orders where note::date > current_date", "conversion error in line 2 at `::d", "plain"),
        ("select * from orders where note = 1", "conversion error in line 1 at `note = 1`", "plain"),
        ("select strptime(note, '%Y') from orders", "invalid input error; ", "plain"),
        ("select error(note) from orders", "invalid input error; ", "plain"),
        ("select chr(-order_id::int - 7654321) from orders where order_id > 0", "invalid input error; ", "7654322"),
        ("select (order_id + 9e18)::bigint * 7 from orders where order_id > 0", "out of range error; ", "90000000000"),
        # an error of binding that only a row brings about
        ("select e.* from orders as o, json_each('{}', '$' || o.note || o.order_id) as e", "binder error; ", "plain1"),
    ],
)
def test_an_error_in_a_row_says_where_and_never_the_value(published: Path, sql: str, said: str, value: str) -> None:
    with duckdb.connect(str(published / "analyst.duckdb")) as connection, pytest.raises(duckdb.Error, match=value):
        connection.execute(sql).fetchall()
    with pytest.raises(UsageError) as caught:
        query(published, "analyst", sql)
    message = str(caught.value)
    assert said in message
    assert "try_cast" in message
    assert value not in message
    assert "cmd" not in message
    assert "\n" not in message


def test_a_question_without_end_is_stopped(published: Path) -> None:
    endless = "select count(*) from range(1000000000) a, range(1000000000) b"
    with pytest.raises(FeedbackError, match=r"stopped after 0\.2 s"):
        answer(published / "analyst.duckdb", endless, timeout_seconds=0.2)


@pytest.mark.parametrize(
    ("role", "output", "said", "code"),
    [
        ("analist", "csv", "did you mean analyst", 2),
        ("../analyst", "csv", "does not exist", 2),
        ("analyst", "xml", "--format xml does not exist", 2),
        ("lead", "csv", "nothing is published for lead yet; run `feedback run`", 1),
    ],
)
def test_wrong_use_ends_with_one_clear_line(published: Path, role: str, output: str, said: str, code: int) -> None:
    with pytest.raises(FeedbackError) as caught:
        query(published, role, "select 1", output)
    assert said in str(caught.value)
    assert caught.value.exit_code == code


def test_a_broken_file_says_how_to_replace_it(published: Path) -> None:
    (published / "lead.duckdb").write_bytes(b"no database")
    with pytest.raises(FeedbackError, match="publish again"):
        query(published, "lead", "select 1")
