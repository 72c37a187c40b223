"""Figures of support are what another program made of the same real tickets."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.pain_point_world import build, fill_warehouse, lake_of
from tests.integration.reading import rows_of

AS_OF = datetime(2026, 3, 22, 10, 40, tzinfo=UTC)


def test_resolution_is_what_devlake_makes_of_the_same_issues(real_data: Path, tmp_path: Path) -> None:
    """Lead time is created to closed in whole minutes there (the floor); here it keeps its fraction."""
    folder = real_data / "telemetry" / "tickets" / "devlake_github"
    csv.field_size_limit(10**7)
    with (folder / "raw_tables" / "_raw_github_api_issues.csv").open() as file:
        answers = [json.loads(row["data"]) for row in csv.DictReader(file)]
    with (folder / "snapshot_tables" / "issues.csv").open() as file:
        issues = {row["id"].rsplit(":", 1)[-1]: row for row in csv.DictReader(file)}
    (tmp_path / "inbox" / "github").mkdir(parents=True)
    (tmp_path / "inbox" / "github" / "issues-1.json").write_text(json.dumps(answers))
    tickets = lake_of(tmp_path / "inbox")["tickets"]
    warehouse = tmp_path / "feedback.duckdb"
    fill_warehouse(warehouse, {"tickets": tickets})
    chosen = ("--select", "+path:models/marts/support", "--exclude-resource-type", "unit_test")
    assert build(warehouse, *chosen, "--indirect-selection", "cautious", as_of=AS_OF) == []
    found = {str(ticket): row for (ticket,), row in rows_of(warehouse, "fct_tickets", "ticket_id").items()}
    assert found.keys() == issues.keys()
    assert len(issues) == 26
    for key, theirs in issues.items():
        ours = found[key]
        assert ours["is_open"] == (theirs["status"] != "DONE")
        lead = ours["resolution_minutes"]
        assert ("" if lead is None else str(math.floor(lead))) == theirs["lead_time_minutes"]
        assert ours["created_at"] == datetime.fromisoformat(theirs["created_date"])
