"""The decision record in a real PostgreSQL is what it is in SQLite, and refuses the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from governance.audit import DecisionRecord, Recorded
from governance.errors import FeedbackError, UsageError
from tests.integration.postgres_server import postgres
from tests.unit.audit.chains import decision, filled


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres(tmp_path_factory.mktemp("postgres") / "data") as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """The same server without a record."""
    run(server, "drop table if exists decisions")
    return server


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_it_is_the_same_chain_as_in_sqlite(url: str, tmp_path: Path) -> None:
    record = DecisionRecord.open(url, tmp_path / "shared" / "head.json")
    assert (list(record.entries()), record.verify().entries, record.export()) == ([], 0, None)
    for number in range(1, 6):
        record.append(decision(number, "waive" if number == 3 else "release"))
    same = filled(tmp_path / "own", 2)
    assert list(record.entries())[:2] == list(same.entries())
    assert [one.number for one in record.entries({"waive"})] == [3]
    last = record.last("waive")
    assert last is not None
    assert last.number == 3
    assert record.verify().is_good


@pytest.mark.parametrize(
    "statement",
    [
        "update decisions set number = 9 where number = 2",
        "delete from decisions where number = 2",
        "truncate decisions",
    ],
)
def test_the_database_refuses_changes(url: str, tmp_path: Path, statement: str) -> None:
    DecisionRecord.open(url, tmp_path / "head.json").append(decision(1))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        run(url, statement)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("delete from decisions where number > 3", [("truncated", 4, 6)]),
        ("truncate decisions", [("truncated", 1, 6)]),
        ("delete from decisions where number = 2", [("removed", 2, 2)]),
        ("update decisions set entry = set_byte(entry, 70, 1) where number = 4", [("edited", 4, 4)]),
        ("update decisions set digest = set_byte(digest, 31, 1) where number = 4", [("edited", 4, 4)]),
    ],
)
def test_what_is_done_to_the_table_is_found_and_located(
    url: str, tmp_path: Path, statement: str, found: list[tuple[str, int, int]]
) -> None:
    record = DecisionRecord.open(url, tmp_path / "head.json")
    for number in range(1, 7):
        record.append(decision(number))
    trigger = "alter table decisions {} trigger decisions_are_append_only"
    run(url, trigger.format("disable"))
    assert [one.damage for one in record.verify().problems] == ["unguarded"]
    run(url, statement, trigger.format("enable"))
    assert [(one.damage, one.number, one.last) for one in record.verify().problems] == found
    with pytest.raises(FeedbackError, match="not whole"):
        list(record.entries())


def test_of_two_hosts_at_once_one_wins_and_one_is_told(url: str, tmp_path: Path) -> None:
    def release(host: int) -> str:
        def not_yet(so_far: Sequence[Recorded]) -> None:
            if so_far:
                raise UsageError(f"released already by entry {so_far[0].number}")

        (tmp_path / str(host)).mkdir()
        try:
            record = DecisionRecord.open(url, tmp_path / str(host) / "head.json")
            return f"entry {record.append(decision(host), not_yet).number}"
        except UsageError as error:
            return str(error)

    with ThreadPoolExecutor(4) as hosts:
        told = sorted(hosts.map(release, range(4)))
    assert told == ["entry 1", *["released already by entry 1"] * 3]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alter system set default_transaction_read_only = on", "alter system reset default_transaction_read_only"),
        ("alter table decisions add constraint full_disk check (number < 2)", "select 1"),  # fails as late as a disk
    ],
)
def test_a_database_that_takes_nothing_leaves_everything_as_it_was(
    url: str, tmp_path: Path, before: str, after: str
) -> None:
    record, head = DecisionRecord.open(url, tmp_path / "head.json"), tmp_path / "head.json"
    record.append(decision(1))
    exported = head.read_bytes()
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(before)
        connection.exec_driver_sql("select pg_reload_conf()")
        connection.exec_driver_sql("select pg_sleep(0.2)")
        try:
            with pytest.raises(FeedbackError, match="nothing was decided") as refused:
                record.append(decision(2))
        finally:
            connection.exec_driver_sql(after)
            connection.exec_driver_sql("select pg_reload_conf()")
            connection.exec_driver_sql("select pg_sleep(0.2)")
    assert "postgresql" not in str(refused.value)  # neither its address nor what it said
    assert head.read_bytes() == exported
    assert record.verify().entries == 1


def test_a_server_that_is_away_is_told_without_its_address(tmp_path: Path) -> None:
    record = DecisionRecord.open("postgresql+psycopg://eve:hunter2@127.0.0.1:1/decisions", tmp_path / "head.json")
    with pytest.raises(FeedbackError, match="FEEDBACK_DECISIONS_URL: the decision record could not be written") as told:
        record.append(decision(1))
    assert "hunter2" not in str(told.value)
