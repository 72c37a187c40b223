"""A database is asked one question, cannot be changed by it, and no message says what it holds."""

import sqlite3

import duckdb
import pytest

from governance.errors import FeedbackError, PolicyError
from governance.keys import Keyring
from governance.sources import Source
from orchestration.sources import database
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for

from .conftest import AS_OF

ROWS = [("2026-05-04", "place order", 948, 1558), ("2026-05-05", "place order", 951, 1560)]
COLUMNS = {"event_at": "day", "journey": "journey", "value": "orders", "population": "visits"}
SELECT = "select * from conversions order by day"


def source(query=SELECT, **fields):
    about = {"name": "shop", "description": "d", "type": "sql", "signals": ("outcomes",), "owner": "o", "purpose": "p"}
    asked = {"database": {"url_env": "SHOP_DATABASE", "query": query}}
    constants = {"measure": "conversion", "unit": "count", "reported_at": "received"}
    return Source.model_validate({**about, **asked, "columns": COLUMNS, "constants": constants, **fields})


def fill(connection, day="varchar"):
    connection.execute(f"create table conversions (day {day}, journey varchar, orders integer, visits integer)")
    connection.executemany("insert into conversions values (?, ?, ?, ?)", ROWS)
    connection.commit()
    connection.close()


@pytest.fixture(params=["sqlite", "duckdb"])
def shop(request, tmp_path, monkeypatch):
    """A database of two days, and its URL in the environment."""
    path = tmp_path / "shop.db"
    if request.param == "sqlite":
        fill(sqlite3.connect(path))
    else:
        fill(duckdb.connect(str(path)).begin(), "date")
    monkeypatch.setenv("SHOP_DATABASE", f"{request.param}:///{path}")
    return path


def read(tmp_path, of):
    pull = Pull(of, tmp_path, Keyring(b"p" * 32, b"i" * 32), AS_OF, AS_OF)
    connector = connector_for(of)
    documents = list(connector.documents(pull))
    return documents, [batch for document in documents for batch in connector.read(document, pull)]


def test_the_rows_of_an_answer_are_records(shop, tmp_path):
    _, batches = read(tmp_path, source())
    rows = batches[0].records["outcomes"]
    assert rows.select("journey", "value", "population").rows() == [
        ("place order", 948.0, 1558),
        ("place order", 951.0, 1560),
    ]
    assert [moment.day for moment in rows["event_at"]] == [4, 5]


def test_the_same_answer_is_the_same_document_and_a_long_one_comes_in_pages(shop, tmp_path, monkeypatch):
    assert [one.id for one in read(tmp_path, source())[0]] == [one.id for one in read(tmp_path, source())[0]]
    monkeypatch.setattr(database, "PAGE_ROWS", 1)
    assert [one.name for one in read(tmp_path, source())[0]] == ["shop/0001.jsonl", "shop/0002.jsonl"]


def test_a_row_that_cannot_be_read_is_set_aside_alone(shop, tmp_path):
    query = "select day, journey, 'many' as orders, visits from conversions where visits = 1558 union all " \
            "select day, journey, cast(orders as varchar), visits from conversions where visits = 1560"  # fmt: skip
    _, (batch,) = read(tmp_path, source(query))
    assert batch.malformed["reason"].to_list() == ["value is no number"]
    assert batch.records["outcomes"].height == 1


def test_a_query_cannot_write(shop, tmp_path):
    before = shop.read_bytes()
    with_write = "with gone as (select 1) delete from conversions"
    with pytest.raises(FeedbackError, match=r"SHOP_DATABASE did not answer \(\w+\)"):
        read(tmp_path, source(with_write))
    assert shop.read_bytes() == before


def test_a_query_of_duckdb_reads_no_other_file(tmp_path, monkeypatch):
    duckdb.connect(str(tmp_path / "shop.db")).close()
    (tmp_path / "other.csv").write_text("a\n1\n")
    monkeypatch.setenv("SHOP_DATABASE", f"duckdb:///{tmp_path / 'shop.db'}")
    with pytest.raises(FeedbackError, match="PermissionException"):
        read(tmp_path, source(f"select * from read_csv('{tmp_path / 'other.csv'}')"))


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        (None, PolicyError, "SHOP_DATABASE is not set"),
        ("mysql://u:hunter2@h/d", PolicyError, "allowed: duckdb, postgresql, sqlite"),
        ("sqlite:////nowhere/shop.db", FeedbackError, "did not answer (OperationalError)"),
        ("postgresql+nodriver://u:hunter2@127.0.0.1:1/d", FeedbackError, "did not answer (NoSuchModuleError)"),
        ("postgresql+pg8000://u:hunter2@127.0.0.1:1/d", FeedbackError, "install its driver"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(tmp_path, monkeypatch, url, error, said):
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    if url:
        monkeypatch.setenv("SHOP_DATABASE", url)
    with pytest.raises(error) as caught:
        read(tmp_path, source())
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"database": {"url_env": "D", "query": "drop table t"}}, "expected one SELECT"),
        ({"database": {"url_env": "D", "query": "select 1; drop table t"}}, "expected one SELECT"),
        ({"type": "csv"}, "expected database with type sql"),
        ({"files": {"folder": "x"}}, "exactly one of files, http and database"),
    ],
)
def test_a_source_that_asks_something_else_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        source(**fields)
