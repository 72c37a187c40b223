"""What `feedback source discover` prints: counts, names that may be shown, and what to do next; never a value."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from orchestration.discovery.discovering import Discovery, Found

_MOST = 15
_OLD = timedelta(days=2)


def show(
    console: Console, discovery: Discovery, target: str, out: Path | None, written: Sequence[str], as_of: datetime
) -> None:
    """Print what was found below `target`, what was written to `out`, and the next commands."""
    for part in _parts(discovery):
        console.print(part)
    console.print(_next(discovery, target, out, written, as_of), soft_wrap=True)


def _parts(discovery: Discovery) -> Iterator[RenderableType]:
    if discovery.seen:
        yield _files(discovery)
    if discovery.sources:
        yield _records(discovery.sources)
    yield from (table for table in (_malformed(discovery), _fields(discovery), _entities(discovery)) if table)
    if discovery.services or discovery.hidden_services:
        hidden = f", {discovery.hidden_services} whose names hold an identifier" if discovery.hidden_services else ""
        shown = ", ".join(list(discovery.services)[:_MOST]) + (" ..." if len(discovery.services) > _MOST else "")
        yield f"[bold]Services:[/] {len(discovery.services)}{hidden}: {escape(shown)}"


def _files(discovery: Discovery) -> Table:
    seen = discovery.seen
    assert seen is not None
    table = _table("What lies there", ("files", "right"), ("are", "left"), ("proposed source", "left"))
    for found in discovery.sources:
        note = f"; {found.unnamed} with names that may not be shown: rename them" if found.unnamed else ""
        table.add_row(
            f"{found.files:,}", f"{found.source.type}: {', '.join(found.source.signals)}{note}", found.source.name
        )
    for reason, count in seen.unread.items():
        table.add_row(f"{count:,}", reason, "[dim]not read[/]")
    if seen.passed_over:
        table.add_row(f"{seen.passed_over:,}", "not looked at: too many; the patterns cover those named alike", "")
    return table


def _records(sources: Sequence[Found]) -> Table:
    counts = ("files read", "records read", "malformed", "tried", "held", "fail the gate", "pass", "values withheld")
    headings = [(name, "right") for name in counts]
    table = _table("Dry run of the proposals on a sample, in memory", ("source", "left"), ("signal", "left"), *headings)
    for found in sources:
        malformed = sum(found.sample.malformed.values())
        for run in found.runs:
            read = found.sample.frames[run.signal].height
            held, withheld = sum(run.held.values()), sum(run.withheld.values())
            failed = run.read - held - run.passed
            cells = (found.sample.files, read, malformed, run.read, held, failed, run.passed, withheld)
            table.add_row(found.source.name, run.signal, *(f"{cell:,}" for cell in cells))
        if not found.runs:
            table.add_row(found.source.name, "nothing could be read", f"{found.sample.files:,}", "0", f"{malformed:,}")
    return table


def _malformed(discovery: Discovery) -> Table | None:
    table = _table("Set aside, and why", ("source", "left"), ("count", "right"), ("reason", "left"))
    for found in discovery.sources:
        for reason, count in Counter(found.sample.malformed).most_common(_MOST):
            table.add_row(found.source.name, f"{count:,}", f"malformed: {escape(reason)}")
        for run in found.runs:
            for reason, count in Counter(run.held).most_common(_MOST):
                table.add_row(found.source.name, f"{count:,}", f"held: {escape(reason)}")
            for expectation, count in Counter(run.failed).most_common(_MOST):
                told = expectation.replace("_", " ")
                table.add_row(found.source.name, f"{count:,}", f"fails the gate: {told}; map the field under columns")
    return table if table.row_count else None


def _fields(discovery: Discovery) -> Table | None:
    """What no rule names; the classification of all others stands in the written files."""
    table = _table(
        "Fields that no rule names: withheld until they are approved",
        *((name, "left") for name in ("source", "signal", "field", "records", "proposed", "why", "looks like")),
    )
    for found in discovery.sources:
        for one in found.fields:
            if one.is_attribute and one.treatment is None:
                proposed = discovery.proposals.get(one.name.lower())
                shown = str(proposed or "stays withheld")
                why = discovery.why(one) if proposed else "the key itself can hold a person"
                cells = (one.name, f"{one.records:,}", shown, why, one.shapes.described())
                table.add_row(found.source.name, one.signal, *cells)
    return table if table.row_count else None


def _entities(discovery: Discovery) -> Table | None:
    table = _table(
        "Found in the values looked at (distinct values of each field)",
        *((name, "left") for name in ("source", "signal", "field", "treatment", "found")),
    )
    for found in discovery.sources:
        for one in found.fields:
            treatment = one.treatment or discovery.proposals.get(one.name.lower())
            if one.entities and treatment:
                counts = ", ".join(f"{entity} {count:,}" for entity, count in sorted(one.entities.items()))
                table.add_row(found.source.name, one.signal, one.name, str(treatment), counts)
    return table if table.row_count else None


def _next(discovery: Discovery, target: str, out: Path | None, written: Sequence[str], as_of: datetime) -> str:
    inbox = _copied(discovery.inbox)
    if out is None:
        again = f"feedback source discover {_copied(target)} --out my-config"
        return f"\n[bold]Next[/]\n  {again}    writes the sources, fields and owners proposed here as files"
    dated = ""
    if discovery.newest and discovery.newest < as_of.date() - _OLD:
        dated = f" --as-of {discovery.newest + timedelta(days=1)}"
    lines = [
        f"\n[bold]Written to {escape(str(out))}:[/] {', '.join(written)}",
        "[bold]Next[/]",
        f"  look at them, above all at lines with REPLACE or LOOK; {escape(str(out))}/policies/fields",
        f"  export FEEDBACK_CONFIG={_copied(out.resolve())}    or copy them into the folder it names already",
        f"  feedback source check --inbox {inbox}",
        f"  feedback run --inbox {inbox}{dated}",
    ]
    return "\n".join(lines)


def _copied(name: Path | str) -> str:
    """A name in a command that is copied from the report to a shell."""
    return escape(shlex.quote(str(name)))


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading, justify in columns:
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    return table
