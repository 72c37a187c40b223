"""transform, first half: what dbt reads. Schema `lake` of the warehouse: one relation per table, of exactly the
partitions that exist, so a folder without a manifest is never read; and the policies that models need, as small tables.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from governance.changes import load_changes
from governance.costs import load_costs
from governance.errors import FeedbackError
from governance.estimates import load_estimates_policy
from governance.freshness import load_freshness
from governance.initiatives import load_initiatives
from governance.owners import load_owners
from governance.privacy.findings import FINDINGS_SCHEMA
from governance.quality import RESULTS_SCHEMA, Rulings
from governance.ranking import load_ranking
from governance.sampling import SAMPLED_LOGS_SCHEMA, SAMPLED_SPANS_SCHEMA
from governance.services import load_services
from governance.signals import MALFORMED_SCHEMA, SIGNALS, TIMESTAMP
from governance.slos import load_slos, slo_frames
from governance.surveys import load_surveys
from governance.triage import load_triage, triage_frames
from orchestration.freshness import expected, freshness
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.rollups import schemas
from orchestration.rollups.themes import TEXT_THEMES_SCHEMA
from orchestration.stages.loading import PLACE, LakeTable, load
from orchestration.stages.state_history import HISTORY_SCHEMA, past_digest

# What of a quarantined row every signal has.
_QUARANTINED = pl.Schema(
    {"record_id": pl.String(), "event_at": TIMESTAMP, "expectations": pl.List(pl.String()), "owner": pl.String()}
)
LAKE_TABLES: Mapping[str, LakeTable] = {
    "spans": LakeTable("sampled", "spans", "records", SAMPLED_SPANS_SCHEMA),
    "logs": LakeTable("sampled", "logs", "records", SAMPLED_LOGS_SCHEMA),
    **{
        name: LakeTable("checked", name, "records", signal.schema)
        for name, signal in SIGNALS.items()
        if not signal.is_sampled
    },
    "span_requests": LakeTable("rollups", "spans", "requests", schemas.REQUESTS_SCHEMA),
    "span_latency": LakeTable("rollups", "spans", "latency", schemas.LATENCY_SCHEMA),
    "span_account_days": LakeTable("rollups", "spans", "account_days", schemas.SPAN_ACCOUNT_DAYS_SCHEMA),
    "log_templates": LakeTable("rollups", "logs", "templates", schemas.LOG_TEMPLATES_SCHEMA),
    "log_template_days": LakeTable("rollups", "logs", "template_days", schemas.TEMPLATE_DAYS_SCHEMA),
    "log_account_days": LakeTable("rollups", "logs", "account_days", schemas.LOG_ACCOUNT_DAYS_SCHEMA),
    "text_themes": LakeTable("themes", "tickets", "text_themes", TEXT_THEMES_SCHEMA),
    "kept_records": LakeTable("sampled", None, "kept", schemas.KEPT_SCHEMA),
    "gate_results": LakeTable("quarantine", None, "results", RESULTS_SCHEMA),
    "privacy_findings": LakeTable("anonymized", None, "findings", FINDINGS_SCHEMA),
    "quarantined_rows": LakeTable("quarantine", None, "records", _QUARANTINED),
    "state_history": LakeTable("history", "states", "states", HISTORY_SCHEMA),
}
# One row per day that was rolled up: what models that keep what they have read compare, to read new days alone.
PARTITIONS_SCHEMA = pl.Schema({**PLACE, "digest": pl.String()})
# Small enough to be copied into the warehouse whole.
COPIED_TABLES = (
    *("partitions", "ledger", "freshness", "malformed", "owners", "ranking", "request_attributes", "costs"),
    *("slos", "slo_alerts", "maintenance_windows", "change_rules", "service_journeys", "survey_rules"),
    *("triage", "triage_weights", "assessments", "initiatives", "waivers"),
)


# Shown as text, as files and screens that know no lists need it.
_SHOWN = {"expectations": "array_to_string(expectations, ', ') as expectations"}


def run_id(lake: Lake, as_of: datetime) -> str:
    """Names the run by what it is made of: the same inputs at the same as-of time give the same id and rows."""
    digest = hashlib.sha256(as_of.isoformat().encode())
    read = {table.state for table in LAKE_TABLES.values()} - {"history"}
    for state in sorted(read | {"anonymized", "quarantine", "late"}):
        digest.update(lake.state_digest(state).encode())
    digest.update(past_digest(lake, as_of).encode())
    policies = (load_owners(), load_ranking(), load_estimates_policy(), load_costs(), load_slos(), load_services())
    for policy in (*policies, load_surveys(), load_changes(), load_triage(), load_initiatives(), load_freshness()):
        digest.update(policy.digest.encode())
    digest.update(repr(expected()).encode())
    return f"run-{digest.hexdigest()[:12]}"


def prepare_warehouse(lake: Lake, warehouse: Path, as_of: datetime, rulings: Rulings | None = None) -> dict[str, int]:
    """(Re)create schema `lake` in the warehouse; returns how many partitions each relation covers.

    Args:
        as_of: the time that freshness is true for.
        rulings: what stewards have decided; None: nothing.
    """
    with opened(warehouse) as connection:
        connection.execute("drop schema if exists lake cascade")
        connection.execute("create schema lake")
        covered = load(connection, lake, LAKE_TABLES)
        for name, table in LAKE_TABLES.items():
            columns = ", ".join(_SHOWN.get(column, f'"{column}"') for column in table.columns)
            connection.execute(f"create view lake.{name} as select {columns} from loaded.{name}")
        for name, frame in {**_copies(lake, as_of), "waivers": (rulings or Rulings()).waivers_frame()}.items():
            arrow = frame.to_arrow()
            connection.register("incoming", arrow)
            connection.execute(f"create table lake.{name} as select * from incoming")
            connection.unregister("incoming")
            covered[name] = frame.height
    return covered


def drop_unmade(warehouse: Path, made: Collection[tuple[str, str]]) -> list[str]:
    """Drop what no model makes any more: it would keep rows of days that have expired since. Returns the relations.

    Args:
        made: schema and name of everything that models and seeds make; other schemas stay as they are.
    """
    with opened(warehouse) as connection:
        there = connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() where not internal"
            " union all select schema_name, view_name, 'view' from duckdb_views() where not internal"
        ).fetchall()
        schemas = {schema for schema, _ in made}
        unmade = sorted(one for one in there if one[0] in schemas and one[:2] not in made)
        for schema, name, kind in unmade:
            connection.execute(f'drop {kind} "{schema}"."{name}"')
    return [f"{schema}.{name}" for schema, name, _ in unmade]


def _is_lock(error: BaseException) -> bool:
    return isinstance(error, duckdb.IOException) and "could not set lock" in str(error).lower()


def _holder(error: BaseException) -> str:
    found = re.search(r"PID ([0-9]{1,10})", str(error))
    return f"process {found[1]}" if found else "another process"


_MOST_WAITED_S = 60
_WHILE_LOCKED = Retrying(
    retry=retry_if_exception(_is_lock), stop=stop_after_delay(_MOST_WAITED_S), wait=wait_fixed(0.5), reraise=True
)


@contextmanager
def opened(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The pipeline's connection to the warehouse.

    A file that does not open is set aside, never deleted: everything in it can be rebuilt from the lake.

    Raises:
        FeedbackError: another process holds it, and went on to.
    """
    warehouse.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "temp_directory": str(warehouse.parent / "spill"),
    }
    try:
        # Of a run that was killed the models may still be building, and end by themselves.
        connection = _WHILE_LOCKED(duckdb.connect, str(warehouse), config=config)
    except (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException) as error:
        if _is_lock(error):
            raise FeedbackError(
                f"{warehouse}: {_holder(error)} holds it, and did so for {_MOST_WAITED_S} s; end it (what a killed run"
                " left behind, or a tool of yours) and run again"
            ) from None
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


def _copies(lake: Lake, as_of: datetime) -> dict[str, pl.DataFrame]:
    return {
        "partitions": _partitions(lake),
        "ledger": ledger(lake),
        "freshness": freshness(lake, as_of),
        "malformed": _malformed(lake),
        "owners": load_owners().as_frame(),
        "ranking": load_ranking().as_frame(),
        "request_attributes": load_estimates_policy().as_frame(),
        "costs": load_costs().as_frame(),
        "change_rules": load_changes().as_frame(),
        "service_journeys": load_services().as_frame(load_owners()),
        "survey_rules": load_surveys().as_frame(),
        **slo_frames(),
        **triage_frames(),
        "initiatives": load_initiatives().as_frame(),
    }


def _partitions(lake: Lake) -> pl.DataFrame:
    """The days that were rolled up, with digests of their rollups and their sample; what was counted follows from both.

    Rollups made coarser have the digest they had before, as their figures are the same.
    """
    digests = lake.digests([*lake.keys("rollups"), *lake.keys("sampled")])
    rows = [
        (*place, f"{digest}/{digests.get('/'.join(('sampled', *place)), '')}")
        for key, digest in digests.items()
        if key.startswith("rollups/")
        for place in [key.split("/")[1:]]
    ]
    read = pl.DataFrame(rows, schema={**PARTITIONS_SCHEMA, "event_date": pl.String()}, orient="row")
    return read.with_columns(pl.col("event_date").str.to_date())


def _malformed(lake: Lake) -> pl.DataFrame:
    """Where something could not be read and why; file names stay behind, they can name a person."""
    frames = [
        lake.read(key, "malformed").with_columns(source=pl.lit(key.split("/")[1])) for key in lake.keys("received")
    ]
    schema = {"source": pl.String(), **MALFORMED_SCHEMA}
    found = pl.concat([pl.DataFrame(schema=schema), *(frame.select(list(schema)) for frame in frames)])
    return found.drop("file")


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
