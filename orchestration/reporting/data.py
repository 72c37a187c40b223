"""What the report is made from: the columns of the marts it shows, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from governance.errors import FeedbackError
from orchestration.signing import Held

# Types are DuckDB's: a sum may come as HUGEINT or DECIMAL, which polars would not take for a count.
_COUNT, _FIGURE, _TEXT, _TIME, _DAY, _FLAG = "bigint", "double", "varchar", "timestamptz", "date", "boolean"
_ORIGIN = {"run_id": _TEXT, "as_of": _TIME, "definition_hash": _TEXT}
_HEALTH = {
    "span_count": _COUNT,
    "request_count": _COUNT,
    "error_count": _COUNT,
    "error_ratio": _FIGURE,
    "p50_ms": _FIGURE,
    "p95_ms": _FIGURE,
    "p99_ms": _FIGURE,
}
_LEDGER_COUNTS = (
    "pulled", "malformed", "duplicates", "held", "anonymized", "checked", "released", "quarantined", "discarded",
    "withheld", "sampled", "sampled_out", "too_late", "cut_error_traces", "cut_slow_traces",
)  # fmt: skip

COST_COUNTS = ("record_count", "kept_count", "removed_count", "raw_bytes", "kept_bytes", "removed_bytes")

# Field of ReportData -> its mart and columns.
MARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "pain_points": (
        "rpt_pain_points",
        {
            "rank": _COUNT,
            "pain_point_id": _TEXT,
            "title": _TEXT,
            "reason": _TEXT,
            "problem_kind": _TEXT,
            "service": _TEXT,
            "operation": _TEXT,
            "deployment_id": _TEXT,
            "service_version": _TEXT,
            "incident_id": _TEXT,
            "owner_team": _TEXT,
            "owner_email": _TEXT,
            "started_at": _TIME,
            "ended_at": _TIME,
            "status": _TEXT,
            "age_days": _FIGURE,
            "accounts": _COUNT,
            "requests_affected": _COUNT,
            "tickets": _COUNT,
            "minutes_lost": _FIGURE,
            "p95_before_ms": _FIGURE,
            "p95_after_ms": _FIGURE,
            "error_ratio_before": _FIGURE,
            "error_ratio_after": _FIGURE,
            "budget_burnt_ratio": _FIGURE,
            "no_budget_reason": _TEXT,
            "money_lost": _FIGURE,
            "currency": _TEXT,
            "confidence": _FIGURE,
            "score": _FIGURE,
            "score_low": _FIGURE,
            "score_high": _FIGURE,
            "rank_best": _COUNT,
            "rank_worst": _COUNT,
            "rank_moved_by": _TEXT,
            "rank_before": _COUNT,
            "state": _TEXT,
            "state_reason": _TEXT,
            "state_before": _TEXT,
            "trend": _TEXT,
            "fix_deployment_id": _TEXT,
            "is_fix_effective": _FLAG,
            "evidence_count": _COUNT,
            **_ORIGIN,
        },
    ),
    "pain_point_days": (
        "rpt_pain_point_days",
        {"pain_point_id": _TEXT, "event_date": _DAY, "value": _FIGURE, "baseline": _FIGURE, "unit": _TEXT, **_ORIGIN},
    ),
    "evidence": (
        "fct_pain_point_evidence",
        {
            "pain_point_id": _TEXT,
            "evidence_role": _TEXT,
            "evidence_kind": _TEXT,
            "service": _TEXT,
            "evidence_id": _TEXT,
            "evidence_name": _TEXT,
            "observed_count": _COUNT,
            "unit": _TEXT,
            "first_seen_at": _TIME,
            "last_seen_at": _TIME,
            **_ORIGIN,
        },
    ),
    "effects": (
        "fct_initiative_effects",
        {
            "initiative_id": _TEXT,
            "pain_point_id": _TEXT,
            "title": _TEXT,
            "owner_team": _TEXT,
            "due_on": _DAY,
            "is_overdue": _FLAG,
            "shipped_at": _TIME,
            "unit": _TEXT,
            "days_before": _COUNT,
            "days_after": _COUNT,
            "value_before": _FIGURE,
            "value_after": _FIGURE,
            "change_low": _FIGURE,
            "change_high": _FIGURE,
            "verdict": _TEXT,
            "no_verdict_reason": _TEXT,
            **_ORIGIN,
        },
    ),
    "loop": (
        "fct_loop_times",
        {
            "pain_point_id": _TEXT,
            "step": _TEXT,
            "begun_at": _TIME,
            "days": _FIGURE,
            "open_days": _FIGURE,
            "target_days": _FIGURE,
            "is_within_target": _FLAG,
            "no_time_reason": _TEXT,
            **_ORIGIN,
        },
    ),
    "services": ("dim_services", {"service": _TEXT, "owner_team": _TEXT, **_ORIGIN}),
    "health": ("fct_service_health", {"service": _TEXT, **_HEALTH, **_ORIGIN}),
    "health_daily": ("fct_service_health_daily", {"service": _TEXT, "event_date": _DAY, **_HEALTH, **_ORIGIN}),
    "tickets": (
        "fct_tickets",
        {
            "service": _TEXT,
            "created_at": _TIME,
            "status": _TEXT,
            "first_response_minutes": _FIGURE,
            "resolution_minutes": _FIGURE,
            **_ORIGIN,
        },
    ),
    "ticket_volume": (
        "fct_ticket_volume_daily",
        {"event_date": _DAY, "created_count": _COUNT, "solved_count": _COUNT, "backlog_count": _COUNT, **_ORIGIN},
    ),
    "deployments": (
        "fct_deployments",
        {
            "deployment_id": _TEXT,
            "service": _TEXT,
            "service_version": _TEXT,
            "environment": _TEXT,
            "created_at": _TIME,
            "finished_at": _TIME,
            "status": _TEXT,
            **_ORIGIN,
        },
    ),
    "incidents": (
        "fct_incidents",
        {
            "incident_id": _TEXT,
            "title": _TEXT,
            "service": _TEXT,
            "deployment_id": _TEXT,
            "started_at": _TIME,
            "resolved_at": _TIME,
            "time_to_detect_minutes": _FIGURE,
            "time_to_acknowledge_minutes": _FIGURE,
            "time_to_mitigate_minutes": _FIGURE,
            "time_to_resolve_minutes": _FIGURE,
            **_ORIGIN,
        },
    ),
    "performance": (
        "rpt_delivery_performance",
        {
            "service": _TEXT,
            "metric": _TEXT,
            "edition": _COUNT,
            "value": _FIGURE,
            "frequency": _TEXT,
            "band": _TEXT,
            "counted_count": _COUNT,
            "unknown_count": _COUNT,
            "open_count": _COUNT,
            "no_value_reason": _TEXT,
            "weeks": _COUNT,
            "until_date": _DAY,
            **_ORIGIN,
        },
    ),
    "budgets": (
        "fct_slo_budgets",
        {
            "slo": _TEXT,
            "service": _TEXT,
            "owner_team": _TEXT,
            "objective_ratio": _FIGURE,
            "period_days": _COUNT,
            "evaluated_at": _TIME,
            "counted_count": _COUNT,
            "bad_count": _COUNT,
            "remaining_ratio": _FIGURE,
            "no_figure_reason": _TEXT,
            **_ORIGIN,
        },
    ),
    "burn_alerts": (
        "fct_slo_burn_alerts",
        {"slo": _TEXT, "service": _TEXT, "severity": _TEXT, "long_minutes": _COUNT, "is_firing": _FLAG, **_ORIGIN},
    ),
    "gate_results": (
        "fct_gate_results",
        {
            "source": _TEXT,
            "signal": _TEXT,
            "event_date": _DAY,
            "expectation": _TEXT,
            "severity": _TEXT,
            "evaluated": _COUNT,
            "failed": _COUNT,
            "is_passed": _FLAG,
            "is_blocking": _FLAG,
            "is_waived": _FLAG,
            "waiver": _COUNT,
            "waiver_expires_at": _TIME,
            "waiver_approved_by": _TEXT,
            "waiver_reason": _TEXT,
            **_ORIGIN,
        },
    ),
    "ledger": (
        "fct_ledger",
        {
            "source": _TEXT,
            "signal": _TEXT,
            "event_date": _DAY,
            **dict.fromkeys(_LEDGER_COUNTS, _COUNT),
            "is_balanced": _FLAG,
            "is_withheld": _FLAG,
            **_ORIGIN,
        },
    ),
    "costs": (
        "fct_collection_costs",
        {
            "source": _TEXT,
            "signal": _TEXT,
            "service": _TEXT,
            "event_date": _DAY,
            **dict.fromkeys(COST_COUNTS, _COUNT),
            "cost": _FIGURE,
            "saved_cost": _FIGURE,
            "currency": _TEXT,
            **_ORIGIN,
        },
    ),
}


@dataclass(frozen=True)
class ReportData:
    """One frame per mart, with the columns `MARTS` names; times are UTC."""

    pain_points: pl.DataFrame
    pain_point_days: pl.DataFrame
    evidence: pl.DataFrame
    effects: pl.DataFrame
    loop: pl.DataFrame
    services: pl.DataFrame
    health: pl.DataFrame
    health_daily: pl.DataFrame
    tickets: pl.DataFrame
    ticket_volume: pl.DataFrame
    deployments: pl.DataFrame
    incidents: pl.DataFrame
    performance: pl.DataFrame
    budgets: pl.DataFrame
    burn_alerts: pl.DataFrame
    gate_results: pl.DataFrame
    ledger: pl.DataFrame
    costs: pl.DataFrame
    held: Sequence[Held] = ()

    @property
    def waiting(self) -> list[Held]:
        """What is shown as it was signed off last, while newer rows wait."""
        shown = {f"marts.{mart}" for mart, _ in MARTS.values()}
        return [one for one in self.held if one.since and one.relation in shown]

    def is_unsigned(self, name: str) -> bool:
        """Whether a frame is empty because what it is read from was never signed off."""
        return any(one.signed is None and one.relation == f"marts.{MARTS[name][0]}" for one in self.held)

    @property
    def run_id(self) -> str | None:
        """The run that made the marts; null where all of them are empty."""
        for name in MARTS:
            frame: pl.DataFrame = getattr(self, name)
            if frame.height:
                return str(frame["run_id"][0])
        return None


def read_report_data(connection: duckdb.DuckDBPyConnection, held: Sequence[Held] = ()) -> ReportData:
    """The marts as they are in the warehouse, ordered; sets the connection's time zone to UTC.

    Args:
        held: what needs a sign-off: shown as it was signed last.

    Raises:
        FeedbackError: a mart or a column is missing.
    """
    connection.execute("set timezone = 'UTC'")
    signs = {one.relation: one for one in held}
    frames = {
        name: _read(connection, mart, columns, signs.get(f"marts.{mart}")) for name, (mart, columns) in MARTS.items()
    }
    return ReportData(**frames, held=held)


def _read(
    connection: duckdb.DuckDBPyConnection, mart: str, columns: Mapping[str, str], held: Held | None
) -> pl.DataFrame:
    selected = ", ".join(f'cast("{column}" as {kind}) as "{column}"' for column, kind in columns.items())
    try:
        source = held.source(columns) if held else f"marts.{mart}"
        return connection.execute(f"select {selected} from {source} order by all").pl()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise FeedbackError(
            f"report: marts.{mart} is not as the report needs it ({str(error).splitlines()[0]}); run `feedback run`"
        ) from None
