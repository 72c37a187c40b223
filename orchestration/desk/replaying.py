"""Putting what is held or in quarantine through today's policies again."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from orchestration.desk.deciding import Desk, Ruling
from orchestration.moments import moment


def replay(console: Console, desk: Desk, ruling: Ruling) -> None:
    """Judge every day again that was judged under other policies than today's, and tell what that changed.

    Raises:
        UsageError: who asks for it may not, or gives no reason.
        FeedbackError: a step failed.
    """
    from orchestration.running import run_after_decision  # imports Dagster

    before = desk.replay(ruling)
    run_after_decision(moment(""), is_plain=not console.is_terminal)
    after = desk.waiting_counts()
    table = Table(title="Records that wait, before and after")
    table.add_column("")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    for name, count in before.items():
        table.add_row(name, f"{count:,}", f"{after[name]:,}")
    console.print(table)
