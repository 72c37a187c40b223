"""The report's charts as Vega-Lite specifications; each has a table of the same figures beside it.

Colours of text, axes and rules come from the page's style sheet, so that light, dark and print need no redrawing.
Series differ in shape or dash as well as in colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import altair as alt

# Vega-Lite's JSON, as altair writes it.
Spec = Mapping[str, object]

_BLUE, _ORANGE, _RED = "#4a7fd4", "#d9822b", "#d0454c"
_HEIGHT = 220
# A placeholder for altair; the rows are put in last, once.
_ROWS = "rows"


def latency_by_service(health_daily: pl.DataFrame, deployments: pl.DataFrame) -> Spec:
    """One small panel per service: p95 per day, deployments as dashed lines; the page sets the number of columns."""
    import altair as alt

    days = health_daily.select("service", "event_date", "p95_ms")
    services = days["service"].unique().to_list()
    shipped = deployments.filter(pl.col("service").is_in(services), pl.col("created_at").is_not_null()).select(
        "service", "deployment_id", pl.col("created_at").dt.date().alias("deployed_date")
    )
    first = days["event_date"].min()
    rows = _values(pl.concat([days, shipped.filter(pl.col("deployed_date") >= first)], how="diagonal"))
    base = alt.Chart(alt.NamedData(_ROWS))
    p95 = (
        base.transform_filter("datum.event_date != null")
        .mark_line(color=_BLUE, strokeWidth=1.8, interpolate="monotone")
        .encode(
            x=alt.X("event_date:T", axis=_days(3), scale=alt.Scale(type="utc")),
            y=alt.Y("p95_ms:Q", title=None, scale=alt.Scale(nice=3), axis=alt.Axis(tickCount=3, format="~s")),
        )
    )
    hover = p95.mark_circle(color=_BLUE, opacity=0.01, size=160).encode(
        tooltip=[_tip("service:N", "service"), _tip("event_date:T", "day"), _tip("p95_ms:Q", "p95, ms", ",.1f")]
    )
    ships = (
        base.transform_filter("datum.deployed_date != null")
        .mark_rule(color=_ORANGE, strokeDash=[3, 3], strokeWidth=1.2)
        .encode(
            x=alt.X("deployed_date:T", scale=alt.Scale(type="utc")),
            tooltip=[_tip("deployment_id:N", "deployment"), _tip("deployed_date:T", "on")],
        )
    )
    panel = alt.layer(ships, p95, hover).properties(width=200, height=90)
    faceted = panel.facet(
        facet=alt.Facet("service:N", title=None, header=alt.Header(labelFontWeight="bold", labelAnchor="start")),
        columns=3,
    ).resolve_scale(y="independent")
    faceted = faceted.properties(bounds="flush", spacing={"row": 50, "column": 44})
    return _spec(faceted, rows)


def ticket_volume(by_day: pl.DataFrame) -> Spec:
    """Tickets created per day as bars, solved as a line with points."""
    import altair as alt

    rows = _values(by_day.select("event_date", "created_count", "solved_count", "backlog_count"))
    # Both in the middle of their day, or the line would point at midnight.
    x = alt.X("event_date:T", timeUnit="utcyearmonthdate", bandPosition=0.5, axis=_days())
    tips = [
        _tip("event_date:T", "day"),
        _tip("created_count:Q", "created"),
        _tip("solved_count:Q", "solved"),
        _tip("backlog_count:Q", "open at the end of the day"),
    ]
    base = alt.Chart(alt.NamedData(_ROWS)).encode(x=x, tooltip=tips)
    created = base.mark_bar(color=_BLUE, opacity=0.75).encode(
        y=alt.Y("created_count:Q", title="tickets a day"),
    )
    solved = base.mark_line(color=_ORANGE, point={"shape": "diamond", "color": _ORANGE, "size": 40}).encode(
        y="solved_count:Q"
    )
    return _spec(alt.layer(created, solved).properties(width="container", height=_HEIGHT), rows)


def changes_and_incidents(deployments: pl.DataFrame, incidents: pl.DataFrame, as_of: datetime) -> Spec:
    """Per service on one time line: deployments as triangles, incidents as bars from start to end (or as-of)."""
    import altair as alt

    shipped = deployments.select("service", "deployment_id", "service_version", "status", at="created_at")
    broken = incidents.select(
        "service",
        "incident_id",
        begins="started_at",
        ends=pl.col("resolved_at").fill_null(as_of),
        state=pl.when(pl.col("resolved_at").is_null()).then(pl.lit("open")).otherwise(pl.lit("resolved")),
    )
    rows = _values(pl.concat([shipped, broken], how="diagonal").filter(pl.col("service").is_not_null()))
    y = alt.Y("service:N", title=None, axis=alt.Axis(grid=True, ticks=False, labelLimit=110, labelPadding=10))
    scale = alt.Scale(type="utc")
    base = alt.Chart(alt.NamedData(_ROWS)).encode(y=y)
    bars = (
        base.transform_filter("datum.begins != null")
        .mark_bar(color=_RED, height=9, minBandSize=3, cornerRadius=2, stroke=_RED, strokeWidth=2)
        .encode(
            x=alt.X("begins:T", axis=_days(), scale=scale),
            x2="ends:T",
            tooltip=[_tip("incident_id:N", "incident"), _time_tip("begins", "began"), _tip("state:N", "state")],
        )
    )
    ships = (
        base.transform_filter("datum.at != null")
        .mark_point(shape="triangle-up", filled=True, color=_BLUE, size=50, opacity=0.85)
        .encode(
            x=alt.X("at:T", axis=_days(), scale=scale),
            tooltip=[
                _tip("deployment_id:N", "deployment"),
                _tip("service_version:N", "version"),
                _time_tip("at", "at"),
                _tip("status:N", "status"),
            ],
        )
    )
    return _spec(alt.layer(bars, ships).properties(width="container", height={"step": 24}), rows)


def _days(ticks: int = 6) -> alt.Axis:
    import altair as alt

    return alt.Axis(format="%-d %b", labelOverlap=True, tickCount=ticks, grid=False, title=None)


def _tip(field: str, title: str, form: str | None = None) -> alt.Tooltip:
    import altair as alt

    if field.endswith(":T"):
        return alt.Tooltip(field, title=title, timeUnit="utcyearmonthdate", format="%Y-%m-%d")
    return alt.Tooltip(field, title=title, format=form) if form else alt.Tooltip(field, title=title)


def _time_tip(field: str, title: str) -> alt.Tooltip:
    import altair as alt

    return alt.Tooltip(
        f"{field}:T", title=f"{title} (UTC)", timeUnit="utcyearmonthdatehoursminutes", format="%d %b %H:%M"
    )


def _values(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Rows for Vega: nulls left out, so that a layer can tell whose row it is; times as ISO text with their zone."""
    text = frame.with_columns(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pl.col(pl.Date).dt.strftime("%Y-%m-%dT00:00:00Z")
    )
    return [
        {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in row.items()
            if value is not None
        }
        for row in text.to_dicts()
    ]


def _spec(chart: alt.LayerChart | alt.FacetChart, rows: list[dict[str, object]]) -> Spec:
    """The chart with its rows inside, and no colour of its own for text, axes or background."""
    spec: dict[str, object] = chart.to_dict(validate=True)
    for name in ("config", "datasets"):
        spec.pop(name, None)
    spec["data"] = {"values": rows}
    spec["background"] = None
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    if "facet" in spec:
        spec.pop("autosize")
    spec["config"] = {
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {"domain": False, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"},
        "header": {"labelFontSize": 12},
        "mark": {"tooltip": True},
    }
    return spec
