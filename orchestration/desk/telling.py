"""What the commands of the steward's desk print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.privacy import load_privacy
from governance.quality import load_quality, load_suite
from governance.quality.rulings import REVOKE, WAIVE
from orchestration.desk.classifying import classify
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.fields import fields_of_note
from orchestration.desk.quarantine import quarantined_rows, waiting
from orchestration.desk.waivers import REQUEST, waivers
from orchestration.serving.querying import written

_ALWAYS_SHOWN = ("record_id", "event_at")


def list_quarantine(console: Console, desk: Desk, now: datetime, dataset: str, output: str) -> None:
    """What waits, oldest first: rows by day and expectation."""
    found = waiting(desk.lake, now, dataset)
    if output != "table":
        sys.stdout.buffer.write(written(found, output))
        return
    table = Table(title="In quarantine (a row that failed two expectations is in both lines)")
    table.add_column("data and day", no_wrap=True)
    table.add_column("failed", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("days old", justify="right")
    for row in found.iter_rows(named=True):
        can = "can be released or discarded" if row["is_releasable"] else "can only be discarded"
        state = "day withheld" if row["is_day_withheld"] else "rest of the day counted"
        kept = row["expires_on"] or "further notice"
        day = f"{row['source']}/{row['signal']} {row['day']}\n{state},\nkept until {kept}"
        failed = f"{row['expectation']}\n{row['owner']}\n{can}"
        table.add_row(escape(day), escape(failed), f"{row['rows']:,}", str(row["age_days"]), end_section=True)
    console.print(table if table.row_count else "Nothing is in quarantine.")


def show_rows(console: Console, desk: Desk, dataset: str, day: str, expectation: str, most: int, output: str) -> None:
    """Rows in quarantine, anonymised: id, time, what they failed and the columns that this is about."""
    rows = quarantined_rows(desk.lake, dataset, day, expectation)
    suite = load_suite(dataset)
    failed = set(rows["expectations"].explode().drop_nulls())
    about = {column for one in suite.expectations if one.name in failed for column in one.columns}
    columns = dict.fromkeys([*_ALWAYS_SHOWN, *(name for name in rows.columns if name in about)])
    shown = rows.select(*columns, "expectations", "owner").with_columns(pl.col("expectations").list.join(", "))
    if output != "table":
        sys.stdout.buffer.write(written(shown.head(most), output))
        return
    table = Table(title=escape(f"{dataset} {day}: {min(most, rows.height):,} of {rows.height:,} rows in quarantine"))
    for name in shown.columns:
        table.add_column(escape(name), overflow="fold")
    for row in shown.head(most).iter_rows():
        table.add_row(*("null" if value is None else escape(str(value)) for value in row))
    console.print(table)
    policy = load_quality()
    for one in suite.expectations:
        if one.name in failed:
            advice = policy.advice(one)
            console.print(escape(f"{one.name}: {advice.reason} {advice.do}"))


def list_waivers(console: Console, desk: Desk, now: datetime) -> None:
    """Waivers and requests, the newest first, each with its state."""
    table = Table(title="Waivers (a failure that is waived withholds nothing, and is shown as waived)")
    table.add_column("no.", justify="right")
    table.add_column("what may fail, and why", overflow="fold")
    table.add_column("state", overflow="fold")
    for one in waivers(desk.record.entries((REQUEST, WAIVE, REVOKE)), now):
        people = f"asked by {one.asked_by}" + (f", approved by {one.approved_by}" if one.approved_by else "")
        about = f"{one.expectation}\n{one.dataset}, {one.first} to {one.last}\n{one.why}"
        told = f"{one.state}, until {one.expires}\n{people}"
        table.add_row(str(one.number), escape(about), escape(told), end_section=True)
    console.print(table if table.row_count else "There are no waivers.")


def list_fields(console: Console, desk: Desk, dataset: str, output: str) -> None:
    """Fields that a steward should look at: name, since when, in how many records, what their values look like."""
    found = fields_of_note(desk.lake, load_privacy(), dataset)
    if output != "table":
        sys.stdout.buffer.write(written(found, output))
        return
    table = Table(title="Fields that are withheld (unclassified), new, missing or retyped")
    table.add_column("field", overflow="fold")
    table.add_column("since", no_wrap=True)
    table.add_column("records", justify="right")
    table.add_column("what values look like (never a value)", overflow="fold")
    for row in found.iter_rows(named=True):
        state = "unclassified: withheld" if row["treatment"] is None else f"{row['state']} ({row['treatment']})"
        now = row["shapes"] or "nothing of it in what landing still has"
        before = "" if row["state"] == "unclassified" else f"\nbefore: {row['shapes_before'] or 'was not there'}"
        told = (f"{row['field']}\n{row['source']}/{row['signal']}\n{state}", str(row["since"]))
        table.add_row(*map(escape, told), f"{row['records']:,}", escape(now + before), end_section=True)
    console.print(table if table.row_count else "Every field is named by a rule, and is as it was before.")
    if "unclassified" in found["state"]:
        console.print(
            "Next: feedback fields classify SOURCE/SIGNAL FIELD --as TREATMENT --by WHO --why REASON", markup=False
        )


def tell_classified(desk: Desk, dataset: str, field: str, treatment: str, ruling: Ruling) -> str:
    """Classify a field; what that did, as a sentence to be ended."""
    done = classify(desk, dataset, field, treatment, ruling)
    told = f"{field} is {treatment} (decision {done.number}, {done.file})"
    if done.replayed:
        told += f"; {_days(done.replayed)} of {dataset} that held it back are anonymised again"
    if done.lost:
        told += f"; {_days(done.lost)} stay without it, as their landing has expired"
    return told


def _days(days: Sequence[str]) -> str:
    return f"{len(days)} days ({days[0]} to {days[-1]})" if len(days) > 1 else f"1 day ({days[0]})"
