"""report: the status page and the steward's page, from the marts and from what stewards decided."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from governance.access import load_access
from governance.durability import sync
from governance.privacy import load_privacy
from governance.stewards import load_stewards
from orchestration.deciding import decision_record
from orchestration.desk.quarantine import waiting
from orchestration.desk.waivers import waivers
from orchestration.lake import Lake
from orchestration.reporting.desk import LISTED, DeskData
from orchestration.reporting.report import build_desk_page, build_report, read_report_data
from orchestration.reporting.unused import unused_fields
from orchestration.settings import Home
from orchestration.signing import Held, settle
from orchestration.stages.field_lineage import Lineage
from orchestration.stages.warehousing import opened

STATUS, DESK = "status.html", "steward.html"


def write_report(deployment: Home, as_of: datetime) -> Path:
    """Write `reports/status.html` and beside it `steward.html`, each swapped in whole; returns the former's path."""
    held = settle(Lake(deployment.lake), deployment, as_of)
    with opened(deployment.warehouse) as connection:
        data = read_report_data(connection, held)
    deployment.reports.mkdir(parents=True, exist_ok=True, mode=0o700)
    _swap_in(deployment.reports / DESK, build_desk_page(data, _desk_data(deployment, held, as_of), as_of))
    _swap_in(deployment.reports / STATUS, build_report(data, as_of, deployment.scripts))
    sync(deployment.reports)
    return deployment.reports / STATUS


def _desk_data(deployment: Home, held: Sequence[Held], as_of: datetime) -> DeskData:
    entries = list(decision_record(deployment).entries())
    used = Lineage.load(deployment.root / "dbt" / "column_lineage.json").published_fields(load_access())
    return DeskData(
        waiting=waiting(Lake(deployment.lake), as_of),
        waivers=waivers(entries, as_of),
        reviews=load_stewards().review_calendar(as_of, entries),
        decisions=list(reversed(deque(entries, LISTED))),
        decision_count=len(entries),
        held=held,
        unused=None if used is None else unused_fields(used, load_privacy()),
    )


def _swap_in(target: Path, page: str) -> None:
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
