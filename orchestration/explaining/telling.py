"""What `feedback explain` prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.errors import UsageError, one_of
from orchestration.explaining.parts import Row, Section
from orchestration.serving.querying import plain

_MOST = 20
FORMATS = ("table", "json")


def tell(console: Console, sections: Iterable[Section], output: str = "table") -> None:
    """Sections one below the other, or all of them as one JSON object.

    Raises:
        UsageError: the format does not exist.
    """
    if output not in FORMATS:
        raise UsageError(f"--format {output} does not exist; {one_of(output, FORMATS)}")
    if output == "json":
        told = {one.name: {"rows": list(one.rows), "note": one.note} for one in sections}
        sys.stdout.write(json.dumps(plain(told), ensure_ascii=False, indent=1) + "\n")
        return
    for section in sections:
        console.print(f"\n[bold]{escape(_shown(section.title))}[/]")
        shown = section.rows[:_MOST]
        names = list(dict.fromkeys(name for row in shown for name in row))
        if len(shown) > 1 and sum(len(name) + len(" | ") for name in names) <= console.width:
            console.print(_across(names, shown))
        else:
            for number, row in enumerate(shown):
                console.print(*([""] if number else []), _down(row), sep="\n")
        if len(section.rows) > _MOST:
            console.print(f"and {len(section.rows) - _MOST:,} more; --format json has all")
        if section.note:
            console.print(escape(section.note), style="dim")


def _down(row: Row) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        table.add_row(escape(name.replace("_", " ")), escape(_shown(value)))
    return table


def _across(names: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(show_edge=False, header_style="bold")
    for name in names:
        table.add_column(escape(name.replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(escape(_shown(row.get(name))) for name in names))
    return table


def _shown(value: object) -> str:
    """A value for a terminal: it must show control signs of a record, not obey them."""
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | Decimal):
        return f"{value:,.4g}" if -10_000 < value < 10_000 else f"{value:,.0f}"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
