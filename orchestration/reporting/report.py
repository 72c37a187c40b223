"""The status report: one HTML page that needs nothing from outside and can be read without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from governance.policy import SHIPPED, config_file
from orchestration.desk.waivers import IN_FORCE, WAITS
from orchestration.reporting import charts, desk, loop, sections, wording
from orchestration.reporting.data import ReportData, read_report_data
from orchestration.reporting.headlines import headlines
from orchestration.reporting.scripts import chart_scripts

__all__ = ["ReportData", "build_desk_page", "build_report", "read_report_data"]

_NONE_FOUND = "no pain point was found in these days"
_NOT_SIGNED = "a steward has not signed them off yet"


def build_report(data: ReportData, as_of: datetime, kept_scripts: Path) -> str:
    """The page as HTML, below 2 MB; the same data and as-of time give the same page.

    Args:
        kept_scripts: the folder that what draws charts is kept in.
    """
    specs = _charts(data, as_of)
    scripts = [_file("status_report.js")]
    if specs:
        scripts.insert(0, Markup(chart_scripts(kept_scripts)))
    shown = sections.panels(data)
    return (
        _environment()
        .get_template("status_report.html.j2")
        .render(
            as_of=as_of,
            run_id=data.run_id,
            period=sections.period(data),
            headlines=headlines(data, as_of),
            waiting=data.waiting,
            no_pain_points=_NOT_SIGNED if data.is_unsigned("pain_points") else _NONE_FOUND,
            pain_points=sections.pain_points(data),
            pain_point_count=data.pain_points.height,
            cards=sections.CARDS,
            effects=loop.effects(data),
            steps=loop.steps(data, as_of),
            recent_days=loop.RECENT_DAYS,
            services=sections.services(data),
            latency=sections.latency_table(shown),
            ticket_waits=sections.ticket_waits(data.tickets, as_of),
            ticket_days=sections.ticket_days(data).to_dicts(),
            deployments=_newest(data.deployments.to_dicts(), "created_at"),
            incidents=_newest(data.incidents.to_dicts(), "started_at"),
            deployment_count=data.deployments.height,
            incident_count=data.incidents.height,
            performance=sections.performance(data),
            budgets=sections.budgets(data),
            budget_count=data.budgets.height,
            gate=sections.gate(data),
            withheld=sections.withheld_days(data),
            waived=sections.waived(data),
            ledger=sections.ledger(data),
            too_late=sections.too_late(data),
            ledger_counts=sections.LEDGER_COUNTS,
            costs=sections.costs(data),
            cost_count=data.costs.select("source", "signal", "service").n_unique(),
            definitions=sections.definitions(data),
            trend_days=sections.TREND_DAYS,
            panels=sections.PANELS,
            specs=specs,
            scripts=scripts,
            style=_file("status_report.css"),
            script_hashes=[_csp_hash(script) for script in scripts],
        )
    )


def build_desk_page(data: ReportData, waiting: desk.DeskData, as_of: datetime) -> str:
    """The steward's page as HTML, without any script."""
    return (
        _environment()
        .get_template("steward.html.j2")
        .render(
            as_of=as_of,
            run_id=data.run_id,
            tiles=_tiles(waiting),
            days=desk.history_days(data),
            history=desk.history(data),
            results=desk.RESULTS,
            quarantine=desk.quarantine(waiting.waiting),
            waivers=desk.waivers(waiting.waivers, as_of),
            held=waiting.held,
            reviews=waiting.reviews,
            decisions=desk.decided(waiting.decisions),
            decision_count=waiting.decision_count,
            unused=waiting.unused,
            unused_count=sum(map(len, (waiting.unused or {}).values())),
            style=_file("status_report.css"),
        )
    )


def _tiles(waiting: desk.DeskData) -> list[dict[str, object]]:
    """What waits, counted, each with its section."""
    states = [one.state for one in waiting.reviews]
    told = [one.state for one in waiting.waivers]
    counts = (
        ("quarantine", waiting.waiting.select("source", "signal", "day").n_unique(), "days with rows in quarantine"),
        ("waivers", told.count(WAITS), "waivers wait for approval"),
        ("waivers", told.count(IN_FORCE), "waivers in force"),
        ("sign-offs", sum(1 for one in waiting.held if one.since), "assets wait for sign-off"),
        ("reviews", states.count("overdue"), "reviews overdue"),
        ("reviews", states.count("due"), "reviews due"),
    )
    return [{"section": section, "count": count, "words": words} for section, count, words in counts]


def _charts(data: ReportData, as_of: datetime) -> dict[str, charts.Spec]:
    """The charts there is data for, by the name of their figure."""
    specs: dict[str, charts.Spec] = {}
    shown, days = sections.panels(data), sections.ticket_days(data)
    if shown.height:
        specs["latency"] = charts.latency_by_service(shown, data.deployments)
    if days.height:
        specs["tickets"] = charts.ticket_volume(days)
    deployments, incidents = sections.recent_changes(data, as_of)
    if deployments.height or incidents.height:
        specs["changes"] = charts.changes_and_incidents(deployments, incidents, as_of)
    return specs


def _newest(rows: list[dict[str, object]], at: str) -> list[dict[str, object]]:
    known = sorted((row for row in rows if row[at] is not None), key=lambda row: str(row[at]), reverse=True)
    return [*known, *(row for row in rows if row[at] is None)][: sections.LISTED]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([config_file("templates/status_report.html.j2").parent, SHIPPED / "templates"]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for write in (
        wording.number, wording.counted, wording.percent, wording.milliseconds, wording.duration, wording.age,
        wording.moment, wording.day, wording.measured, wording.trend, wording.ranks,
        wording.days, wording.verdict, wording.size, wording.money, wording.evidence, wording.role, wording.late,
    ):  # fmt: skip
        environment.filters[write.__name__] = write
    return environment


def _file(name: str) -> Markup:
    return Markup(config_file(f"templates/{name}").read_text(encoding="utf-8"))  # ours, no data in it


def _csp_hash(script: str) -> str:
    """What the page's content security policy allows to run: this text and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
