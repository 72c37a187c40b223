"""Sign-offs of assets: what waits, what is about to be published, and publishing what was signed."""

from __future__ import annotations

import sys
from datetime import datetime

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.audit import Recorded
from governance.errors import UsageError, one_of
from governance.quality.rulings import REVOKE
from governance.sign_offs import SIGN_OFF, rows_of, signed_states
from orchestration.deciding import record_policies
from orchestration.desk.deciding import Desk, Ruling
from orchestration.lake import Lake
from orchestration.serving.querying import written
from orchestration.settings import Home
from orchestration.signing import SIGNED, WAITING, Held, held_assets, kept_rows
from orchestration.stages.publishing import WAREHOUSE, publish_roles, warehouse_state
from orchestration.stages.reporting import write_report


def sign_and_publish(
    deployment: Home, desk: Desk, asset: str, ruling: Ruling, state: str = ""
) -> tuple[Recorded, bool]:
    """Sign what waits of an asset off, and publish it; false where the next publication does.

    The caller holds the deployment (`settings.exclusive`). Nothing is computed: figures of a later time would be others
    than those that were signed.

    Raises:
        UsageError: see `Desk.sign_off`.
    """
    recorded = desk.sign_off(asset, ruling, state)
    return recorded, publish_again(deployment)


def publish_again(deployment: Home) -> bool:
    """Write the roles' files and the report from the warehouse they were written from last; false where that is past.

    A newer warehouse was not looked through for canaries yet: a run is going on, and publishes by itself. So does the
    run that follows days which were made again: the warehouse still reads files that are gone.
    """
    record_policies(deployment)
    lake = Lake(deployment.lake)
    last = [made for key in lake.keys("publications") if (made := lake.manifest(key))]
    now = (warehouse_state(deployment), lake.state_digest("checked"))
    if not last or any((made.facts.get(WAREHOUSE), made.inputs["checked"]) != now for made in last):
        return False
    as_of = max(datetime.fromisoformat(made.as_of) for made in last)
    try:
        publish_roles(lake, deployment, as_of)
    except duckdb.IOException:  # only sampled again, from the same rows
        return False
    write_report(deployment, as_of)
    return True


def list_sign_offs(console: Console, desk: Desk) -> None:
    """One row per asset that needs a sign-off: what waits, since when, who may sign it, and what was signed last."""
    table = Table(title="Sign-offs (policies/stewards.yml)")
    for heading in ("asset", "waits", "signed last"):
        table.add_column(heading, overflow="fold")
    signed = signed_states(desk.record.entries((SIGN_OFF, REVOKE)))
    for one in held_assets(desk.lake):
        before = desk.lake.manifest(f"{SIGNED}/{one.asset}")
        by = signed.get(one.asset, {}).get(before.facts["state"]) if before else None
        last = f"by {by.decision.who} at {by.decision.at:%Y-%m-%d %H:%M} UTC\ndecision {by.number}" if by else "never"
        table.add_row(escape(one.asset), escape(_waits(desk, one)), escape(last), end_section=True)
    console.print(
        table if table.row_count else "No asset needs a sign-off: `sign_off` in policies/stewards.yml is empty."
    )


def show_waiting(console: Console, desk: Desk, asset: str, output: str) -> None:
    """The rows of an asset that wait, and how many of them are not as they were signed last.

    Raises:
        UsageError: nothing of that asset waits.
    """
    found = kept_rows(desk.lake, WAITING, asset)
    if found is None:
        waiting = [one.asset for one in held_assets(desk.lake) if one.since]
        raise UsageError(f"{asset}: nothing of it waits for sign-off; {one_of(asset, waiting)}")
    manifest, rows = found
    sys.stdout.buffer.write(written(rows, output))
    sys.stdout.buffer.flush()
    if output != "table":
        return
    signed = kept_rows(desk.lake, SIGNED, asset)
    told = f"{rows.height:,} rows, none was ever signed"
    if signed:
        before, now = (set(rows_of(frame)) for frame in (signed[1], rows))
        told = f"{len(now - before):,} rows are new or changed since it was signed last, {len(before - now):,} are gone"
    console.print(f"{told}; state {manifest.facts['state']}", soft_wrap=True)


def _waits(desk: Desk, held: Held) -> str:
    waits = desk.lake.manifest(f"{WAITING}/{held.asset}")
    if waits is None:
        return "nothing" if held.signed else "not built yet: `feedback run`"
    domain = desk.stewards.domain_of(waits.facts["dataset"])
    role = desk.stewards.decisions.get(SIGN_OFF)
    who = ", ".join(desk.stewards.holders(role, domain)) if role else "anybody"
    return f"{waits.rows('rows'):,} rows since {held.since:%Y-%m-%d %H:%M} UTC\nstate {held.state}\n{who} may sign"
