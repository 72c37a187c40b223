"""transform, first half: what dbt reads. Schema `lake` of the warehouse: one view per table over exactly the partitions
that exist, so a folder without a manifest is never read; and the policies that models need, as small tables.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from governance.estimates import load_estimates_policy
from governance.owners import load_owners
from governance.privacy.findings import FINDINGS_SCHEMA
from governance.quality import RESULTS_SCHEMA
from governance.ranking import load_ranking
from governance.sampling import SAMPLED_LOGS_SCHEMA, SAMPLED_SPANS_SCHEMA, TRAITS_SCHEMA
from governance.signals import MALFORMED_SCHEMA, SIGNALS, TIMESTAMP
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.rollups import schemas


@dataclass(frozen=True)
class LakeTable:
    """A relation of schema `lake`: a table of the partitions of one state, united over sources and days."""

    state: str
    signal: str
    table: str
    schema: Mapping[str, pl.DataType]


LAKE_TABLES: Mapping[str, LakeTable] = {
    "spans": LakeTable("sampled", "spans", "records", SAMPLED_SPANS_SCHEMA),
    "logs": LakeTable("sampled", "logs", "records", SAMPLED_LOGS_SCHEMA),
    **{
        signal: LakeTable("checked", signal, "records", SIGNALS[signal].schema)
        for signal in ("tickets", "ticket_events", "deployments", "incidents")
    },
    "traces": LakeTable("traits", "spans", "traces", TRAITS_SCHEMA),
    "span_requests": LakeTable("rollups", "spans", "requests", schemas.REQUESTS_SCHEMA),
    "span_latency": LakeTable("rollups", "spans", "latency", schemas.LATENCY_SCHEMA),
    "span_account_days": LakeTable("rollups", "spans", "account_days", schemas.SPAN_ACCOUNT_DAYS_SCHEMA),
    "log_templates": LakeTable("rollups", "logs", "templates", schemas.LOG_TEMPLATES_SCHEMA),
    "log_account_days": LakeTable("rollups", "logs", "account_days", schemas.LOG_ACCOUNT_DAYS_SCHEMA),
}
# What of a quarantined row every signal has.
_QUARANTINED = pl.Schema(
    {"record_id": pl.String(), "event_at": TIMESTAMP, "expectations": pl.List(pl.String), "owner": pl.String()}
)
# Small enough to be copied into the warehouse whole.
COPIED_TABLES = (
    *("gate_results", "quarantined_rows", "privacy_findings", "ledger", "malformed"),
    *("owners", "ranking", "request_attributes"),
)


def run_id(lake: Lake, as_of: datetime) -> str:
    """Names the run by what it is made of: the same inputs at the same as-of time give the same id and rows."""
    digest = hashlib.sha256(as_of.isoformat().encode())
    for state in sorted({table.state for table in LAKE_TABLES.values()} | {"anonymized", "quarantine"}):
        digest.update(lake.state_digest(state).encode())
    for policy in (load_owners(), load_ranking(), load_estimates_policy()):
        digest.update(policy.digest.encode())
    return f"run-{digest.hexdigest()[:12]}"


def prepare_warehouse(lake: Lake, warehouse: Path) -> dict[str, int]:
    """(Re)create schema `lake` in the warehouse; returns how many partitions each relation covers."""
    with opened(warehouse) as connection:
        connection.execute("drop schema if exists lake cascade")
        connection.execute("create schema lake")
        covered = {name: _create_view(connection, lake, name, table) for name, table in LAKE_TABLES.items()}
        for name, frame in _copies(lake).items():
            arrow = frame.to_arrow()
            connection.register("incoming", arrow)
            connection.execute(f"create table lake.{name} as select * from incoming")
            connection.unregister("incoming")
            covered[name] = frame.height
    return covered


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The pipeline's connection to the warehouse.

    A file that does not open is set aside, never deleted: everything in it can be rebuilt from the lake.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "temp_directory": str(warehouse.parent / "spill"),
    }
    try:
        connection = duckdb.connect(str(warehouse), config=config)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as error:
        if "lock" in str(error).lower():
            raise
        for path in (warehouse, warehouse.with_name(f"{warehouse.name}.wal")):
            if path.exists():
                path.rename(path.with_name(f"{path.name}.unreadable"))
        connection = duckdb.connect(str(warehouse), config=config)
    os.chmod(warehouse, 0o600)
    try:
        connection.execute("set timezone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _create_view(connection: duckdb.DuckDBPyConnection, lake: Lake, name: str, table: LakeTable) -> int:
    files = [
        (key.split("/")[1], path)
        for key in lake.keys(table.state)
        if key.split("/")[2] == table.signal
        for path in lake.files(key, table.table)
    ]
    columns = ", ".join(f'"{column}"' for column in table.schema)
    by_source: dict[str, list[Path]] = {}
    for source, path in files:
        by_source.setdefault(source, []).append(path)
    selects = []
    for source, paths in by_source.items():
        listed = ", ".join(_quoted(str(path)) for path in paths)
        selects.append(f"select {_quoted(source)} as source, {columns} from read_parquet([{listed}])")
    # The empty relation carries the types, where no partition exists yet.
    empty = pl.DataFrame(schema={"source": pl.String(), **table.schema}).to_arrow()
    connection.register("typed", empty)
    connection.execute(f"create table lake._empty_{name} as select * from typed")
    connection.unregister("typed")
    body = "\nunion all by name\n".join([f"select * from lake._empty_{name}", *selects])
    connection.execute(f"create view lake.{name} as {body}")
    return len(files)


def _copies(lake: Lake) -> dict[str, pl.DataFrame]:
    return {
        "gate_results": _by_day(lake, "quarantine", "results", RESULTS_SCHEMA),
        "quarantined_rows": _by_day(lake, "quarantine", "records", _QUARANTINED).with_columns(
            pl.col("expectations").list.join(", ")
        ),
        "privacy_findings": _by_day(lake, "anonymized", "findings", FINDINGS_SCHEMA),
        "ledger": ledger(lake),
        "malformed": _malformed(lake),
        "owners": load_owners().as_frame(),
        "ranking": load_ranking().as_frame(),
        "request_attributes": load_estimates_policy().as_frame(),
    }


def _by_day(lake: Lake, state: str, table: str, schema: pl.Schema) -> pl.DataFrame:
    """A small table of every partition of a state that has it, with source, signal and day in front."""
    frames = []
    for key in lake.keys(state):
        if not lake.files(key, table):  # made before there was such a table
            continue
        _, source, signal, day = key.split("/")
        place = [pl.lit(value).alias(name) for name, value in (("source", source), ("signal", signal))]
        when = pl.lit(day).str.to_date().alias("event_date")
        frames.append(lake.read(key, table).select(*place, when, *schema.names()))
    front = {"source": pl.String(), "signal": pl.String(), "event_date": pl.Date()}
    return pl.concat(frames) if frames else pl.DataFrame(schema=pl.Schema([*front.items(), *schema.items()]))


def _malformed(lake: Lake) -> pl.DataFrame:
    """Where something could not be read and why; file names stay behind, they can name a person."""
    frames = [
        lake.read(key, "malformed").with_columns(source=pl.lit(key.split("/")[1])) for key in lake.keys("received")
    ]
    schema = {"source": pl.String(), **MALFORMED_SCHEMA}
    found = pl.concat([pl.DataFrame(schema=schema), *(frame.select(list(schema)) for frame in frames)])
    return found.drop("file")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def lake_columns(warehouse: Path) -> dict[str, list[str]]:
    """The columns of each relation of schema `lake`, by `lake.name`, in order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'lake' order by 1, column_index"
        ).fetchall()
    columns: dict[str, list[str]] = {}
    for name, column in rows:
        columns.setdefault(f"lake.{name}", []).append(column)
    return columns
