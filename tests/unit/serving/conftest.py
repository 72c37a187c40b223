"""A small warehouse and a role that sees part of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from governance.access import Column, Publication, Role


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Orders in `marts`; in `lake` a view over a Parquet file, as the pipeline's own warehouse has it."""
    pl.DataFrame({"span": [1, 2], "note": ["=1+1", "x"]}).write_parquet(tmp_path / "spans.parquet")
    path = tmp_path / "feedback.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            set timezone = 'UTC';
            create schema marts; create schema lake;
            create table marts.orders as select * from (values
                (1, 'acct_1', 'private note', timestamptz '2026-01-01 10:11:12+00', 'run-1', 0.5::double),
                (2, 'acct_2', '=cmd()', timestamptz '2026-01-02 00:00:00+00', 'run-1', 'nan'::double),
            ) as o (order_id, account_id, note, created_at, run_id, ratio);
            comment on table marts.orders is 'Orders; one row per order.';
            comment on column marts.orders.order_id is 'The shop''s own number.';
            comment on column marts.orders.note is 'What was written.';
            create table lake._empty as select 0::bigint as span, ''::varchar as note where false;
            create view lake.spans as
                select * from lake._empty union all by name select * from read_parquet('{tmp_path}/spans.parquet');
        """)
    return path


@pytest.fixture
def role() -> Role:
    orders = (Column("order_id"), Column("account_id", "blank"), Column("created_at", "day"), Column("run_id"))
    return Role(
        "clerk",
        "Clerks.",
        (
            Publication("orders", "marts.orders", orders, "order_id > 0"),
            Publication("spans", "lake.spans", (Column("span"),)),
        ),
        "abc",
    )
