"""What the report says of what is done about pain points: whether it helped, and whether feedback is getting faster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from orchestration.reporting.data import ReportData
from orchestration.reporting.sections import LISTED, Row
from orchestration.reporting.waiting import median_wait

RECENT_DAYS = 28
STEPS: Mapping[str, str] = {
    "signal_to_problem": "from the first bad hour to the list",
    "problem_to_decision": "from the list to a decision",
    "decision_to_shipped": "from the decision to what shipped",
    "shipped_to_verified": "from what shipped to knowing that it helped",
    "signal_to_shipped": "from the first bad hour to what shipped",
}


def effects(data: ReportData) -> list[Row]:
    """One row per initiative and pain point, with the pain point's rank and title; what shipped last first."""
    points = data.pain_points.select("pain_point_id", "rank", hurts="title")
    joined = data.effects.join(points, on="pain_point_id", how="left")
    return joined.sort("shipped_at", "initiative_id", descending=[True, False], nulls_last=True).head(LISTED).to_dicts()


def steps(data: ReportData, as_of: datetime) -> list[Row]:
    """One row per step of the loop: its target, and how long it takes now and took before."""
    since = as_of - timedelta(days=RECENT_DAYS)
    found: list[Row] = []
    for step, words in STEPS.items():
        taken = data.loop.filter(pl.col("step") == step)
        if taken.is_empty():
            continue
        now, before = taken.filter(pl.col("begun_at") >= since), taken.filter(pl.col("begun_at") < since)
        judged = taken["is_within_target"]
        found.append(
            {
                "step": words,
                "target_days": taken["target_days"][0],
                "now": _timed(now),
                "before": _timed(before),
                "in_time": int(judged.sum()),
                "judged": judged.count(),
                "unknown": taken.height - taken["days"].count() - taken["open_days"].count(),
            }
        )
    return found


def _timed(steps: pl.DataFrame) -> Row:
    known = steps.select(pl.coalesce("days", "open_days"), ended=pl.col("days").is_not_null()).drop_nulls()
    return {"median": median_wait(known.iter_rows()), "ended": steps["days"].count(), "n": known.height}
