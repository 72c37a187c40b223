"""What `feedback leaks` does: look through everything again and tell where something leaked."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.privacy import load_privacy
from orchestration.key_management import deployment_keys
from orchestration.lake import Lake
from orchestration.leaks.marks import leaked_days
from orchestration.settings import Home, exclusive
from orchestration.stages.leak_checking import check_leaks


def tell_leaks(console: Console, deployment: Home, as_of: datetime, *, is_lifting: bool) -> int:
    """Print every canary found and every day known to leak; 0 where there is neither, else 1."""
    lake, policy, keys = Lake(deployment.lake), load_privacy(), deployment_keys(deployment)
    with exclusive(deployment):
        check = check_leaks(lake, deployment, policy, keys, as_of, everything=True, is_lifting=is_lifting)
    console.print(f"{check.scan.files:,} files looked through, {len(check.scan.finds)} canaries found in them")
    for day in check.lifted:
        console.print(f"{day}: no longer marked; the next run judges it again")
    table = Table(title="Days whose canaries leaked (the gate withholds them)")
    for heading in ("source", "signal", "day", "what was found"):
        table.add_column(heading, overflow="fold")
    known = sorted({tuple(key.split("/")[1:]) for state in ("anonymized", "leaks") for key in lake.keys(state)})
    for source, signal, day in known:
        for what in leaked_days(lake, f"{source}/{signal}", [day]).values():
            table.add_row(source, signal, day, escape(what))
    if table.row_count:
        console.print(table)
    return 1 if table.row_count or check.scan.finds else 0
