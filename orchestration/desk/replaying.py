"""Putting what is held or in quarantine through today's policies again."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from governance.audit import Decision
from orchestration.desk.deciding import REPLAY, Desk, Ruling
from orchestration.ledger import ledger
from orchestration.moments import moment

_WAITING = ("held", "quarantined", "withheld")


def replay(console: Console, desk: Desk, ruling: Ruling) -> None:
    """Judge every day again that was judged under other policies than today's, and tell what that changed.

    Raises:
        UsageError: who asks for it may not, or gives no reason.
        FeedbackError: a step failed.
    """
    from orchestration.running import run_after_decision  # imports Dagster

    desk.stewards.check_may(ruling.who, REPLAY, "*")
    before = _counts(desk)
    waited = {f"{name}_before": count for name, count in before.items()}
    desk.record.append(Decision(REPLAY, ruling.who, ruling.why, ruling.at, waited))
    run_after_decision(moment(""), is_plain=not console.is_terminal)
    after = _counts(desk)
    table = Table(title="Records that wait, before and after")
    table.add_column("")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    for name in _WAITING:
        table.add_row(name, f"{before[name]:,}", f"{after[name]:,}")
    console.print(table)


def _counts(desk: Desk) -> dict[str, int]:
    totals = ledger(desk.lake).select(_WAITING).sum().row(0, named=True)
    return {name: int(totals[name] or 0) for name in _WAITING}
