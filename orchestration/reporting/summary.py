"""The last screen of `feedback run`: the worst pain points, what became of every record, what the gate said, and what next.

Readable at 100 columns, and the same words where the output is no terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from governance.errors import FeedbackError
from orchestration.reporting import sections
from orchestration.reporting.data import ReportData, read_report_data
from orchestration.reporting.sparklines import blocks
from orchestration.reporting.wording import age, counted, fix, number, trend
from orchestration.settings import Home

_WORST = 5
_SPARK_WIDTH = 12
_QUERY = 'feedback query "select rank, title, owner_team from rpt_pain_points order by rank" --role analyst'
_LOOKS = {"title_justify": "left", "title_style": "bold", "box": SIMPLE_HEAD, "pad_edge": False}
_LEDGER_HEADINGS: Mapping[str, str] = {
    "pulled": "read", "malformed": "unreadable", "duplicates": "seen before", "held": "held",
    "quarantined": "quarantine", "withheld": "withheld", "checked": "counted", "sampled": "kept as evidence",
}  # fmt: skip


def show_summary(console: Console, deployment: Home, next_command: str = "feedback ui") -> None:
    """Print the screen from the deployment's warehouse.

    Raises:
        FeedbackError: there is no warehouse yet, or a mart is missing in it.
    """
    if not deployment.warehouse.is_file():
        raise FeedbackError(f"{deployment.warehouse}: no warehouse yet; run `feedback run` first")
    with duckdb.connect(str(deployment.warehouse), read_only=True) as connection:
        data = read_report_data(connection)
    report = deployment.reports / "status.html"
    steps = [*([f"open {report}"] if report.is_file() else []), _QUERY, next_command]
    console.print(summary(data, steps))


def summary(data: ReportData, next_commands: list[str]) -> RenderableType:
    """The screen; the last line of `next_commands` is its last line."""
    return Group(
        Text(),
        *_pain_points(data),
        Text(),
        *_records(data),
        Text(),
        *_gate(data),
        Text(),
        Text("Next", style="bold"),
        # Never cut or wrapped by rich: they are there to be copied.
        *(Text(f"  {command}", no_wrap=True, overflow="ignore") for command in next_commands),
    )


def _pain_points(data: ReportData) -> Iterator[RenderableType]:
    points = sections.pain_points(data)
    if not points:
        yield Text("No pain point found: either nothing hurts, or there is not enough data yet to see it.", style="bold")
        return
    table = Table(title=f"The worst of {counted(len(points), 'pain point')}", **_LOOKS)
    table.add_column("", justify="right", style="bold")
    table.add_column("what hurts, and why it ranks here", ratio=1, overflow="fold")
    table.add_column("owner", overflow="fold")
    table.add_column("evidence", justify="right")
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("trend", no_wrap=True)
    for point in points[:_WORST]:
        table.add_row(*_point(point))
    yield table


def _point(point: sections.Row) -> Iterator[RenderableType]:
    fields = {name: value for name, value in point.items() if isinstance(value, str | int | float)}
    yield Text(str(point["rank"]))
    what = Text(str(fields.get("title", "")), style="bold")
    what.append(f"\n{fields.get('reason', '')}", style="not bold dim")
    if point["fix_deployment_id"]:
        verdict = point["is_fix_effective"]
        what.append(f"\n{fix(str(point['fix_deployment_id']), verdict if isinstance(verdict, bool) else None)}")
    yield what
    yield Text(str(fields.get("owner_team", "")))
    counts = (("accounts", "account"), ("tickets", "ticket"), ("evidence_count", "record"))
    known = [counted(value, word) for name, word in counts if isinstance(value := fields.get(name), int) and value]
    yield Text("\n".join(known) or "no data")
    days = point["age_days"]
    ended = "" if point["status"] == "ongoing" else f"\n{point['status']}"
    yield Text(age(days if isinstance(days, float) else None) + ended)
    yield Text(f"{trend(str(point['trend']))}\n{_spark(point['days'])}")


def _spark(days: object) -> str:
    values = [day["value"] for day in days] if isinstance(days, list) else []
    return blocks(values, _SPARK_WIDTH)


def _records(data: ReportData) -> Iterator[RenderableType]:
    rows = sections.ledger(data)
    if not rows:
        yield Text("No record has been read yet.", style="bold")
        return
    table = Table(title="What became of every record", **_LOOKS)
    table.add_column("source")
    for heading in _LEDGER_HEADINGS.values():
        table.add_column(heading, justify="right")
    table.add_column("adds up")
    for row in rows:
        is_total = row is rows[-1]
        name = "all" if is_total else f"{row['source']} {row['signal']}"
        table.add_row(name, *_counts(row), _balance(row), style="bold" if is_total else "")
    yield table


def _counts(row: sections.Row) -> Iterator[str]:
    for name in _LEDGER_HEADINGS:
        value = row[name]
        # Null means that no day got as far, or that the signal is never sampled: not a count of nothing.
        yield number(value) if isinstance(value, int) else "-"


def _balance(row: sections.Row) -> Text:
    if row["unbalanced"]:
        return Text(f"NO: {row['unbalanced']} days", style="bold red")
    return Text("not judged", style="dim") if row["unjudged"] else Text("yes", style="green")


def _gate(data: ReportData) -> Iterator[RenderableType]:
    checks = sections.gate(data)
    if not checks:
        yield Text("Gate: no day judged yet.")
        return
    failed = [check for check in checks if check["days_failed"]]
    judged = data.gate_results.select(pl.col("evaluated").sum()).item()
    yield Text(f"Gate: {len(checks) - len(failed)} of {counted(len(checks), 'expectation')} met on every day", style="bold")
    yield Text(f"  {counted(judged, 'check')} of single rows or days", style="dim")
    for check in failed[:_WORST]:
        name = str(check["expectation"]).replace("_", " ")
        days = f"{check['days_failed']} of {check['days']} days"
        yield Text(f"  {check['signal']}: {name} failed for {check['failed']:,} of {check['evaluated']:,} rows ({days})")
    if len(failed) > _WORST:
        yield Text(f"  and {len(failed) - _WORST} more in the report")
    for row in sections.withheld_days(data)[:_WORST]:
        yield Text(f"  withheld: {row['source']} {row['signal']} {row['event_date']}", style="bold red")
