"""A role's file holds what the policy names, and not a byte more."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from governance.access import Column, Publication, Role
from governance.errors import FeedbackError, PolicyError
from orchestration.serving.behind import Behind
from orchestration.serving.publishing import publish, share, swapped_in_together

AS_OF = datetime(2026, 1, 3, tzinfo=UTC)


@pytest.fixture
def published(warehouse: Path, role: Role, tmp_path: Path) -> Path:
    publish(warehouse, tmp_path / "published/clerk.duckdb", role, AS_OF)
    return tmp_path / "published/clerk.duckdb"


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(sql).fetchall()


def only(role: Role, table: Publication) -> Role:
    return replace(role, tables=(table,))


def test_masked_columns_are_empty_or_cut(published: Path) -> None:
    found = rows(published, "select order_id, account_id, created_at::varchar from orders order by 1")
    assert found == [(1, None, "2026-01-01 00:00:00+00"), (2, None, "2026-01-02 00:00:00+00")]


def test_unnamed_columns_are_not_in_the_file(published: Path) -> None:
    assert b"private note" not in published.read_bytes()
    assert rows(published, "select column_name from duckdb_columns() where table_name = 'spans'") == [("span",)]


def test_a_filter_keeps_rows_out(warehouse: Path, role: Role, tmp_path: Path) -> None:
    table = replace(role.tables[0], where="order_id > 1 -- a comment ends with its line")
    assert publish(warehouse, tmp_path / "f.duckdb", only(role, table), AS_OF) == {"orders": 1}


def test_views_over_files_become_rows(published: Path) -> None:
    assert rows(published, "select span from spans order by 1") == [(1,), (2,)]


def test_everything_is_a_plain_table(published: Path) -> None:
    for catalog in ("duckdb_views() where not internal", "duckdb_indexes()", "duckdb_constraints()"):
        assert rows(published, f"select * from {catalog}") == []


def test_the_file_is_readable_by_duckdb_from_1_0_on(published: Path) -> None:
    # bytes 8 to 12: magic; then the storage version, 64 up to and including DuckDB 1.1
    head = published.read_bytes()[:20]
    assert head[8:12] == b"DUCK"
    assert int.from_bytes(head[12:20], "little") == 64


def test_descriptions_are_kept(published: Path) -> None:
    assert rows(published, "select comment from duckdb_tables() where table_name = 'orders'") == [
        ("Orders; one row per order.",)
    ]
    assert rows(published, "select comment from duckdb_columns() where column_name = 'order_id'") == [
        ("The shop's own number.",)
    ]


def test_about_says_what_was_masked_and_left_out(published: Path) -> None:
    columns = "table_name, row_count, role, run_id, masked, left_out, row_filter, as_of::varchar"
    assert rows(published, f"select {columns} from about order by 1") == [
        ("orders", 2, "clerk", "run-1", "account_id: blank, created_at: day", "note, ratio", "order_id > 0",
         "2026-01-03 00:00:00+00"),
        ("spans", 2, "clerk", None, "", "note", "", "2026-01-03 00:00:00+00"),
    ]  # fmt: skip


def test_the_file_is_swapped_in_whole(warehouse: Path, role: Role, published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as reader:
        before = published.stat().st_ino
        publish(warehouse, published, role, AS_OF)
        assert published.stat().st_ino != before
        assert reader.execute("select count(*) from orders").fetchone() == (2,)
    assert [path.name for path in published.parent.iterdir()] == ["clerk.duckdb"]


def test_a_file_begun_with_what_roles_share_is_the_one_written_alone(
    warehouse: Path, role: Role, tmp_path: Path
) -> None:
    orders, spans = role.tables
    noted = replace(orders, columns=(*orders.columns, Column("note")))
    others = [replace(role, name=f"wider{number}", tables=(noted, spans)) for number in (1, 2)]
    shared, roles = tmp_path / ".shared.duckdb", [role, *others]
    for number, one in enumerate(roles):
        share(warehouse, shared, roles[number:])
        both = [tmp_path / f"{one.name}-{how}.duckdb" for how in ("begun", "alone")]
        begun = shutil.copyfile(shared, tmp_path / ".begun")
        for file, start in zip(both, (begun, None), strict=True):
            publish(warehouse, file, one, AS_OF, begun=start)
        assert (b"private note" in both[0].read_bytes()) is (one is not role)
        columns = "(select table_name, column_name, data_type, comment from duckdb_columns())"
        for told in ("orders", "spans", "about", columns):
            begun, alone = (sorted(rows(path, f"from {told}"), key=str) for path in both)
            assert list(map(str, begun)) == list(map(str, alone))


def test_what_is_not_published_yet_only_the_owner_reads_and_what_roles_share_never_is(tmp_path: Path) -> None:
    with swapped_in_together(tmp_path) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        for name in ("clerk.duckdb", ".shared.duckdb"):
            (folder / name).touch()
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert [path.name for path in tmp_path.iterdir()] == ["clerk.duckdb"]


def test_a_failed_publication_leaves_the_file_before(warehouse: Path, role: Role, published: Path) -> None:
    before = published.read_bytes()
    with pytest.raises(PolicyError):
        publish(warehouse, published, only(role, Publication("orders", "marts.orders", (Column("nota"),))), AS_OF)
    assert published.read_bytes() == before
    assert [path.name for path in published.parent.iterdir()] == ["clerk.duckdb"]


def test_the_file_is_not_for_everybody(published: Path) -> None:
    assert published.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Publication("o", "marts.order", (Column("order_id"),)), "no such relation"),
        (Publication("o", "marts.orders", (Column("nota"),)), "did you mean note"),
        (Publication("o", "marts.orders", (Column("note", "day"),)), "mask day of note needs a time"),
        (Publication("o", "marts.orders", (Column("order_id"),), "nosuch = 1"), "is no condition on its columns"),
        (Publication("o", "marts.orders", (Column("order_id"),), "1 = 1); drop table x; ("), "is no condition"),
    ],
)
def test_a_policy_that_does_not_fit_the_warehouse_stops(
    warehouse: Path, role: Role, tmp_path: Path, table: Publication, said: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        publish(warehouse, tmp_path / "f.duckdb", only(role, table), AS_OF)
    assert said in str(caught.value)


def test_a_text_made_of_what_is_personal_is_not_published_unmarked(warehouse: Path, role: Role, tmp_path: Path) -> None:
    found = Behind(unmarked={"orders.order_id": "tickets.subject"})
    assert publish(warehouse, tmp_path / "f.duckdb", role, AS_OF, (), found), "a number is no text"
    noted = only(role, Publication("orders", "marts.orders", (Column("note"),)))
    found = Behind(unmarked={"orders.note": "tickets.subject"})
    with pytest.raises(
        PolicyError, match=r"orders.note is made of tickets.subject, .* and `personal` does not name it"
    ):
        publish(warehouse, tmp_path / "g.duckdb", noted, AS_OF, (), found)
    assert not (tmp_path / "g.duckdb").exists()


def test_without_a_warehouse_the_next_step_is_named(tmp_path: Path, role: Role) -> None:
    with pytest.raises(FeedbackError, match="run `feedback run` first"):
        publish(tmp_path / "none.duckdb", tmp_path / "f.duckdb", role, AS_OF)


def test_what_a_kill_left_is_deleted_by_the_next_publication(warehouse: Path, role: Role, tmp_path: Path) -> None:
    for name in (".clerk.duckdb.1.tmp", ".clerk.duckdb.1.tmp.wal", ".other.duckdb.1.tmp"):
        (tmp_path / name).touch()
    publish(warehouse, tmp_path / "clerk.duckdb", role, AS_OF)
    assert [path.name for path in tmp_path.glob(".*.tmp*")] == [".other.duckdb.1.tmp"]
