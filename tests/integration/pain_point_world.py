"""A simulated company's warehouse, as dbt finds it: schema `lake` filled without the stages between."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from governance.changes import load_changes
from governance.costs import load_costs
from governance.estimates import load_estimates_policy
from governance.freshness import freshness_frame, load_freshness
from governance.initiatives import load_initiatives
from governance.keys import Keyring
from governance.owners import load_owners
from governance.quality.rulings import WAIVERS_SCHEMA
from governance.ranking import load_ranking
from governance.sampling import (
    TRAITS_SCHEMA,
    load_sampling_policy,
)
from governance.services import load_services
from governance.signals import MALFORMED_SCHEMA, SIGNALS
from governance.slos import slo_frames
from governance.sources import load_sources
from governance.surveys import load_surveys
from governance.triage import triage_frames
from orchestration.ledger import LEDGER_SCHEMA
from orchestration.rollups.known_templates import NO_PAST, Past
from orchestration.settings import PROJECT
from orchestration.simulation.run import simulate
from orchestration.simulation.scenario import Scenario
from orchestration.simulation.truth import Truth
from orchestration.sources.connector import Pull
from orchestration.sources.registry import connector_for
from orchestration.stages.warehousing import LAKE_TABLES, PARTITIONS_SCHEMA
from tests.days import log_rollup, span_rollup, traits_of

LAST_DAY = date(2026, 11, 22)
AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
_KEYS = Keyring(pseudonym_key=b"p" * 32, id_key=b"i" * 32)

# The time that says of which day a row is, where it is not the record's own.
_TIMES = {
    **dict.fromkeys(("span_requests", "span_latency"), "period_start_at"),
    "log_templates": "minute_start_at",
    "state_history": "recorded_at",
}


def lake_of(inbox: Path) -> dict[str, list[pl.DataFrame]]:
    """Frames of schema `lake` by table, made by the connectors and rollups themselves from the files of `inbox`."""
    read: dict[str, list[pl.DataFrame]] = {}
    for source in load_sources().values():
        pull = Pull(source, inbox, _KEYS, AS_OF, AS_OF)
        connector = connector_for(source)
        for document in connector.documents(pull):
            for batch in connector.read(document, pull):
                for signal, frame in batch.records.items():
                    tagged = frame.select(pl.lit(source.name).alias("source"), *SIGNALS[signal].columns)
                    read.setdefault(signal, []).append(tagged)
    records = {signal: pl.concat(frames).unique("record_id") for signal, frames in read.items()}
    tables = {name: [frame] for name, frame in records.items() if name not in ("spans", "logs")}
    roll_up(records, tables)
    return tables


def roll_up(records: dict[str, pl.DataFrame], tables: dict[str, list[pl.DataFrame]]) -> None:
    policy = load_sampling_policy()
    spans, logs = (_by_day(records.get(signal)) for signal in ("spans", "logs"))
    traits: dict[date, pl.DataFrame] = {}
    for day, frame in sorted(spans.items()):
        traits[day] = traits_of(frame, policy)
        rollup = span_rollup(frame, traits[day], policy.rollups)
        _add(tables, span_requests=rollup.requests, span_latency=rollup.latency)
        _add(tables, span_account_days=rollup.account_days)
    empty, past = pl.DataFrame(schema=TRAITS_SCHEMA), NO_PAST
    for day, frame in sorted(logs.items()):
        known = pl.concat([traits.get(day + timedelta(days=shift), empty) for shift in (-1, 0, 1)])
        logged, _ = log_rollup(frame, known, policy.rollups, day, past)
        _add(tables, log_templates=logged.templates, log_account_days=logged.account_days)
        _add(tables, log_template_days=logged.template_days)
        compared = pl.col("event_date") >= day - timedelta(days=policy.rollups.news.compared_days - 1)
        past = Past(logged.known_templates, pl.concat([past.counts, logged.template_counts]).filter(compared))


def _by_day(frame: pl.DataFrame | None) -> dict[date, pl.DataFrame]:
    if frame is None:
        return {}
    dated = frame.drop("source").with_columns(day=pl.col("event_at").dt.date())
    return {part["day"][0]: part.drop("day") for part in dated.partition_by("day")}


def _add(tables: dict[str, list[pl.DataFrame]], **frames: pl.DataFrame) -> None:
    for name, frame in frames.items():
        tables.setdefault(name, []).append(frame.select(pl.lit("otel").alias("source"), pl.all()))


def fill_warehouse(warehouse: Path, tables: dict[str, list[pl.DataFrame]], as_of: datetime = AS_OF) -> None:
    """Schema `lake` with every relation of the contract, empty where `tables` has none."""
    frames = {name: relation(name, tables.get(name, [])) for name in LAKE_TABLES}
    for name, schema in (("malformed", MALFORMED_SCHEMA), ("waivers", WAIVERS_SCHEMA)):
        frames[name] = pl.concat([pl.DataFrame(schema={"source": pl.String(), **schema}), *tables.get(name, [])])
    frames["partitions"] = partitions_of(frames)
    newest = {
        (source, signal): at
        for signal in SIGNALS
        for source, at in frames[signal].group_by("source").agg(pl.col("event_at").max()).iter_rows()
    }
    frames["freshness"] = freshness_frame(newest, as_of, {}, load_freshness())
    frames["owners"] = load_owners().as_frame()
    frames["costs"] = load_costs().as_frame()
    frames["change_rules"] = load_changes().as_frame()
    frames["ranking"] = load_ranking().as_frame()
    frames["service_journeys"] = load_services().as_frame(load_owners())
    frames["survey_rules"] = load_surveys().as_frame()
    frames |= slo_frames() | triage_frames()
    frames["initiatives"] = load_initiatives().as_frame()
    frames["request_attributes"] = load_estimates_policy().as_frame()
    frames["ledger"] = pl.concat([pl.DataFrame(schema=LEDGER_SCHEMA), *tables.get("ledger", [])])
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create schema if not exists lake")
        for name, frame in frames.items():
            connection.register("incoming", frame.to_arrow())
            connection.execute(f"create or replace table lake.{name} as select * from incoming")
            connection.unregister("incoming")


def relation(name: str, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """A relation of schema `lake` with the rows of `frames`, each of the day it happened on."""
    table = LAKE_TABLES[name]
    empty = pl.DataFrame(schema=table.columns)
    if table.signal and "event_date" in table.place:
        day = pl.col(_TIMES.get(name, "event_at")).dt.date()
        frames = [frame.with_columns(event_date=day).select(empty.columns) for frame in frames]
    return pl.concat([empty, *frames])


# What a day's digest is of.
_DIGESTED = {"spans": ("span_requests", "span_latency", "spans"), "logs": ("log_templates",)}


def partitions_of(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The days that the rollups and samples of `frames` are of, each with a digest of its own rows."""
    rows = pl.concat(
        frames[name].select(
            "source",
            "event_date",
            signal=pl.lit(signal),
            row=frames[name].select(~cs.nested()).hash_rows(),
        )
        for signal, tables in _DIGESTED.items()
        for name in tables
    )
    digest = pl.col("row").sort().implode().hash().cast(pl.String)
    return rows.group_by("source", "signal", "event_date").agg(digest=digest).select(PARTITIONS_SCHEMA.names())


def build(warehouse: Path, *extra: str, as_of: datetime = AS_OF, command: str = "build") -> list[str]:
    """`dbt build` (or `command`) in this process; the ids of what did not succeed."""
    os.environ["FEEDBACK_WAREHOUSE"] = str(warehouse)
    project = str(PROJECT / "dbt_project")
    variables = json.dumps({"run_id": "run-test", "as_of": as_of.isoformat()})
    words = f"--quiet {command} --project-dir {project} --profiles-dir {project}".split()
    words += ["--target-path", str(warehouse.parent / "dbt"), "--log-path", str(warehouse.parent / "logs")]
    try:
        result = dbtRunner().invoke([*words, "--vars", variables, *extra])
    finally:
        DuckDBConnectionManager.close_all_connections()  # dbt keeps the file open, and others out
    if result.exception:
        raise result.exception
    return [f"{r.node.unique_id}: {r.message}" for r in result.result if r.status not in ("success", "pass", "no-op")]


def company(folder: Path, scenario: Scenario, *, seed: int, days: int = 42) -> tuple[Path, Truth]:
    """A warehouse over a simulated company, and what was planted in it."""
    truth = simulate(scenario, seed=seed, end=LAST_DAY, days=days, out=folder / "inbox")
    warehouse = folder / "feedback.duckdb"
    fill_warehouse(warehouse, lake_of(folder / "inbox"))
    return warehouse, truth
