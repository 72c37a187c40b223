"""The report's first sentences: the state of the platform for a reader outside engineering, each with its count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from orchestration.reporting import sections
from orchestration.reporting.data import ReportData
from orchestration.reporting.wording import counted, duration, number, percent


def headlines(data: ReportData, as_of: datetime) -> list[str]:
    """Two to six sentences; what has no data says so instead of being left out."""
    return [*_worst(data), *_fixes(data), _requests(data), _tickets(data, as_of), _records(data)]


def _worst(data: ReportData) -> Iterator[str]:
    points = data.pain_points.sort("rank")
    if data.is_unsigned("pain_points"):
        yield "The pain points wait for a steward's sign-off."
        return
    if points.is_empty():
        yield "No pain point was found: either nothing hurts, or there is not enough data yet to see it."
        return
    ongoing = points.filter(pl.col("status") == "ongoing").height
    worst = points.row(0, named=True)
    found = f"{counted(points.height, 'pain point')} found, {ongoing} of them ongoing."
    yield f"{found} The worst: {_sentence(worst['title'])}"


def _sentence(title: str) -> str:
    return title if title.endswith((".", "!", "?")) else f"{title}."


def _fixes(data: ReportData) -> Iterator[str]:
    verdicts = data.effects["verdict"].drop_nulls().value_counts()
    told = dict(verdicts.iter_rows())
    if shipped := sum(told.values()):
        words = {"improved": "helped", "unchanged": "did not", "worse": "made it worse"}
        counts = [f"{told[verdict]} {word}" for verdict, word in words.items() if verdict in told]
        if early := told.get("too early"):
            counts.append(f"for {early} it is too early to tell")
        yield f"{counted(shipped, 'fix', 'fixes')} shipped: {', '.join(counts)}."
    if overdue := data.effects.filter("is_overdue")["initiative_id"].n_unique():
        yield f"{counted(overdue, 'initiative')} {'is' if overdue == 1 else 'are'} overdue."


def _requests(data: ReportData) -> str:
    requests, errors, spans = (_sum(data.health, f"{name}_count") for name in ("request", "error", "span"))
    if not spans:
        return "Nothing can be said about requests: no trace passed the gate."
    return (
        f"{counted(data.health.height, 'service')} handled {counted(requests, 'request')};"
        f" {percent(errors / spans)} of their {number(spans)} measured steps ended in an error."
    )


def _tickets(data: ReportData, as_of: datetime) -> str:
    rows = sections.ticket_waits(data.tickets, as_of)
    if not rows:
        return "Nothing can be said about support: no ticket passed the gate."
    everything = rows[0]
    opened = f"Users opened {counted(data.tickets.height, 'ticket')}; {everything['still_open']} are still open."
    wait = everything["first_response"]
    if not isinstance(wait, float):
        return f"{opened} Fewer than half have had a first answer, so a typical wait cannot be given."
    return f"{opened} Half had a first answer within {duration(wait)}."


def _records(data: ReportData) -> str:
    if data.ledger.is_empty():
        return "No record has been read yet."
    pulled, checked = _sum(data.ledger, "pulled"), _sum(data.ledger, "checked")
    off = data.ledger.filter(~pl.col("is_balanced")).height
    state = "every one of them is accounted for" if not off else f"{counted(off, 'day')} do not add up"
    late = _sum(data.ledger, "too_late")
    more = f" {counted(late, 'more record')} came when their day was closed and count nowhere." if late else ""
    return f"{counted(pulled, 'record')} read, {number(checked)} passed every check and count here; {state}.{more}"


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum())
