"""Figures of support say what plain Python makes of the same tickets, and what other programs made of real ones."""

from __future__ import annotations

import csv
import json
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from scipy.stats import CensoredData, ecdf

from governance.sampling import SAMPLED_SPANS_SCHEMA
from governance.signals import SIGNALS
from orchestration.rollups.schemas import REQUESTS_SCHEMA
from orchestration.rollups.themes import TEXT_THEMES_SCHEMA
from orchestration.serving.catalogue import load_catalogue
from orchestration.serving.metrics import Question, sql_of
from tests.integration.pain_point_world import build, fill_warehouse, lake_of

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
AS_OF = datetime(2026, 3, 22, 10, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLANS = {"account_a": "pro", "account_b": "free"}  # of account_c no span was kept
Row = dict[str, object]


def built(folder: Path, tables: Mapping[str, Sequence[pl.DataFrame]], as_of: datetime = AS_OF) -> Path:
    """The marts of support over these relations, data tests included."""
    warehouse = folder / "feedback.duckdb"
    fill_warehouse(warehouse, {name: list(frames) for name, frames in tables.items()})
    chosen = ("--select", "+path:models/marts/support", "--exclude-resource-type", "unit_test")
    assert build(warehouse, *chosen, "--indirect-selection", "cautious", as_of=as_of) == []
    return warehouse


def filled(schema: Mapping[str, pl.DataType], rows: Sequence[Row]) -> list[pl.DataFrame]:
    read = pl.Schema({"source": pl.String(), **schema})
    return [pl.DataFrame([{**dict.fromkeys(read), "source": "desk", **row} for row in rows], schema=read)]


def ask(warehouse: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set search_path = 'marts'")
        return connection.sql(sql).pl().to_dicts()


class Tickets:
    """Made-up tickets: when each was created, answered, solved and opened again, and how it was rated."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.tickets: list[Row] = []
        for number in range(60):
            created = FIRST + rng.randrange(20 * 24) * HOUR
            answered = created + rng.randrange(1, 40) * HOUR if rng.random() < 0.8 else None
            solved = created + rng.randrange(1, 200) * HOUR if rng.random() < 0.8 else None
            if number % 10 == 9:
                solved = created - 5 * HOUR  # before it was created
            again = solved + 3 * HOUR if solved and solved > created and rng.random() < 0.3 else None
            self.tickets.append(
                {
                    "ticket_id": str(number),
                    "service": rng.choice(["cart", "search"]),
                    "account_id": rng.choice([*PLANS, "account_c"]),
                    "created": created,
                    "answered": answered if answered and answered < AS_OF else None,
                    "solved": solved if solved and solved < AS_OF else None,
                    "again": again if again and again < AS_OF else None,
                    "rating": rng.choice(["good", "bad", "offered", None]),
                }
            )

    def tables(self) -> dict[str, list[pl.DataFrame]]:
        versions, events = [], []
        for one in self.tickets:
            own = {key: one[key] for key in ("ticket_id", "service", "account_id")} | {"created_at": one["created"]}
            own["attributes"] = [{"key": "satisfaction_rating.score", "value": one["rating"]}]
            states = [("new", one["created"]), ("solved", one["solved"]), ("open", one["again"])]
            known = [(status, at) for status, at in states if at is not None]
            for place, (status, at) in enumerate(sorted(known, key=lambda state: state[1])):  # type: ignore[arg-type,return-value]
                versions.append({**own, "record_id": f"{one['ticket_id']}:{place}", "status": status, "event_at": at})
            if one["answered"]:
                events.append(
                    {"record_id": f"e{one['ticket_id']}", "ticket_id": one["ticket_id"], "event_at": one["answered"]}
                    | {"event_type": "comment", "author_role": "agent", "is_public": True}
                )
        spans = [
            {"record_id": account, "account_id": account, "account_plan": plan, "event_at": FIRST, "weight": 1.0}
            | {"duration_ns": 1, "attributes": []}
            for account, plan in PLANS.items()
        ]
        requests = {"service": "cart", "operation": "get", "kind": "server", "span_count": 2, "error_count": 0}
        themes = [
            {"event_date": FIRST.date(), "signal": "tickets", "text_source": "desk", "document_id": one["ticket_id"]}
            | {"theme_id": f"id of {one['service']}", "theme": f"{one['service']} fails", "confidence": 0.5}
            for one in self.tickets
        ]
        return {
            "tickets": filled(SIGNALS["tickets"].schema, versions),
            "ticket_events": filled(SIGNALS["ticket_events"].schema, events),
            "spans": filled(SAMPLED_SPANS_SCHEMA, spans),
            "span_requests": filled(REQUESTS_SCHEMA, [{**requests, "period_start_at": FIRST, "grain": "hour"}]),
            "text_themes": [frame.with_columns(source=pl.lit("all")) for frame in filled(TEXT_THEMES_SCHEMA, themes)],
        }

    @staticmethod
    def is_open(one: Row) -> bool:
        # Solved before it was created, its last version is the one that created it.
        return one["solved"] is None or one["again"] is not None or one["solved"] < one["created"]  # type: ignore[operator]


@pytest.fixture(scope="module", params=[1, 2])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tickets, Path]:
    made = Tickets(request.param)
    return made, built(tmp_path_factory.mktemp("support"), made.tables())


def test_volume_is_counted_by_day_service_and_plan(world: tuple[Tickets, Path]) -> None:
    made, warehouse = world
    created: Counter[tuple[date, object, str]] = Counter()
    reopened: Counter[tuple[date, object, str]] = Counter()
    for one in made.tickets:
        where = (one["service"], PLANS.get(str(one["account_id"]), "unknown"))
        created[(one["created"].date(), *where)] += 1  # type: ignore[attr-defined]
        if one["again"]:
            reopened[(one["again"].date(), *where)] += 1  # type: ignore[attr-defined]
        if one["solved"] and one["solved"] < one["created"]:  # type: ignore[operator]
            reopened[(one["created"].date(), *where)] += 1  # type: ignore[attr-defined]
    rows = ask(warehouse, "select * from fct_ticket_volume_daily")
    keys = [(row["event_date"], row["service"], row["account_plan"]) for row in rows]
    assert {key: row["created_count"] for key, row in zip(keys, rows, strict=True) if row["created_count"]} == created
    assert {
        key: row["reopened_count"] for key, row in zip(keys, rows, strict=True) if row["reopened_count"]
    } == reopened
    days = {row["event_date"] for row in rows}
    assert len(days) == (AS_OF.date() - min(days)).days + 1


def test_waiting_is_a_percentile_in_which_open_tickets_are_censored(world: tuple[Tickets, Path]) -> None:
    made, warehouse = world
    catalogue = {metric.name: metric for metric in load_catalogue(warehouse.parent / "dbt" / "manifest.json")}
    for metric, end in (("first_response_median", "answered"), ("resolution_median", "solved")):
        declared = catalogue[metric]
        told = {"metric": metric, "dimensions": list(declared.dimensions), "time_column": declared.time}
        sql = sql_of({**told, "query": declared.query}, Question(metric, by=("service",)))
        for row in ask(warehouse, sql):
            mine = [one for one in made.tickets if one["service"] == row["service"]]
            ended, censored = [], []
            for one in mine:
                at, is_open = one[end], made.is_open(one)
                if at is not None and at >= one["created"] and not (end == "solved" and is_open):  # type: ignore[operator]
                    ended.append((at - one["created"]) / HOUR * 60)  # type: ignore[operator]
                elif is_open:
                    censored.append((AS_OF - one["created"]) / HOUR * 60)  # type: ignore[operator]
            curve = ecdf(CensoredData(uncensored=ended, right=censored)).sf
            after = [q for q, p in zip(curve.quantiles, curve.probabilities, strict=True) if p < 0.5 - 1e-9]
            at_half = [q for q, p in zip(curve.quantiles, curve.probabilities, strict=True) if p <= 0.5 + 1e-9]
            wanted = (at_half[0] + (after or at_half)[0]) / 2 if at_half else None
            assert row["value"] == (None if wanted is None else pytest.approx(wanted)), (metric, row["service"])


def test_every_ticket_has_its_plan_theme_rating_and_reopenings(world: tuple[Tickets, Path]) -> None:
    made, warehouse = world
    rows = {row["ticket_id"]: row for row in ask(warehouse, "select * from fct_tickets")}
    assert len(rows) == len(made.tickets)
    for one in made.tickets:
        row = rows[one["ticket_id"]]
        assert row["is_open"] == made.is_open(one)
        assert row["account_plan"] == PLANS.get(str(one["account_id"]), "unknown")
        assert row["theme"] == f"{one['service']} fails"
        assert row["is_satisfied"] == {"good": True, "bad": False}.get(str(one["rating"]))
        was_backwards = one["solved"] is not None and one["solved"] < one["created"]  # type: ignore[operator]
        assert row["reopened_count"] == int(one["again"] is not None or was_backwards)


def test_resolution_is_what_devlake_makes_of_the_same_issues(real_data: Path, tmp_path: Path) -> None:
    """Lead time is created to closed in whole minutes there (the floor); here it keeps its fraction."""
    folder = real_data / "telemetry" / "tickets" / "devlake_github"
    csv.field_size_limit(10**7)
    with (folder / "raw_tables" / "_raw_github_api_issues.csv").open() as file:
        answers = [json.loads(row["data"]) for row in csv.DictReader(file)]
    with (folder / "snapshot_tables" / "issues.csv").open() as file:
        issues = {row["id"].rsplit(":", 1)[-1]: row for row in csv.DictReader(file)}
    (tmp_path / "inbox" / "github").mkdir(parents=True)
    (tmp_path / "inbox" / "github" / "issues-1.json").write_text(json.dumps(answers))
    tickets = lake_of(tmp_path / "inbox")["tickets"]
    rows = ask(built(tmp_path, {"tickets": tickets}), "select * from fct_tickets")
    found = {str(row["ticket_id"]): row for row in rows}
    assert found.keys() == issues.keys()
    assert len(issues) == 26
    for key, theirs in issues.items():
        ours = found[key]
        assert ours["is_open"] == (theirs["status"] != "DONE")
        lead = ours["resolution_minutes"]
        assert ("" if lead is None else str(math.floor(lead))) == theirs["lead_time_minutes"]  # type: ignore[arg-type]
        assert ours["created_at"] == datetime.fromisoformat(theirs["created_date"])
