"""How well log lines are put into templates: against people's labels of eight systems (loghub), if they are at hand.

Grouping accuracy: the share of lines whose template holds exactly the lines that have their label. `similarity` and
`depth` were chosen on TUNED_ON; the rest is held out. Measured with the shipped policy, collapsing alone in brackets:
Apache 1.000 (1.000), HPC 0.996 (0.966), Hadoop 0.992 (0.989), HealthApp 1.000 (1.000), Linux 0.814 (0.360), OpenStack
1.000 (1.000), Thunderbird 0.951 (0.252), Zookeeper 0.995 (0.995).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from governance.log_templates import TemplatePolicy
from governance.sampling import load_sampling_policy
from orchestration.rollups.known_templates import NO_PAST
from orchestration.rollups.template_tree import place
from orchestration.rollups.templates import with_shapes
from tests.bench.measure import Measure

TUNED_ON = ("Apache", "HPC", "Linux", "OpenStack")
HELD_OUT = ("Hadoop", "HealthApp", "Thunderbird", "Zookeeper")


def grouping() -> Iterator[Measure]:
    """Grouping accuracy per system and half; nothing without FEEDBACK_REAL_DATA."""
    if "FEEDBACK_REAL_DATA" not in os.environ:
        return
    policy = load_sampling_policy().rollups.templates
    figures: dict[str, tuple[float, float]] = {}
    for system in (*TUNED_ON, *HELD_OUT):
        lines = templates_of(labelled(system), policy)
        figures[system] = grouping_accuracy(lines), grouping_accuracy(lines.with_columns(template="shape"))
        yield Measure(system, *figures[system], "grouping accuracy")
    for name, half, goal in (("tuned on", TUNED_ON, 0.94), ("held out", HELD_OUT, 0.97)):
        ours, stock = (sum(figures[system][place] for system in half) / len(half) for place in (0, 1))
        yield Measure(f"mean of those {name}", ours, stock, "grouping accuracy", f">= {goal}", ours >= goal)


def labelled(system: str) -> pl.DataFrame:
    """The lines of a system: label and body."""
    folder = Path(os.environ["FEEDBACK_REAL_DATA"]) / "telemetry/logs/loghub" / system
    lines = pl.read_csv(folder / f"{system}_2k.log_structured.csv", infer_schema=False)
    return lines.select(label="EventId", body="Content")


def templates_of(lines: pl.DataFrame, policy: TemplatePolicy) -> pl.DataFrame:
    """`lines` with shape and template (its id), as if they were a day of one service."""
    shaped = with_shapes(lines).with_columns(service=pl.lit("system"), severity=pl.lit("INFO"))
    shapes = shaped.group_by("service", "severity", "shape").agg(record_count=pl.len().cast(pl.Int64))
    placed = place(shapes, NO_PAST.known, policy, shapes.height)
    return shaped.join(placed.select("shape", template="template_id"), on="shape", maintain_order="left")


def grouping_accuracy(lines: pl.DataFrame) -> float:
    """The share of lines whose template has the lines of one label, all of them and no other."""
    counted = lines.select(
        labelled=pl.len().over("label"), found=pl.len().over("template"), both=pl.len().over("label", "template")
    )
    exact = (pl.col("labelled") == pl.col("both")) & (pl.col("found") == pl.col("both"))
    return float(counted.select(exact.mean()).item())
