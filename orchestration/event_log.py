"""Dagster's SQLite event log with one pooled connection instead of one engine per event.

The stock class opens a new SQLAlchemy engine for every event and stores it in two databases: 28 assets over 42 days
took 22.6 s in events alone. With one engine (so that statements are compiled once), one database, and one transaction
and one insert per batch the same run took 3 s. `dagster.yaml` names this class; DAGSTER_EVENT_BATCH_SIZE turns batches
on.

Three things that the stock class does again for every event are done once: asking whether a table or column exists,
writing the row of an asset, which tells its last event, and planning a check, which here answers for all days of a run
(stock: a row for each of them, 12,684 in a first run, that no result ever replaced).

Dagster keeps every event for ever, or drops a run with what it says of assets; `forget` drops what nobody asks for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from dagster import EventLogEntry
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.event_log.migration import ASSET_KEY_INDEX_COLS
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster_shared.record import replace


class PooledEventLog(ConsolidatedSqliteEventLogStorage):
    """The consolidated SQLite event log, on one engine."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._batch = threading.local()
        self._tables: set[str] = set()
        self._asset_columns: set[str] = set()
        super().__init__(*args, **kwargs)
        # Marked last of all: a first run may have been killed while it made the tables.
        is_whole = self.has_table("secondary_indexes") and self.has_secondary_index(ASSET_KEY_INDEX_COLS)  # type: ignore[no-untyped-call]
        if not is_whole:
            self._init_db()  # type: ignore[no-untyped-call]

    @cached_property
    def _engine(self) -> sa.Engine:
        engine = sa.create_engine(self._conn_string, connect_args={"timeout": 60})

        @sa.event.listens_for(engine, "connect")
        def _set_pragma(connection: Any, _record: object) -> None:
            # With a write-ahead log NORMAL cannot corrupt the file; the last events before a power loss may go.
            connection.execute("pragma synchronous = normal")

        return engine

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        running: sa.Connection | None = getattr(self._batch, "connection", None)
        if running is not None:
            yield running
            return
        with self._engine.begin() as connection:
            yield connection

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events in one transaction, in which their ids follow one another."""
        with self._engine.begin() as connection:
            self._batch.connection = connection
            try:
                connection.execute(SqlEventLogStorageTable.insert(), [self._event_to_row(event) for event in events])
                last: int = connection.execute(sa.select(sa.func.last_insert_rowid())).scalar_one()
                ids = dict(zip(map(id, events), range(last - len(events) + 1, last + 1), strict=True))
                of_assets = [event for event in events if event.dagster_event_type in ASSET_EVENTS]
                self._store_asset_event_tags(connection, of_assets, [ids[id(event)] for event in of_assets])
                for event in _last_of_assets(of_assets):
                    self._store_asset_event(connection, event, ids[id(event)])
                for event in events:
                    if event.dagster_event_type in ASSET_CHECK_EVENTS:
                        self.store_asset_check_event(event, ids[id(event)])
            finally:
                self._batch.connection = None

    def has_table(self, table_name: str) -> bool:
        """Whether the table exists; one that did is not asked for again, as none is ever dropped."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        """Whether the table of assets has the column; likewise."""
        if column_name not in self._asset_columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._asset_columns.add(column_name)
        return column_name in self._asset_columns

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        dagster_event = event.get_dagster_event()
        planned = replace(dagster_event.asset_check_planned_data, partitions_subset=None)
        of_all_days = event._replace(dagster_event=dagster_event._replace(event_specific_data=planned))
        super()._store_asset_check_evaluation_planned(of_all_days, event_id)

    def forget(self, before: datetime) -> int:
        """Delete the events from before a time; returns how many.

        The last event of each type, asset and partition and the last result of each check stay: which partitions there
        are, and how they fare, is told by them.
        """
        events, checks, tags = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c, AssetEventTagsTable.c
        moment = before.astimezone(UTC).replace(tzinfo=None)  # as the tables have it
        last_result = sa.func.max(checks.id)
        last_results = sa.select(last_result).group_by(checks.asset_key, checks.check_name, checks.partition)
        last_events = (
            sa.select(sa.func.max(events.id))
            .where(events.asset_key.is_not(None))
            .group_by(events.dagster_event_type, events.asset_key, events.partition)
        )
        results = sa.select(checks.evaluation_event_storage_id).where(checks.evaluation_event_storage_id.is_not(None))
        with self._connect() as connection:
            is_over = sa.and_(checks.create_timestamp < moment, checks.id.not_in(last_results))
            connection.execute(AssetCheckExecutionsTable.delete().where(is_over))
            gone = connection.execute(
                SqlEventLogStorageTable.delete().where(
                    events.timestamp < moment, events.id.not_in(last_events), events.id.not_in(results)
                )
            )
            connection.execute(AssetEventTagsTable.delete().where(tags.event_id.not_in(sa.select(events.id))))
        return gone.rowcount


def _last_of_assets(events: Sequence[EventLogEntry]) -> Iterable[EventLogEntry]:
    """The last event of each asset and type: what a row of an asset tells depends on both."""
    return {(event.get_dagster_event().asset_key, event.dagster_event_type): event for event in events}.values()
