"""Invented marts: a small company with one problem of each kind, and what is unknown about it."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

import duckdb
import polars as pl
import pytest

from orchestration.reporting.data import MARTS, ReportData, read_report_data

AS_OF = datetime(2026, 11, 21, tzinfo=UTC)
LAST_DAY = date(2026, 11, 20)
DAYS = [LAST_DAY - timedelta(days=41 - n) for n in range(42)]
OWNERS = {
    "accounts": "identity", "billing": "payments", "cart": "payments", "catalog": "storefront", "checkout": "payments",
    "export": "insights", "frontend": "storefront", "notification": "fulfilment", "payment": "payments",
    "recommendation": "storefront", "search": "storefront", "shipping": "fulfilment",
}  # fmt: skip
ORIGIN = {"run_id": "5f1c09aa", "as_of": AS_OF, "definition_hash": "d41d8cd98f00"}
Row = Mapping[str, object]


def _point(rank: int, title: str, **fields: object) -> Row:
    service = str(fields.get("service", "checkout"))
    return {
        "rank": rank,
        "pain_point_id": f"pp-{rank}",
        "title": title,
        "reason": f"Rank {rank}: more accounts were touched, for longer, than by the {12 - rank} below it.",
        "problem_kind": "latency",
        "service": service,
        "owner_team": OWNERS.get(service, "platform"),
        "owner_email": f"{OWNERS.get(service, 'platform')}@example.com",
        "started_at": datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
        "status": "ongoing",
        "age_days": 18.6,
        "trend": "rising",
        "confidence": 0.97,
        "score": 100 / rank,
        "score_low": 90 / rank,
        "score_high": 111 / rank,
        "rank_best": rank,
        "rank_worst": rank + rank % 2,
        "rank_moved_by": "minutes_per_ticket" if rank % 2 else None,
        "rank_before": rank,
        "state": "open",
        "state_reason": "Nothing is planned",
        "state_before": "open",
        "no_budget_reason": "no_objective",
        "evidence_count": 4096 // rank,
        **fields,
    }


def _pain_points() -> list[Row]:
    ended = datetime(2026, 11, 12, tzinfo=UTC)
    return [
        _point(
            1, "Checkout is slow since deployment 4711: 312 accounts, 41 tickets, +380 ms at p95",
            operation="POST /checkout", deployment_id="4711", service_version="2.14.0", accounts=312, tickets=41,
            requests_affected=8120, minutes_lost=1432.5, p95_before_ms=210.0, p95_after_ms=590.0,
        ),
        _point(
            2, "Payment fails for every 12th request since incident PX-20", problem_kind="error", service="payment",
            incident_id="PX-20", operation="charge", accounts=144, tickets=23, requests_affected=1210,
            minutes_lost=402.0,
            error_ratio_before=0.002, error_ratio_after=0.083, status="resolved", ended_at=ended, trend="falling",
            age_days=9.0, fix_deployment_id="4730", is_fix_effective=True, state="verified", rank_before=1,
            state_reason="Deployment 4730 shipped on 2026-11-12 and helped", budget_burnt_ratio=0.4,
        ),
        _point(
            3, "Users write about exports that never finish", problem_kind="ticket", service="export", tickets=37,
            accounts=29, trend="steady", fix_deployment_id="4742", is_fix_effective=False, confidence=0.8,
            state_before=None, rank_before=None,
        ),
        _point(
            4, "Search logs 'index shard unavailable' far more often than before", problem_kind="log", service="search",
            accounts=18, trend="steady", fix_deployment_id="4750", age_days=0.4,
        ),
        *(_point(n, f"Catalog page {n} is slower than last month", service="catalog", accounts=20 - n, tickets=0,
                 minutes_lost=3.0, trend="steady", p95_before_ms=90.0, p95_after_ms=120.0) for n in range(5, 13)),
    ]  # fmt: skip


def _point_days() -> list[Row]:
    def value(rank: int, n: int) -> float:
        wave = 1 + 0.1 * math.sin(n * 1.7 + rank)
        return {1: (210 if n < 23 else 590) * wave, 2: (0.083 if 23 <= n < 32 else 0.002) * wave}.get(rank, 20 * wave)

    units = {1: ("ms", 210.0), 2: ("ratio", 0.002), 3: ("tickets", None)}
    rows = []
    for rank in range(1, 13):
        unit, baseline = units.get(rank, ("ms", 18.0))
        for n, day in enumerate(DAYS):
            missing = rank == 3 and n % 9 == 0
            figure = None if missing else value(rank, n)
            rows.append(
                {"pain_point_id": f"pp-{rank}", "event_date": day, "value": figure, "baseline": baseline, "unit": unit}
            )
    return rows


def _evidence() -> list[Row]:
    """Of a slow operation what shows it and what began it, more than a page has room for; a trace is not for it."""
    at = {"first_seen_at": datetime(2026, 11, 2, 9, tzinfo=UTC), "last_seen_at": AS_OF}
    piece = {"pain_point_id": "pp-1", "service": "checkout", "evidence_role": "symptom", **at}
    opened = {"pain_point_id": "pp-2", "service": "payment", "evidence_role": "symptom", **at, "last_seen_at": None}
    return [
        {**piece, "evidence_kind": "operation", "evidence_id": "5864", "evidence_name": "POST /checkout",
         "observed_count": 8120, "unit": "requests"},
        {**piece, "evidence_kind": "deployment", "evidence_id": "4711", "evidence_name": "2.14.0",
         "evidence_role": "cause"},
        *({**piece, "evidence_kind": "log_template", "evidence_id": f"t{n}", "evidence_name": f"step {n} took long",
           "observed_count": n, "unit": "records"} for n in range(1, 15)),
        {**piece, "evidence_kind": "trace", "evidence_id": "0d0c86c6", "evidence_name": "0d0c86c6"},
        {**opened, "evidence_kind": "incident", "evidence_id": "PX-20", "evidence_name": "PX-20"},
    ]  # fmt: skip


def _health(service: str, requests: int, p95: float, errors: float) -> Row:
    figures = {"span_count": requests * 2, "request_count": requests, "error_count": round(requests * 2 * errors)}
    return {"service": service, **figures, "error_ratio": errors, "p50_ms": p95 / 3, "p95_ms": p95, "p99_ms": p95 * 2.4}


def _health_daily() -> list[Row]:
    rows = []
    for place, service in enumerate(OWNERS):
        for n, day in enumerate(DAYS):
            p95 = 60 + 25 * place + 12 * math.sin(n / 3 + place) + (380 if service == "checkout" and n >= 23 else 0)
            burst = 0.08 if service == "payment" and 23 <= n < 32 else 0.003
            rows.append({**_health(service, 180 - 9 * place, p95, burst), "event_date": day})
    return rows


def _tickets() -> list[Row]:
    return [
        {
            "service": None if n % 11 == 0 else list(OWNERS)[n % 4 * 3],
            "created_at": AS_OF - timedelta(hours=5 * n + 1),
            "status": "open" if n % 7 == 0 else "solved",
            "first_response_minutes": None if n % 7 == 0 else 30.0 + 7 * (n % 40),
            "resolution_minutes": None if n % 7 == 0 else 400.0 + 31 * (n % 60),
        }
        for n in range(200)
    ]


def _ledger() -> list[Row]:
    rows = []
    for source, signal, records in (("otel", "spans", 2400), ("otel", "logs", 2300), ("zendesk", "tickets", 24)):
        for n, day in enumerate(DAYS):
            is_withheld = signal == "logs" and n == 30
            left = {"malformed": n % 3, "duplicates": 2, "held": n % 5 == 0}
            anonymized = records - sum(left.values())
            quarantined = 0 if is_withheld else n % 4
            checked = 0 if is_withheld else anonymized - quarantined
            kept = {} if signal == "tickets" else {"sampled": checked // 3, "sampled_out": checked - checked // 3}
            rows.append(
                {
                    "source": source, "signal": signal, "event_date": day, "pulled": records, **left,
                    "anonymized": anonymized, "quarantined": quarantined, "checked": checked, **kept,
                    "too_late": 3 if signal == "tickets" and n < 2 else None,
                    "withheld": anonymized if is_withheld else 0, "is_balanced": True, "is_withheld": is_withheld,
                }
            )  # fmt: skip
    return rows


def _costs() -> list[Row]:
    """A service whose last day is not sampled yet, one whose source does not say how many bytes, and the rest."""
    rows = []
    for n, day in enumerate(DAYS):
        for service in ("checkout", "search"):
            cost = {"cost": 0.03, "saved_cost": 0.02, "currency": "EUR"}
            counts = {"record_count": 1000, "kept_count": 250, "removed_count": 750}
            sizes = {"raw_bytes": 2_000_000, "kept_bytes": 500_000, "removed_bytes": 1_500_000}
            if service == "search" and n + 1 == len(DAYS):
                counts, sizes = {"record_count": 1000}, {"raw_bytes": 1_000_000}
            place = {"source": "otel", "signal": "spans", "service": service, "event_date": day}
            rows.append({**place, **counts, **sizes, **cost})
    return rows


def _gate_results() -> list[Row]:
    checks = {
        "spans": ("durations_are_not_negative", "trace_ids_are_present"),
        "logs": ("severity_is_known", "bodies_are_present"),
        "tickets": ("tickets_have_a_status",),
    }
    return [
        {
            "source": "zendesk" if signal == "tickets" else "otel", "signal": signal, "event_date": day,
            "expectation": name, "severity": "row", "evaluated": 2300, "failed": failed, "is_passed": failed == 0,
            "is_blocking": failed > 100,
        }
        for signal, names in checks.items() for position, name in enumerate(names) for n, day in enumerate(DAYS)
        for failed in [(900 if n == 30 and signal == "logs" else n % 4) if position == 0 and signal != "tickets" else 0]
    ]  # fmt: skip


def _changes() -> tuple[list[Row], list[Row]]:
    deployments = [
        {
            "deployment_id": str(4700 + n), "service": list(OWNERS)[n % 12], "service_version": f"2.{n}.0",
            "environment": "production", "created_at": AS_OF - timedelta(hours=20 * (50 - n) + 3),
            "finished_at": AS_OF - timedelta(hours=20 * (50 - n) + 2), "status": "failure" if n == 9 else "success",
        }
        for n in range(50)
    ]  # fmt: skip
    began = datetime(2026, 11, 3, 8, 12, tzinfo=UTC)
    times = dict(zip((f"time_to_{w}_minutes" for w in ("detect", "acknowledge", "mitigate", "resolve")),
                     (4.0, 9.5, 71.0, 13_000.0), strict=True))  # fmt: skip
    incidents = [
        {"incident_id": "PX-20", "title": "Payment errors", "service": "payment", "started_at": began,
         "resolved_at": began + timedelta(days=9), **times},
        {"incident_id": "PX-21", "title": "Search is degraded", "service": "search",
         "started_at": datetime(2026, 11, 19, 20, tzinfo=UTC), "time_to_detect_minutes": 12.0},
    ]  # fmt: skip
    return deployments, incidents


def _performance() -> list[Row]:
    """Of all services and of one; nothing recovered yet."""
    shared = {"weeks": 12, "until_date": LAST_DAY, "unknown_count": 0, "open_count": 0}
    measures = [
        {"metric": "deployment_frequency", "value": 2.5, "frequency": "weekly", "band": "high", "counted_count": 12},
        {"metric": "lead_time", "value": 1662.7, "band": "high", "counted_count": 61, "unknown_count": 4},
        {"metric": "change_failure_rate", "value": 0.0625, "band": "high", "counted_count": 48},
        {"metric": "recovery_time", "no_value_reason": "not_reached", "counted_count": 3, "open_count": 2},
    ]  # fmt: skip
    return [
        {**shared, **measure, "service": service, "edition": edition}
        for measure in reversed(measures)
        for service in ("cart", "*")
        for edition in (2021, 2023)
    ]


def _budgets() -> tuple[list[Row], list[Row]]:
    """A budget that is overspent and burns, one that is half left, and one of a service without requests."""
    shared = {"slo": "requests-succeed", "objective_ratio": 0.98, "period_days": 30, "evaluated_at": AS_OF}
    budgets = [
        {**shared, "service": "catalog", "owner_team": "storefront", "counted_count": 900, "bad_count": 9,
         "remaining_ratio": 0.5},
        {**shared, "service": "payment", "owner_team": "payments", "counted_count": 1000, "bad_count": 30,
         "remaining_ratio": -0.5},
        {**shared, "service": "printer", "counted_count": 0, "bad_count": 0, "no_figure_reason": "no_requests"},
    ]  # fmt: skip
    alerts = [
        {
            "slo": "requests-succeed",
            "service": service,
            "severity": severity,
            "long_minutes": minutes,
            "is_firing": fires,
        }
        for service, fires in (("payment", True), ("catalog", False), ("printer", None))
        for severity, minutes in (("page", 60), ("page", 360), ("ticket", 1440))
    ]
    return budgets, alerts


def _effects() -> list[Row]:
    """One that helped, one that did not, one too early, one that is overdue, and one about nothing that is found."""
    ended = datetime(2026, 11, 12, tzinfo=UTC)
    shipped = {"owner_team": "payments", "shipped_at": ended, "unit": "ratio", "days_before": 9, "days_after": 8}
    figures = {"value_before": 0.083, "value_after": 0.002, "change_low": -0.09, "change_high": -0.07}
    return [
        {**shipped, **figures, "initiative_id": "deployment-4730", "title": "Deployment 4730", "pain_point_id": "pp-2",
         "verdict": "improved"},
        {**shipped, **figures, "initiative_id": "deployment-4742", "title": "Deployment 4742", "pain_point_id": "pp-3",
         "verdict": "unchanged", "change_high": 0.01},
        {**shipped, "initiative_id": "deployment-4750", "title": "Deployment 4750", "pain_point_id": "pp-4",
         "verdict": "too early", "no_verdict_reason": "too_few_days_after"},
        {"initiative_id": "taxes", "title": "Taxes in one step", "owner_team": "payments", "pain_point_id": "pp-1",
         "due_on": LAST_DAY, "is_overdue": True, "no_verdict_reason": "not_shipped"},
        {"initiative_id": "lost", "title": "Lost", "owner_team": "platform", "no_verdict_reason": "no_pain_point"},
    ]  # fmt: skip


def _loop() -> list[Row]:
    """Decisions got faster; of what shipped half is verified; nobody knows when the oldest came onto the list."""
    step = {"step": "problem_to_decision", "target_days": 7.0}
    recent, earlier = AS_OF - timedelta(days=10), AS_OF - timedelta(days=60)
    return [
        {"step": "signal_to_problem", "target_days": 2.0, "begun_at": earlier, "no_time_reason": "older_than_records"},
        *({**step, "begun_at": recent, "days": days, "is_within_target": True} for days in (2.0, 3.0, 4.0)),
        {**step, "begun_at": recent, "open_days": 9.0, "is_within_target": False, "no_time_reason": "open"},
        *({**step, "begun_at": earlier, "days": days, "is_within_target": days <= 7} for days in (6.0, 8.0, 12.0)),
    ]


def rows_of_marts() -> dict[str, list[Row]]:
    """Rows by field of ReportData; a column that is left out is null."""
    deployments, incidents = _changes()
    budgets, alerts = _budgets()
    volume = [
        {"event_date": day, "created_count": 18 + n % 7, "solved_count": 16 + (n * 3) % 8, "backlog_count": 60 + n}
        for n, day in enumerate(DAYS)
    ]
    return {
        "pain_points": _pain_points(),
        "pain_point_days": _point_days(),
        "evidence": _evidence(),
        "effects": _effects(),
        "loop": _loop(),
        "services": [{"service": service, "owner_team": team} for service, team in OWNERS.items()],
        "health": [_health(service, 7560 - 378 * n, 60 + 25 * n, 0.003) for n, service in enumerate(OWNERS)],
        "health_daily": _health_daily(),
        "tickets": _tickets(),
        "ticket_volume": volume,
        "deployments": deployments,
        "incidents": incidents,
        "performance": _performance(),
        "budgets": budgets,
        "burn_alerts": alerts,
        "gate_results": _gate_results(),
        "ledger": _ledger(),
        "costs": _costs(),
    }


def write_marts(connection: duckdb.DuckDBPyConnection, rows: Mapping[str, list[Row]]) -> None:
    """Create the marts in a DuckDB with exactly the columns the report reads."""
    connection.execute("set timezone = 'UTC'")
    connection.execute("create schema marts")
    for name, (mart, columns) in MARTS.items():
        connection.execute(f"create table marts.{mart} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
        values = [{**dict.fromkeys(columns), **ORIGIN, **row} for row in rows.get(name, [])]
        if values:
            connection.register(
                "given", pl.DataFrame(values, infer_schema_length=None).select(list(columns)).to_arrow()
            )
            connection.execute(f"insert into marts.{mart} from given")
            connection.unregister("given")


@pytest.fixture(scope="session")
def as_of() -> datetime:
    return AS_OF


@pytest.fixture(scope="session")
def made() -> Callable[..., ReportData]:
    """Makes the data of a report; each mart can be given other rows."""

    def make(rows: Mapping[str, list[Row]]) -> ReportData:
        with duckdb.connect() as connection:
            write_marts(connection, rows)
            return read_report_data(connection)

    return make


@pytest.fixture(scope="session")
def data(made: Callable[..., ReportData]) -> ReportData:
    """The invented company."""
    return made(rows_of_marts())


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], object]:
    """A deployment whose warehouse holds the invented marts."""

    def make() -> object:
        from orchestration.settings import Home

        deployment = Home(tmp_path_factory.mktemp("home"))
        deployment.warehouse.parent.mkdir()
        with duckdb.connect(str(deployment.warehouse)) as connection:
            write_marts(connection, rows_of_marts())
        return deployment

    return make
