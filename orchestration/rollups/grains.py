"""Rollups are made by minute and made coarser with age: counts add up, so those of an hour or a day stay as they were.

Percentiles too: the histogram of an hour is the sum of those of its minutes, bucket by bucket. Only counts of distinct
things (traces that logged a line) do not add up: a coarser row says how often they were met, one each in every period
of the rows it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import polars as pl

from governance.errors import FeedbackError, one_of

Grain = Literal["minute", "hour", "day"]
GRAINS: tuple[Grain, ...] = get_args(Grain)  # from fine to coarse
_NANOSECONDS = 1e6  # a millisecond
_EVERY: Mapping[str, str] = {"minute": "1m", "hour": "1h", "day": "1d"}


def start_of(time: pl.Expr, grain: Grain) -> pl.Expr:
    """The start of the period of a time (UTC)."""
    return time.dt.truncate(_EVERY[grain])


def is_coarser(grain: str, than: str) -> bool:
    """Whether one grain is coarser than another.

    Raises:
        FeedbackError: one of them is no grain.
    """
    for word in (grain, than):
        if word not in GRAINS:
            raise FeedbackError(f"rollups: grain is {word}; {one_of(word, GRAINS)}")
    order = [*map(str, GRAINS)]
    return order.index(grain) > order.index(than)


def coarsen(rollup: pl.DataFrame, grain: Grain, start: str = "period_start_at") -> pl.DataFrame:
    """`rollup` by periods of `grain`, where its rows are finer; the schema stays, rows are ordered by their keys.

    64-bit columns are counts and milliseconds, and are added up; all others are what is counted by (see `schemas`).

    Args:
        rollup: one row per period and what else it is counted by; without `grain` no row of it is coarser than asked.
        start: the column of the period's start.
    """
    moved = {start: start_of(pl.col(start), grain)}
    if "grain" in rollup.columns:
        is_finer = pl.col("grain").is_in(GRAINS[: GRAINS.index(grain)])
        moved = {
            start: pl.when(is_finer).then(moved[start]).otherwise(start),
            "grain": pl.when(is_finer).then(pl.lit(grain)).otherwise("grain"),
        }
    return add_up([rollup.with_columns(**moved)])


def add_up(rollups: Sequence[pl.DataFrame], maxima: Sequence[str] = ()) -> pl.DataFrame:
    """Rollups of one schema as one, ordered by its keys: what was counted in parts is as if counted at once.

    Args:
        rollups: one or more, see `coarsen` for their columns.
        maxima: columns that are neither keys nor sums: of them the greatest counts.
    """
    together = pl.concat(rollups)
    added = {name: kind for name, kind in together.schema.items() if kind in (pl.Int64, pl.Float64)}
    keys = [name for name in together.columns if name not in added and name not in maxima]
    sums = [_sum(name, kind) for name, kind in added.items()]
    summed = together.group_by(keys).agg(*sums, pl.col(maxima).max()) if maxima else together.group_by(keys).agg(sums)
    return summed.sort(keys).select(together.columns)


def _sum(name: str, kind: pl.DataType) -> pl.Expr:
    """Milliseconds are added up as the whole nanoseconds they are: exact in every order (up to 104 days)."""
    if kind == pl.Float64:
        return (pl.col(name) * _NANOSECONDS).round().cast(pl.Int128).sum().cast(pl.Float64) / _NANOSECONDS
    return pl.col(name).sum()
