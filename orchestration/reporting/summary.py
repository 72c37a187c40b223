"""The last screen of `feedback run`: the worst pain points, what became of every record, the gate, and what next.

Readable at 100 columns, and the same words where the output is no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from unicodedata import category

import duckdb
import polars as pl
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from governance.errors import FeedbackError
from orchestration.lake import Lake
from orchestration.ledger import cut_traces
from orchestration.reporting import sections
from orchestration.reporting.data import ReportData, read_report_data
from orchestration.reporting.sparklines import blocks
from orchestration.reporting.wording import age, counted, late, moment, number, trend
from orchestration.settings import Home
from orchestration.signing import held_assets

_WORST = 5
_SPARK_WIDTH = 12
_QUERY = 'feedback query "select rank, title, owner_team from rpt_pain_points order by rank" --role analyst'
_LEDGER_HEADINGS: Mapping[str, str] = {
    "pulled": "read", "malformed": "unreadable", "duplicates": "repeated", "held": "held",
    "quarantined": "quarantine", "discarded": "discarded", "withheld": "withheld", "checked": "counted",
    "sampled": "kept",
}  # fmt: skip


def show_summary(console: Console, deployment: Home, next_command: str = "feedback ui") -> None:
    """Print the screen from the deployment's warehouse.

    Raises:
        FeedbackError: there is no warehouse yet, or a mart is missing in it.
    """
    if not deployment.warehouse.is_file():
        raise FeedbackError(f"{deployment.warehouse}: no warehouse yet; run `feedback run` first")
    with duckdb.connect(str(deployment.warehouse), read_only=True) as connection:
        data = read_report_data(connection, held_assets(Lake(deployment.lake)))
    report = deployment.reports / "status.html"
    steps = [*([f"the report: {report}"] if report.is_file() else []), _QUERY, next_command]
    console.print(summary(data, steps), crop=False)


def summary(data: ReportData, next_steps: Sequence[str]) -> RenderableType:
    """The screen; it ends with `next_steps`, one a line, which print whole where the console does not crop."""
    records = (*_records(data), *_too_late(data), *_cut_traces(data))
    parts = [part for found in (_pain_points(data), records, _gate(data)) for part in (Text(), *found)]
    for one in data.waiting:
        shown = "what was signed last is shown" if one.signed else "nothing of it is shown"
        told = f"{one.asset} waits for sign-off since {moment(one.since)}; {shown} (feedback sign-off list)"
        parts += [Text(), Text(told, style="bold yellow")]
    steps = [Text(f"  {step}", no_wrap=True, overflow="ignore") for step in next_steps]  # whole: they are to be copied
    return Group(*parts, Text(), Text("Next", style="bold"), *steps)


def _shown(text: object) -> str:
    """Text of a record without control signs: a terminal would obey them (rich lets ESC pass)."""
    return "".join("\N{REPLACEMENT CHARACTER}" if category(sign) == "Cc" else sign for sign in str(text or ""))


def _table(title: str, *, gap: int) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, gap), pad_edge=False
    )


def _pain_points(data: ReportData) -> Iterator[RenderableType]:
    points = sections.pain_points(data)
    if data.is_unsigned("pain_points"):
        yield Text("The pain points wait for a steward's sign-off.", style="bold")
        return
    if not points:
        yield Text(
            "No pain point found: either nothing hurts, or there is not enough data yet to see it.", style="bold"
        )
        return
    table = _table(f"The worst of {counted(data.pain_points.height, 'pain point')}", gap=1)
    table.add_column("", justify="right", style="bold")
    table.add_column("what hurts, and why it ranks here", ratio=1, overflow="fold")
    table.add_column("owner", overflow="fold")
    table.add_column("evidence", justify="right")
    table.add_column("state, age", justify="right", no_wrap=True)
    table.add_column("trend", no_wrap=True)
    for point in points[:_WORST]:
        table.add_row(*_point(point))
    yield table


def _point(point: sections.Row) -> Iterator[RenderableType]:
    fields = {name: value for name, value in point.items() if isinstance(value, str | int | float)}
    yield Text(str(point["rank"]))
    what = Text(_printable(fields.get("title", "")), style="bold")
    what.append(f"\n{_printable(fields.get('reason', ''))}", style="not bold dim")
    what.append(f"\n{_printable(fields.get('state_reason', ''))}; {fields['changed']}.", style="not bold")
    yield what
    yield Text(_shown(fields.get("owner_team")))
    counts = (("accounts", "account"), ("tickets", "ticket"), ("evidence_count", "record"))
    known = [counted(value, word) for name, word in counts if isinstance(value := fields.get(name), int) and value]
    yield Text("\n".join(known) or "no data")
    days = point["age_days"]
    ended = "" if point["status"] == "ongoing" else f"\n{point['status']}"
    told = Text(_printable(fields.get("state", "")), style="bold")
    told.append(f"\n{age(days if isinstance(days, float) else None)}{ended}", style="not bold")
    yield told
    yield Text(f"{trend(str(point['trend']))}\n{_spark(point['days'])}")


def _printable(value: object) -> str:
    """Text of a record: a terminal must show its control signs, not obey them."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in str(value))


def _spark(days: object) -> str:
    values = [day["value"] for day in days] if isinstance(days, list) else []
    return blocks(values, _SPARK_WIDTH)


def _records(data: ReportData) -> Iterator[RenderableType]:
    rows = sections.ledger(data)
    if not rows:
        yield Text("No record has been read yet.", style="bold")
        return
    # A column that few deployments need is one too many for a narrow screen.
    shown = [name for name in _LEDGER_HEADINGS if name != "discarded" or rows[-1][name]]
    table = _table("What became of every record", gap=0)
    table.add_column("source", overflow="fold")
    for name in shown:
        table.add_column(_LEDGER_HEADINGS[name], justify="right")
    table.add_column("adds up")
    for row in rows:
        is_total = row is rows[-1]
        name = "all" if is_total else f"{row['source']} {row['signal']}"
        table.add_row(name, *_counts(row, shown), _balance(row), style="bold" if is_total else "")
    yield table


def _too_late(data: ReportData) -> Iterator[RenderableType]:
    if not (rows := sections.too_late(data)):
        return
    yield Text("Not in it, as their day was closed when they came (its raw data had expired):", style="yellow")
    for row in rows:
        yield Text(f"  {row['source']} {row['signal']}: {late(row)}", style="yellow")


def _cut_traces(data: ReportData) -> Iterator[RenderableType]:
    if cut := cut_traces(data.ledger):
        told = (
            f"The sampling's budget left out {number(cut['failing'])} failing and {number(cut['slow'])} slow traces of"
            f" {counted(cut['days'], 'day')}: every figure counts them."
        )
        yield Text(told, style="yellow")


def _counts(row: sections.Row, shown: Iterable[str]) -> Iterator[str]:
    for name in shown:
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
    met = f"{len(checks) - len(failed)} of {counted(len(checks), 'expectation')} met on every day"
    yield Text(f"Gate: {met}; {counted(judged, 'check')} in all", style="bold")
    for check in failed[:_WORST]:
        name = str(check["expectation"]).replace("_", " ")
        rows = f"{check['failed']:,} of {check['evaluated']:,} rows"
        yield Text(f"  {check['signal']}: {name} failed for {rows}, on {check['days_failed']} of {check['days']} days")
    if len(failed) > _WORST:
        yield Text(f"  and {len(failed) - _WORST} more in the report")
    for row in sections.withheld_days(data)[:_WORST]:
        yield Text(f"  withheld: {row['source']} {row['signal']} {row['event_date']}", style="bold red")
    for row in sections.waived(data)[:_WORST]:
        name = str(row["expectation"]).replace("_", " ")
        days = f"{row['first_date']} to {row['last_date']}"
        told = f"  waived: {row['source']} {row['signal']} {days}: {name} (waiver {row['waiver']})"
        yield Text(told, style="bold yellow")
