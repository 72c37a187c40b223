"""Rollups are made by minute and made coarser with age: counts add up, so those of an hour or a day stay as they were.

Percentiles too: the histogram of an hour is the sum of those of its minutes, bucket by bucket. Only counts of distinct
things (traces that logged a line) do not add up: a coarser row says how often they were met, one each in every period
of the rows it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import polars as pl

Grain = Literal["minute", "hour", "day"]
GRAINS: tuple[Grain, ...] = get_args(Grain)  # from fine to coarse
_EVERY: Mapping[str, str] = {"minute": "1m", "hour": "1h", "day": "1d"}


def start_of(time: pl.Expr, grain: Grain) -> pl.Expr:
    """The start of the period of a time (UTC)."""
    return time.dt.truncate(_EVERY[grain])


def is_coarser(grain: str, than: str) -> bool:
    """Whether one grain is coarser than another; both are of `GRAINS`."""
    return GRAINS.index(grain) > GRAINS.index(than)  # type: ignore[arg-type]  # a wrong word raises ValueError


def coarsen(rollup: pl.DataFrame, grain: Grain) -> pl.DataFrame:
    """`rollup` by periods of `grain`, where its rows are finer; the schema stays, rows are ordered by their keys.

    64-bit columns are counts and sums, and are added up; all others are what is counted by (see `schemas`).

    Args:
        rollup: one row per period (`period_start_at`, `grain`) and what else it is counted by.
    """
    keys, added = _parts(rollup.schema)
    is_finer = pl.col("grain").is_in(GRAINS[: GRAINS.index(grain)])
    moved = {
        "period_start_at": pl.when(is_finer)
        .then(start_of(pl.col("period_start_at"), grain))
        .otherwise("period_start_at"),
        "grain": pl.when(is_finer).then(pl.lit(grain)).otherwise("grain"),
    }
    # Rows are sorted before they are added up: sums of floating-point numbers depend on the order.
    return (
        rollup.sort(keys)
        .with_columns(**moved)
        .group_by(keys, maintain_order=True)
        .agg(pl.col(added).sum())
        .sort(keys)
        .select(rollup.columns)
    )


def _parts(schema: Mapping[str, pl.DataType]) -> tuple[list[str], list[str]]:
    """The columns a rollup counts by, and those that are added up."""
    added = [name for name, kind in schema.items() if kind in (pl.Int64, pl.Float64)]
    return _without(schema, added), added


def _without(names: Iterable[str], left_out: list[str]) -> list[str]:
    return [name for name in names if name not in left_out]
