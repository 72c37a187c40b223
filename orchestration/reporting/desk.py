"""The steward's page: what the gate did day by day, what waits for a decision, and what was decided. No row values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from governance.audit import Recorded
from governance.stewards import Review
from orchestration.desk.waivers import IN_FORCE, WAITS, Told
from orchestration.reporting.data import ReportData
from orchestration.reporting.sections import Row
from orchestration.signing import Held

HISTORY_DAYS = 42
SOON_DAYS = 7
LISTED = 40
_AGES = ((0, 7), (8, 30), (31, None))  # days, both ends included
# What a day of a data set came to, the worst first: sign, words, and what the style sheet calls it.
RESULTS: Mapping[str, tuple[str, str, str]] = {
    "withheld": ("✗", "withheld whole", "bad"),
    "waived": ("w", "let in by a waiver", "warn"),
    "failed": ("!", "let in, some rows or checks failed", "part"),
    "passed": ("✓", "everything passed", "good"),
    "none": ("·", "no data", "none"),
}


@dataclass(frozen=True)
class DeskData:
    """What the page is made from, beside the marts of the report.

    Attributes:
        waiting: what is in quarantine (WAITING_SCHEMA).
        decisions: the latest entries of the decision record, the newest first, and how many there are in all.
        held: the assets that need a sign-off.
        unused: by signal, fields that are kept and that no published column is made from; null: not known yet.
    """

    waiting: pl.DataFrame
    waivers: Sequence[Told]
    reviews: Sequence[Review]
    decisions: Sequence[Recorded]
    decision_count: int
    held: Sequence[Held]
    unused: Mapping[str, Sequence[str]] | None


def history_days(data: ReportData) -> list[date]:
    """The days of the history, oldest first: at most HISTORY_DAYS up to the latest of the record."""
    first, last = data.ledger["event_date"].min(), data.ledger["event_date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    return [last - timedelta(days=back) for back in reversed(range(min(HISTORY_DAYS, (last - first).days + 1)))]


def history(data: ReportData) -> list[Row]:
    """One row per data set: a result for each of `history_days`."""
    place = ("source", "signal", "event_date")
    judged = data.gate_results.group_by(place).agg(
        is_waived=pl.col("is_waived").any(), has_failed=(~pl.col("is_passed")).any()
    )
    days = data.ledger.select(*place, "is_withheld").join(judged, on=place, how="left")
    result = (
        pl.when("is_withheld")
        .then(pl.lit("withheld"))
        .when("is_waived")
        .then(pl.lit("waived"))
        .when("has_failed")
        .then(pl.lit("failed"))
        .when(pl.col("has_failed").is_not_null())
        .then(pl.lit("passed"))
        .otherwise(pl.lit("none"))
    )
    found: dict[str, dict[date, str]] = {}
    for source, signal, day, what in days.select(*place, result.alias("result")).sort(place).iter_rows():
        found.setdefault(f"{source}/{signal}", {})[day] = what
    shown = history_days(data)
    return [
        {"dataset": name, "results": [of.get(day, "none") for day in shown], **_counts(of, shown)}
        for name, of in found.items()
    ]


def _counts(of: Mapping[date, str], shown: Sequence[date]) -> Row:
    results = [of.get(day, "none") for day in shown]
    return {what: results.count(what) for what in RESULTS}


def quarantine(waiting: pl.DataFrame) -> list[Row]:
    """One row per owner, data set and expectation: its rows by age, the oldest first."""
    keys = ("owner", "source", "signal", "expectation")
    age = pl.col("age_days")
    by_age = [
        pl.col("rows").filter(age >= first, age <= last if last else age >= first).sum().alias(f"age_{at}")
        for at, (first, last) in enumerate(_AGES)
    ]
    rest = (pl.len().alias("days"), pl.col("day").min().alias("oldest"), pl.col("expires_on").min())
    withheld = pl.col("is_day_withheld").sum().alias("days_withheld")
    return waiting.group_by(keys).agg(*by_age, *rest, withheld).sort("oldest", *keys).to_dicts()


def waivers(told: Sequence[Told], as_of: datetime) -> list[Row]:
    """One row per waiver or request, those that matter now first; `state` says also which ends soon."""
    rows = []
    for one in told:
        left = (one.expires - as_of.date()).days
        is_ending = one.state == IN_FORCE and left <= SOON_DAYS
        state = f"expires in {left} day{'' if left == 1 else 's'}" if is_ending else one.state
        mark = "warn" if is_ending or one.state == WAITS else "good" if one.state == IN_FORCE else ""
        rows.append({"waiver": one, "state": state, "mark": mark, "is_over": one.state not in (IN_FORCE, WAITS)})
    return sorted(rows, key=lambda row: bool(row["is_over"]))[:LISTED]


def decided(entries: Sequence[Recorded]) -> list[Row]:
    """One row per decision: what it is about in words, never the ids of its records."""
    return [{"entry": one, "about": _about(one)} for one in entries]


def _about(one: Recorded) -> str:
    what = one.decision.what
    parts = [str(what[name]) for name in ("asset", "dataset", "domain", "day", "expectation", "role") if name in what]
    if "first" in what:
        parts.append(f"{what['first']} to {what['last']}")
    for name, words in (("records", "records"), ("changed", "files changed")):
        if isinstance(found := what.get(name), list | tuple) and found:
            parts.append(f"{len(found):,} {words}")
    for name in ("decision", "request"):
        if name in what:
            parts.append(f"{name} {what[name]}")
    return ", ".join(parts)
