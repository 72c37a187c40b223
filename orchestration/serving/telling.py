"""What `feedback metric` prints."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.errors import UsageError, one_of
from governance.signals import SIGNALS
from orchestration.serving.behind import days_behind, notes
from orchestration.serving.metrics import (
    Question,
    ask,
    dimensions_of,
    find_metric,
    list_metrics,
    not_told,
    part_periods,
    texts_of,
)
from orchestration.serving.querying import written

_BAR = 24
_FULL, _PARTS = "█", " ▏▎▍▌▋▊▉"
_PART = "*"  # behind a period of which not all days are counted
_BETTER = {"up": "more is better", "down": "less is better", "neutral": "neither more nor less is better"}


def require_fitting(what: str, name: str, options: Sequence[str], output: str) -> None:
    """Nothing of a command is left out without a word.

    Args:
        what, name: the words behind `feedback metric`.
        options: those given that only a metric's values have.

    Raises:
        UsageError: a word or an option has no meaning there; it says which have.
    """
    if what in ("list", "show") and options:
        allowed = "--role, --format" if what == "list" else "--role"
        raise UsageError(f"metric {what}: {options[0]} has no meaning there; allowed: {allowed}")
    if what == "show" and output != "table":
        raise UsageError("metric show: --format has no meaning there; allowed: --role (metric list has --format)")
    if what != "show" and name:
        told = (
            f"`feedback metric show {name}` says what it is" if what == "list" else "allowed: --by, --grain, --since, "
        )
        told += "" if what == "list" else "--until, --role, --format"
        raise UsageError(f"metric {what}: {name} has no meaning behind it; {told}")


def list_all(console: Console, file: Path, output: str = "table") -> None:
    """One row per metric: what it is, in what unit, whose it is, and what it can be asked by."""
    metrics = list_metrics(file)
    if output != "table":
        sys.stdout.buffer.write(written(pl.DataFrame(metrics, infer_schema_length=None), output))
        return
    table = Table(title="Metrics (feedback metric show NAME says what one means)")
    table.add_column("metric", no_wrap=True)
    for heading in ("what it is", "unit", "owner", "by"):
        table.add_column(heading, overflow="fold")
    for metric in metrics:
        dimensions = ", ".join(dimensions_of(metric))
        shown = (metric["metric"], metric["label"], metric["unit"], metric["owner"], dimensions)
        table.add_row(*(escape(str(text)) for text in shown))
    console.print(table)


def show(console: Console, file: Path, name: str) -> None:
    """Everything that is said of a metric.

    Raises:
        UsageError: there is none of that name.
    """
    if not name:
        names = [str(metric["metric"]) for metric in list_metrics(file)]
        raise UsageError(f"metric show: name one; {one_of(name, names)}")
    metric = find_metric(file, name)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    told = {
        "metric": f"{metric['metric']} (version {metric['version']})",
        "is": f"{metric['label']}: {metric['description']}",
        "unit": metric["unit"],
        "direction": _BETTER[str(metric["direction"])],
        "target": "none agreed" if metric["target"] is None else f"{metric['target']:g} {metric['unit']}",
        "owner": f"{metric['owner']}, reviewed {metric['review']}",
        "figure": metric["figure"],
        "no data": metric["no_data"],
        "do not use for": metric["do_not_use_for"],
        "by": ", ".join(dimensions_of(metric)),
        "always by": ", ".join(not_told(metric, ())) or "nothing",
        "computed from": f"{metric['table_name']}, dated by {metric['time_column']}",
        "formula": f"{metric['query']} (hash {metric['formula_hash']})",
    }
    for heading, text in told.items():
        table.add_row(heading, escape(str(text)))
    console.print(table)


def measure(console: Console, file: Path, question: Question, output: str = "table") -> None:
    """The values, with a bar for each in a terminal; then the days in their time that were waived or withheld.

    A period of which some days are not counted, by the question or as nothing is known of them, is marked. In another
    format than a table those days and periods are told on stderr.
    """
    values, metric = ask(file, question), find_metric(file, question.name)
    days = days_behind(file, texts_of(metric, "signals"), question.since, question.until)
    parts, note = _parts(file, texts_of(metric, "signals"), values, question)
    if output != "table":
        sys.stdout.buffer.write(written(values, output))
        sys.stdout.buffer.flush()
        named = [f"{', '.join(map(str, parts))}: {note}"] if parts else []
        sys.stderr.writelines(f"{line}\n" for line in (*named, *notes(days)))
        return
    console.print(escape(f"{metric['label']} [{metric['unit']}]"), style="italic")
    table = Table()
    for name in values.columns[:-1]:
        table.add_column(escape(name), overflow="fold")
    table.add_column("value", justify="right")
    top = max([0, *(value for value in values["value"] if value is not None)]) or 1  # what is negative has no bar
    if console.is_terminal:
        table.add_column(f"0 to {_number(top)}" + (", in all rows" if values.height > 1 else ""))
    for *keys, value in values.iter_rows():
        bar = (_bar(value / top) if value is not None else "",) if console.is_terminal else ()
        told = ["unknown" if key is None else f"{key}{_PART if key in parts else ''}" for key in keys]
        table.add_row(*map(escape, told), _number(value), *bar)
    console.print(table)
    if parts:
        console.print(f"{_PART} {note}", soft_wrap=True)
    console.print(
        f"{metric['figure']}; {_BETTER[str(metric['direction'])]}; days are UTC; no data: {metric['no_data']}"
    )
    for note in notes(days):
        console.print(escape(note), style="bold yellow", soft_wrap=True)


def _parts(
    file: Path, signals: Sequence[str] | None, values: pl.DataFrame, question: Question
) -> tuple[Sequence[date], str]:
    """The periods of which not all days are counted, and what is said of them."""
    if question.grain is None or question.grain == "day":
        return (), ""
    judged = days_behind(file, signals, None, None)
    known = [day["event_date"] for day in judged if day["verdict"] != "withheld"]
    days = [day for day in known if isinstance(day, date)]
    first = max((day for day in (question.since, min(days, default=None)) if day), default=None)
    last = min((day for day in (question.until, max(days, default=None)) if day), default=None)
    unknown = [day for day in _unknown(judged) if (first or day) <= day <= (last or day)]
    parts = part_periods(values["period"].unique().sort().to_list(), question.grain, first, last, unknown)
    told = " ".join(f"{word} {day}" for word, day in (("from", first), ("to", last)) if day)
    gaps = f"; of {len(unknown)} of them not everything is known" if unknown else ""
    return parts, f"only part of the {question.grain}: days {told} are counted{gaps}"


def _unknown(judged: Iterable[Mapping[str, object]]) -> list[date]:
    """Days of which the figures lack something: withheld ones, and those between others on which telemetry was silent.

    Telemetry speaks every day; of other signals a day without a record is one on which nothing happened.
    """
    missing, heard = set[date](), defaultdict[str, set[date]](set)
    for day in judged:
        signal, at = str(day["signal"]), day["event_date"]
        if not isinstance(at, date):
            continue
        if day["verdict"] == "withheld":
            missing.add(at)
        if SIGNALS[signal].is_sampled:
            heard[signal].add(at)
    for days in heard.values():
        first = min(days)
        between = (first + timedelta(days=number) for number in range((max(days) - first).days))
        missing.update(day for day in between if day not in days)
    return sorted(missing)


def _bar(share: float) -> str:
    eighths = round(max(0.0, share) * _BAR * 8)
    return _FULL * (eighths // 8) + _PARTS[eighths % 8].strip()


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
