"""What each section of the report shows, computed from the marts; rows are dictionaries of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from orchestration.ledger import came_too_late
from orchestration.reporting.data import COST_COUNTS, MARTS, ReportData
from orchestration.reporting.sparklines import Line, line
from orchestration.reporting.waiting import median_wait
from orchestration.reporting.wording import changed

Row = dict[str, object]

# A page stays readable and below 2 MB: what does not fit is counted, and is whole in the published files.
CARDS, LISTED, PANELS, LINES, TREND_DAYS, PIECES = 10, 50, 12, 30, 60, 12
_ENDED = ("solved", "closed", "resolved", "deleted")
LEDGER_COUNTS = (
    "pulled", "malformed", "duplicates", "held", "quarantined", "discarded", "withheld", "checked", "sampled",
    "sampled_out",
)  # fmt: skip


@dataclass(frozen=True)
class Period:
    """The days the figures cover; null where there is no figure of any day."""

    first: date | None
    last: date | None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1 if self.first and self.last else 0


def period(data: ReportData) -> Period:
    """From the first to the last day with a request or a ticket."""
    dates = pl.concat([data.health_daily["event_date"], data.ticket_volume["event_date"]]).drop_nulls()
    days = sorted(dates.unique().to_list())
    return Period(days[0], days[-1]) if days else Period(None, None)


def pain_points(data: ReportData) -> list[Row]:
    """One row per pain point, by rank: its columns and daily values, a line for the table and one for its card."""
    days = {key[0]: frame for key, frame in data.pain_point_days.group_by("pain_point_id")}
    found: list[Row] = []
    has_before = data.pain_points["state_before"].count() > 0
    for point in data.pain_points.sort("rank").head(LISTED).iter_rows(named=True):
        of_point = days.get(point["pain_point_id"], data.pain_point_days.clear()).sort("event_date").tail(TREND_DAYS)
        values, baselines = of_point["value"].to_list(), of_point["baseline"].drop_nulls().to_list()
        baseline = baselines[-1] if baselines else None
        lines: dict[str, Line | None] = {
            "spark": line(values, 96, 24, baseline),
            "curve": line(values, 640, 120, baseline) if point["rank"] <= CARDS else None,
        }
        drawn = {"days": of_point.to_dicts(), "baseline": baseline, "unit": _first(of_point["unit"])}
        pieces = _evidence(data, str(point["pain_point_id"]))
        supported = {"evidence": pieces.head(PIECES).to_dicts(), "evidence_pieces": pieces.height}
        # On the first list everything is new.
        was = changed(point) if has_before else "first list"
        found.append({**point, **lines, **drawn, **supported, "peak": of_point["value"].max(), "changed": was})
    return found


def _evidence(data: ReportData, pain_point: str) -> pl.DataFrame:
    """What supports a pain point, its changes first; traces are for those who look into systems, not for this page."""
    of_point = data.evidence.filter(pl.col("pain_point_id") == pain_point, pl.col("evidence_kind") != "trace")
    return of_point.sort("evidence_role", "evidence_kind", "observed_count", descending=[False, False, True])


def services(data: ReportData) -> list[Row]:
    """One row per service: its figures over the whole period, its owner, and the trends of p95 and of errors."""
    owners = dict(data.services.select("service", "owner_team").iter_rows())
    days = {key[0]: frame.sort("event_date") for key, frame in recent(data.health_daily).group_by("service")}
    none = data.health_daily.clear()
    return [
        {
            **row,
            "owner_team": owners.get(row["service"]),
            "p95_line": line(days.get(row["service"], none)["p95_ms"].to_list(), 96, 24),
            "error_line": line(days.get(row["service"], none)["error_ratio"].to_list(), 96, 24),
        }
        for row in data.health.sort("service").iter_rows(named=True)
    ]


def recent(daily: pl.DataFrame) -> pl.DataFrame:
    """The last `TREND_DAYS` days of a frame with event_date."""
    last: object = daily["event_date"].max()
    return daily.filter(pl.col("event_date") > last - timedelta(days=TREND_DAYS)) if isinstance(last, date) else daily


def panels(data: ReportData) -> pl.DataFrame:
    """Recent daily health of the services with most requests, as many as the page has panels."""
    busiest = data.health.sort("request_count", descending=True, nulls_last=True).head(PANELS)["service"].implode()
    return recent(data.health_daily).filter(pl.col("service").is_in(busiest)).sort("service", "event_date")


def recent_changes(data: ReportData, as_of: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Deployments and incidents for the time line: recent, with a service, of as many services as it has lines."""
    since = as_of - timedelta(days=TREND_DAYS)
    deployments = data.deployments.filter(pl.col("created_at") >= since, pl.col("service").is_not_null())
    incidents = data.incidents.filter(
        pl.col("started_at").is_not_null(),
        pl.col("resolved_at").fill_null(as_of) >= since,
        pl.col("service").is_not_null(),
    )
    broken = incidents["service"].unique(maintain_order=True)
    changed = deployments["service"].value_counts(sort=True)["service"]
    shown = pl.concat([broken, changed]).unique(maintain_order=True).head(LINES).implode()
    is_shown = pl.col("service").is_in(shown)
    return deployments.filter(is_shown), incidents.filter(is_shown)


def latency_table(shown: pl.DataFrame) -> list[Row]:
    """The panels' figures as a table: one row per day, a column per service."""
    if shown.is_empty():
        return []
    return shown.pivot(on="service", index="event_date", values="p95_ms").sort("event_date").to_dicts()


def ticket_days(data: ReportData) -> pl.DataFrame:
    """Tickets of all services together; one row per recent day."""
    counts = pl.col("created_count", "solved_count", "backlog_count").sum()
    return recent(data.ticket_volume).group_by("event_date").agg(counts).sort("event_date")


def ticket_waits(tickets: pl.DataFrame, as_of: datetime) -> list[Row]:
    """All tickets, then one row per service: how many, how many still open, and typical waits (see `median_wait`)."""
    rows = [_waits("all services", tickets, as_of)] if tickets.height else []
    named = tickets.with_columns(pl.col("service").fill_null("not known"))
    return rows + [_waits(str(key[0]), frame, as_of) for key, frame in sorted(named.group_by("service"), key=_name)]


def _name(group: tuple[tuple[object, ...], pl.DataFrame]) -> str:
    return str(group[0][0])


def _waits(service: str, tickets: pl.DataFrame, as_of: datetime) -> Row:
    age = (pl.lit(as_of) - pl.col("created_at")).dt.total_minutes().cast(pl.Float64)
    timed = tickets.filter(pl.col("created_at").is_not_null()).select(
        "first_response_minutes",
        "resolution_minutes",
        # A ticket solved without an answer stopped waiting for one when it was solved.
        answer=pl.coalesce("first_response_minutes", "resolution_minutes", age),
        solution=pl.coalesce("resolution_minutes", age),
    )
    is_open = pl.col("resolution_minutes").is_null() & ~pl.col("status").str.to_lowercase().is_in(_ENDED)
    return {
        "service": service,
        "created": tickets.height,
        "still_open": tickets.filter(is_open).height,
        "answered": tickets["first_response_minutes"].count(),
        "solved": tickets["resolution_minutes"].count(),
        "first_response": _median(timed, "answer", "first_response_minutes"),
        "resolution": _median(timed, "solution", "resolution_minutes"),
    }


def _median(timed: pl.DataFrame, waited: str, served: str) -> float | None:
    return median_wait(timed.select(waited, pl.col(served).is_not_null().alias("was_served")).iter_rows())


def budgets(data: ReportData) -> list[Row]:
    """One row per objective and service: what is left of its budget, and the severities that fire; the worst first."""
    firing = data.burn_alerts.filter("is_firing").sort("severity", "long_minutes")
    by_objective = firing.group_by("slo", "service", maintain_order=True).agg(
        fires=pl.col("severity").unique(maintain_order=True)
    )
    joined = data.budgets.join(by_objective, on=["slo", "service"], how="left").sort(
        pl.col("fires").list.first(), "remaining_ratio", "slo", "service", nulls_last=True
    )
    return joined.head(LISTED).with_columns(pl.col("fires").fill_null([])).to_dicts()


def performance(data: ReportData) -> list[Row]:
    """DORA's measures of all services together, by the latest edition of their bands; none where nothing is known."""
    order = pl.Enum(["deployment_frequency", "lead_time", "change_failure_rate", "recovery_time"])
    together = data.performance.filter(pl.col("service") == "*", pl.col("edition") == pl.col("edition").max())
    if together.filter(pl.col("counted_count") > 0).is_empty():
        return []
    return together.sort(pl.col("metric").cast(order)).to_dicts()


def gate(data: ReportData) -> list[Row]:
    """One row per signal and expectation, what failed most first."""
    return (
        data.gate_results.group_by("signal", "expectation", "severity")
        .agg(
            pl.col("evaluated", "failed").sum(),
            pl.len().alias("days"),
            (~pl.col("is_passed")).sum().alias("days_failed"),
            pl.col("is_blocking").any(),
        )
        .sort("days_failed", "failed", "signal", "expectation", descending=[True, True, False, False])
        .to_dicts()
    )


def withheld_days(data: ReportData) -> list[Row]:
    """Days of which the gate let nothing pass."""
    return data.ledger.filter("is_withheld").sort("event_date").to_dicts()


def waived(data: ReportData) -> list[Row]:
    """One row per source, signal and waiver that let days in which failed: first and last of them and how many."""
    keys = ("source", "signal", "waiver", "expectation", "waiver_approved_by", "waiver_expires_at", "waiver_reason")
    return (
        data.gate_results.filter("is_waived")
        .group_by(keys)
        .agg(first_date=pl.col("event_date").min(), last_date=pl.col("event_date").max(), days=pl.len())
        .sort("first_date", "source", "signal", "waiver")
        .to_dicts()
    )


def ledger(data: ReportData) -> list[Row]:
    """One row per source and signal, then all together; null where no day has that count."""
    sums = [pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in LEDGER_COUNTS]
    balance = (
        pl.len().alias("days"),
        (~pl.col("is_balanced")).sum().alias("unbalanced"),
        (pl.col("is_balanced").is_null() & pl.col("pulled").is_not_null()).sum().alias("unjudged"),
    )
    by_signal = data.ledger.group_by("source", "signal").agg(*sums, *balance).sort("source", "signal")
    together = data.ledger.select(pl.lit("all").alias("source"), pl.lit("").alias("signal"), *sums, *balance)
    return [*by_signal.to_dicts(), *(together.to_dicts() if data.ledger.height else [])]


def too_late(data: ReportData) -> list[Row]:
    """One row per source and signal with records of closed days: how many, of how many days, from when on."""
    return (
        came_too_late(data.ledger)
        .group_by("source", "signal")
        .agg(
            records=pl.col("too_late").sum(),
            days=pl.len(),
            first_date=pl.col("event_date").min(),
            last_date=pl.col("event_date").max(),
        )
        .sort("source", "signal")
        .to_dicts()
    )


def costs(data: ReportData) -> list[Row]:
    """One row per source, signal and service, the biggest first, then all together; null where a day is not known."""
    figures = (*COST_COUNTS, "cost", "saved_cost")
    sums = [pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name) for name in figures]
    share = (pl.col("removed_bytes") / pl.col("raw_bytes")).alias("saved_ratio")
    place = ("source", "signal", "service")
    by_service = data.costs.group_by(place).agg(*sums, pl.col("currency").first()).with_columns(share)
    named = {"source": pl.lit("all"), "signal": pl.lit(""), "service": pl.lit("")}
    together = data.costs.select(*sums, pl.col("currency").first()).with_columns(share, **named)
    biggest = by_service.sort(
        "raw_bytes", "record_count", *place, descending=[True, True, *[False] * 3], nulls_last=True
    )
    return [*biggest.head(LISTED).to_dicts(), *(together.to_dicts() if data.costs.height else [])]


def definitions(data: ReportData) -> list[Row]:
    """One row per mart: how many rows of it are in this report, and by which definition they were computed."""
    return [
        {
            "mart": mart,
            "rows": getattr(data, name).height,
            "definition_hash": _first(getattr(data, name)["definition_hash"]),
        }
        for name, (mart, _) in MARTS.items()
    ]


def _first(values: pl.Series) -> object:
    known = values.drop_nulls()
    return known[0] if len(known) else None
