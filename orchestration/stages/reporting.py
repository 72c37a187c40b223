"""report: the status page from the marts."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from governance.durability import sync_folder
from orchestration.lake import Lake
from orchestration.reporting.report import build_report, read_report_data
from orchestration.settings import Home
from orchestration.signing import settle
from orchestration.stages.warehousing import opened


def write_report(deployment: Home, as_of: datetime) -> Path:
    """Write `reports/status.html` whole and swap it in; returns its path."""
    held = settle(Lake(deployment.lake), deployment, as_of)
    with opened(deployment.warehouse) as connection:
        page = build_report(read_report_data(connection, held), as_of)
    deployment.reports.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = deployment.reports / "status.html"
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
    sync_folder(target.parent)
    return target
