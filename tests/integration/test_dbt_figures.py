"""Rows by hand in, figures out: the marts say what the lake's rows mean, and say the same again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from orchestration.freshness import expected
from orchestration.lake import Lake
from orchestration.rollups.histogram import bucket_of, percentile_from_buckets
from orchestration.settings import PROJECT
from orchestration.stages.warehousing import LAKE_TABLES, drop_unmade, prepare_warehouse
from tests.integration.pain_point_world import partitions_of, relation

DAY = datetime(2026, 5, 4, tzinfo=UTC)
AS_OF = DAY + timedelta(days=3)
# 200 durations in nanoseconds over two days: 1, 2, ... 200 ms.
DURATIONS = pl.DataFrame({"duration_ns": [n * 1_000_000 for n in range(1, 201)]})
HISTOGRAM = DURATIONS.select(bucket=bucket_of(pl.col("duration_ns"))).group_by("bucket").len("span_count")


def at(**after):
    return DAY + timedelta(**after)


def frame_of(name, rows):
    schema = LAKE_TABLES[name].columns
    given = pl.DataFrame([{**dict.fromkeys(schema), "source": "system", **row} for row in rows], schema=schema)
    return relation(name, [given])


def spans(**own):
    base = {
        "period_start_at": DAY,
        "grain": "hour",
        "service": "cart",
        "operation": "get",
        "kind": "server",
        "error_count": 0,
    }
    return {**base, "origin_error_count": 0, "duration_ms": 0.0, "self_ms": 0.0, **own}


def met(account_id, **own):
    base = {"event_date": DAY.date(), "service": "cart", "operation": "get", "kind": "server", "span_count": 1}
    return {**base, "account_id": account_id, **own}


def logged(template_id, record_count, **own):
    base = {"minute_start_at": DAY, "service": "printer", "severity": "INFO", "template": "failed"}
    counts = {"record_count": record_count, "trace_count": 0, "failing_trace_count": 0}
    return {**base, "template_id": template_id, **counts, **own}


def template_day(template_id, record_count, **own):
    flags = {"is_new": False, "is_rising": False, "is_noise": False, "compared_days": 0}
    row = {**logged(template_id, record_count), "event_date": DAY.date(), "first_seen_on": DAY.date(), **flags, **own}
    return {name: value for name, value in row.items() if name != "minute_start_at"}


def kept(record_id, method, **own):
    base = {"event_at": DAY, "service": "cart", "kind": "server", "status": "ok", "duration_ns": 10**6, "weight": 1.0}
    attributes = [{"key": "http.request.method", "value": method}]
    return {**base, "record_id": record_id, "attributes": attributes, **own}


LAKE = {
    "spans": [kept("a", "GET"), kept("b", "PUT"), kept("c", "GET", event_at=at(days=1))],
    "span_requests": [
        spans(span_count=150, error_count=3),
        spans(span_count=50, error_count=2, period_start_at=at(days=1), kind="client"),
        spans(service="silent", kind="unspecified", span_count=4, error_count=1),
    ],
    "span_latency": [
        *(
            {**spans(measure="duration"), **row, "span_count": 3 * row["span_count"]}
            for row in HISTOGRAM.sort("bucket").iter_rows(named=True)
        ),
        {**spans(service="silent", kind="unspecified", measure="duration"), "bucket": 1280, "span_count": 4},
        # time without the children's: no part of these percentiles
        {**spans(measure="self"), "bucket": 1, "span_count": 5000},
    ],
    "span_account_days": [
        met("ada"),
        met("ada", operation="put"),
        met("ada", source="other"),
        met("bob", source="other"),
        met("ada", event_date=at(days=1).date()),
        met(None, service="silent"),
    ],
    "log_templates": [
        logged("a", 4, severity="ERROR"),
        logged("a", 3, severity="ERROR", minute_start_at=at(minutes=61)),
        logged("b", 2, template="took node_a"),
        logged("b", 1, template="took <*>", minute_start_at=at(days=1)),
    ],
    "log_template_days": [
        template_day("a", 7, severity="ERROR"),
        template_day("b", 2, template="took node_a", is_new=True),
        template_day("b", 1, template="took <*>", event_date=at(days=1).date(), is_noise=True),
    ],
    "tickets": [
        {"ticket_id": "1", "record_id": "1:a", "status": "new", "event_at": at(hours=1), "created_at": at(hours=1)},
        {"ticket_id": "1", "record_id": "1:b", "status": "solved", "event_at": at(hours=5), "created_at": at(hours=1)},
        {"ticket_id": "2", "record_id": "2:a", "status": "open", "event_at": at(hours=2), "created_at": at(hours=2)},
    ],
    "ticket_events": [
        {"ticket_id": "1", "record_id": "1:c", "event_type": "comment", "author_role": "agent", "is_public": True}
        | {"event_at": at(hours=1, minutes=45)},
    ],
    "deployments": [
        {"deployment_id": "d", "record_id": f"d:{status}", "status": status, "created_at": DAY, "service": "cart"}
        | {"event_at": at(minutes=minutes)}
        for minutes, status in ((0, "created"), (4, "success"), (2000, "inactive"))
    ],
    "incidents": [
        {"incident_id": "i", "record_id": f"i:{kind}", "entry_type": kind, "created_at": at(minutes=9)}
        | {"started_at": DAY, "service": "cart", "event_at": at(minutes=minutes)}
        for minutes, kind in ((9, "trigger"), (11, "acknowledge"), (40, "mitigate"), (69, "resolve"))
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("warehouse")


@pytest.fixture(scope="module")
def build(folder):
    """Builds the marts over the given rows; gives back a way to ask them."""

    def run(lake):
        warehouse = folder / "feedback.duckdb"
        prepare_warehouse(Lake(folder / "empty"), warehouse, AS_OF)
        with duckdb.connect(str(warehouse)) as connection:
            frames = {name: frame_of(name, lake.get(name, [])) for name in LAKE_TABLES}
            for name, frame in {**frames, "partitions": partitions_of(frames)}.items():
                connection.register("given", frame.to_arrow())
                connection.execute(f"drop {'table' if name == 'partitions' else 'view'} lake.{name}")
                connection.execute(f"create table lake.{name} as select * from given")
                connection.unregister("given")
        dbt_build(warehouse)
        return warehouse

    return run


def dbt_build(warehouse):
    project = str(PROJECT / "dbt_project")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FEEDBACK_WAREHOUSE", str(warehouse))
        words = ["--quiet", "build", "--project-dir", project, "--profiles-dir", project]
        words += ["--vars", json.dumps({"run_id": "run-1", "as_of": AS_OF.isoformat()})]
        words += ["--target-path", str(warehouse.parent / "dbt"), "--log-path", str(warehouse.parent / "dbt")]
        words += ["--exclude", "path:models/intermediate/pain_points+", "path:models/marts/pain_points+"]
        done = dbtRunner().invoke(words)
    DuckDBConnectionManager.close_all_connections()  # dbt would keep the file open as long as the process lives
    failed = [result.node.name for result in done.result or () if result.status in ("error", "fail")]
    assert (done.success, failed) == (True, []), done.exception


def everything(warehouse):
    """Rows of every mart, in an order of their own."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
        ).fetchall()
        return {name: connection.table(f"marts.{name}").pl().sort(pl.all()).rows() for (name,) in names}


@pytest.fixture(scope="module")
def built(build):
    return build(LAKE)


@pytest.fixture
def ask(built):
    def rows(sql):
        with duckdb.connect(str(built), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return rows


def test_percentiles_are_those_of_the_histogram_module(ask):
    found = ask("select p50_ms, p90_ms, p95_ms, p99_ms from marts.fct_service_health where service = 'cart'")
    expected = [percentile_from_buckets(HISTOGRAM, p) / 1e6 for p in (0.5, 0.9, 0.95, 0.99)]
    assert found[0] == pytest.approx(expected, rel=1e-12)
    # the true nearest-rank ones, at most 0.55 % off
    assert found[0] == pytest.approx([100, 180, 190, 198], rel=0.0055)


@pytest.mark.parametrize(
    ("service", "figures"),
    [
        ("cart", (200, 150, 5, 3, 0.02, 0, 0)),  # client spans are no requests
        ("silent", (4, 4, 1, 1, 0.25, 0, 0)),  # no span says its kind: each counts
        ("printer", (0, 0, 0, 0, None, 10, 7)),  # only logs
    ],
)
def test_requests_and_errors_are_counted(ask, service, figures):
    columns = "span_count, request_count, error_count, failed_request_count, error_ratio, log_count, error_log_count"
    assert ask(f"select {columns} from marts.fct_service_health where service = '{service}'") == [figures]


def test_minutes_of_log_lines_are_of_an_hour(ask):
    assert ask(
        "select hour(hour_start_at), minute(minute_start_at), record_count from staging.stg_lake__log_templates"
        " where template_id = 'a' order by 1"
    ) == [(0, 0, 4), (1, 1, 3)]


def test_a_template_is_called_what_it_has_become_on_every_day(ask):
    assert ask("select distinct template from staging.stg_lake__log_templates where template_id = 'b'") == [
        ("took <*>",)
    ]
    assert ask(
        "select day(event_date), template, record_count, template_kind from marts.fct_log_template_days"
        " where template_id = 'b' order by 1"
    ) == [(4, "took <*>", 2, "new"), (5, "took <*>", 1, "noise")]


ACTIVE = (
    "select service, day(event_date), active_account_count from marts.fct_friction_daily"
    " where active_account_count > 0 order by event_date"
)


def test_an_account_of_two_sources_is_one(ask):
    assert ask(ACTIVE) == [("cart", 4, 2), ("cart", 5, 1)]


def test_days_without_spans_have_no_row(ask):
    days = ask(
        "select cast(event_date as varchar), span_count from marts.fct_service_health_daily where service = 'cart'"
    )
    assert sorted(days)[:1] == [("2026-05-04", 150)]


def test_tickets_say_how_long_customers_waited(ask):
    columns = "ticket_id, is_open, first_response_minutes, resolution_minutes"
    assert ask(f"select {columns} from marts.fct_tickets order by ticket_id") == [
        ("1", False, 45, 240),
        ("2", True, None, None),
    ]


def test_ticket_volume_goes_on_to_the_as_of_time(ask):
    columns = "day(event_date), created_count, solved_count, backlog_count"
    assert ask(f"select {columns} from marts.fct_ticket_volume_daily order by event_date") == [
        (4, 2, 1, 1),
        (5, 0, 0, 1),
        (6, 0, 0, 1),
    ]


def test_a_deployment_keeps_its_first_success(ask):
    assert ask("select status, finished_at - created_at from marts.fct_deployments") == [
        ("success", timedelta(minutes=4))
    ]


def test_an_incident_has_four_durations(ask):
    names = ("detect", "acknowledge", "mitigate", "resolve")
    columns = ", ".join(f"time_to_{name}_minutes" for name in names)
    assert ask(f"select {columns} from marts.fct_incidents") == [(9, 2, 31, 60)]


def test_every_service_has_an_owner_and_every_row_its_origin(ask):
    assert ask("select owner_team from marts.dim_services where service = 'cart'") == [("payments",)]
    assert ask("select distinct run_id, as_of = '2026-05-07 00:00:00+00' from marts.dim_services") == [("run-1", True)]
    hashes = ask(
        "select distinct definition_hash from marts.dim_services union select definition_hash from marts.fct_tickets"
    )
    assert len(hashes) == 2


def test_building_again_changes_no_row(build, built):
    before = everything(built)
    assert everything(build(LAKE)) == before


def attributes_of(warehouse):
    columns = "day(event_date), attribute_value, request_count"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(f"select {columns} from marts.fct_request_attributes order by all").fetchall()


def test_a_day_that_changed_is_read_again_and_one_that_is_gone_leaves_nothing(build, folder):
    build(LAKE)
    first, second, silent = LAKE["span_requests"]
    assert attributes_of(folder / "feedback.duckdb") == [(4, "GET", 1.0), (4, "PUT", 1.0), (5, "GET", 1.0)]
    changed = {**LAKE, "span_requests": [{**first, "error_count": 30}, silent], "span_account_days": [met("eve")]}
    changed["spans"] = [kept("a", "GET"), kept("b", "GET")]
    assert second["period_start_at"].date() != first["period_start_at"].date()
    warehouse = build(changed)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select service, cast(event_date as varchar), span_count, error_count from marts.fct_service_health_daily"
        ).fetchall()
        active = connection.execute(ACTIVE).fetchall()
    assert sorted(found) == [("cart", "2026-05-04", 150, 30), ("silent", "2026-05-04", 4, 1)]
    assert active == [("cart", 4, 1)]
    assert attributes_of(warehouse) == [(4, "GET", 2.0)]


def test_every_day_is_read_again_where_other_spans_are_requests(build):
    client, consumer = ({"event_at": at(days=days), "kind": kind} for days, kind in ((0, "client"), (1, "consumer")))
    rows = [spans(span_count=1, service="bus", kind="client")]
    lake = {"span_requests": rows, "spans": [kept("a", "GET", service="bus", **client)]}
    assert attributes_of(build(lake)) == [(4, "GET", 1.0)]  # no kind says that it answers: each span counts
    rows = [*rows, spans(span_count=1, service="bus", kind="consumer", period_start_at=at(days=1))]
    lake = {"span_requests": rows, "spans": [*lake["spans"], kept("b", "PUT", service="bus", **consumer)]}
    assert attributes_of(build(lake)) == [(5, "PUT", 1.0)]


def relations_of(warehouse):
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return set(connection.execute("select table_schema, table_name from information_schema.tables").fetchall())


def test_what_no_model_makes_any_more_is_dropped(build):
    warehouse = build(LAKE)
    there = relations_of(warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table intermediate.int_former as select 1 as one")
        connection.execute("create view staging.stg_former as select * from intermediate.int_former")
    made = {(schema, name) for schema, name in there if schema != "lake"}
    assert drop_unmade(warehouse, made) == ["intermediate.int_former", "staging.stg_former"]
    assert relations_of(warehouse) == there
    assert drop_unmade(warehouse, made) == []


def test_an_empty_lake_builds(build, folder):
    rows = everything(build({}))
    filled = {name: len(found) for name, found in rows.items() if found and name[:4] != "dim_"}
    assert filled == {"fct_signal_freshness": len(expected())}  # what is to come is known before it does
