"""How every asset presents itself in the UI: group, owner, kinds, columns, and counts per day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from governance.privacy.findings import by_entity
from governance.signals import SIGNALS
from governance.sources import Source
from orchestration.stages.tally import Tally


def described(group: str, source: Source, *, kinds: set[str], signal: str | None = None) -> dict[str, Any]:
    """Group, owner, kinds and tags of an asset that belongs to a source, as arguments of `dg.asset`."""
    metadata: dict[str, Any] = {"purpose": source.purpose, "source": source.name}
    if signal:
        metadata["dagster/column_schema"] = column_schema(SIGNALS[signal].schema)
    return {
        "group_name": group,
        "owners": [owner(source.owner)],
        "kinds": kinds,
        "tags": {"feedback/source": source.name, **({"feedback/signal": signal} if signal else {})},
        "metadata": metadata,
    }


def owner(name: str) -> str:
    """An owner as Dagster writes it: an address as it is, anything else as a team."""
    return name if "@" in name else f"team:{re.sub(r'[^A-Za-z0-9_]+', '_', name).strip('_')}"


def column_schema(schema: Mapping[str, pl.DataType]) -> dg.TableSchema:
    """A polars schema as the UI shows it."""
    return dg.TableSchema(columns=[dg.TableColumn(name, str(kind)) for name, kind in schema.items()])


def same_columns(upstream: list[str], signal: str) -> dict[str, Any]:
    """Column lineage of a stage that keeps the columns of a signal, as metadata."""
    key = dg.AssetKey(upstream)
    origins = {name: [dg.TableColumnDep(asset_key=key, column_name=name)] for name in SIGNALS[signal].columns}
    return {"dagster/column_lineage": dg.TableColumnLineage(origins)}


def tell_days(context: dg.AssetExecutionContext, tally: Tally, of_run: Mapping[str, Any]) -> None:
    """Counts of each day on its own materialisation; the sums over the run, and `of_run`, on that of its last day.

    That one is the latest, which the UI shows first: on every day the same again was half of the event log. A neighbour
    that was made again beside the days of the run is in the sums alone: Dagster refuses what is said of a partition
    that the run does not target.
    """
    days = context.partition_keys
    for day, counts in tally.days.items():
        if day in days:
            told = {f"day_{name}": count for name, count in counts.items()}
            context.add_asset_metadata({**told, "dagster/row_count": _rows(counts)}, partition_key=day)
    for day, note in tally.notes.items():
        context.log.warning(f"{day}: {note}")
        if day in days:
            context.add_asset_metadata({"day_note": note}, partition_key=day)
    context.add_asset_metadata({**tally.metadata(), **of_run}, partition_key=days[-1])


def findings_metadata(findings: pl.DataFrame) -> dict[str, Any]:
    """What was found, in all per entity and by field: counts only."""
    table = {"findings": markdown_table(findings)}
    return {**{f"found_{name}": count for name, count in by_entity(findings).items()}, **table}


def markdown_table(frame: pl.DataFrame, rows: int = 20) -> dg.MetadataValue:
    """The first rows of a small frame of names and figures."""
    if frame.is_empty():
        return dg.MetadataValue.md("none")
    lines = [frame.columns, ["---"] * frame.width, *frame.head(rows).iter_rows()]
    text = "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
    left_out = frame.height - rows
    return dg.MetadataValue.md(text + (f"\n\nand {left_out} more" if left_out > 0 else ""))


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else re.sub(r"[^\w .:,()-]", "", str(value))


def _rows(counts: Mapping[str, int]) -> int:
    kept = [counts[name] for name in ("sampled", "checked", "anonymized", "landed") if name in counts]
    return kept[0] if kept else 0
