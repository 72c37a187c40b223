"""Dimensions stay bounded: the most frequent values of a service keep their name, the rest is '(other)'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

OTHER = "(other)"


@dataclass(frozen=True)
class Bounds:
    """Which values keep their name.

    Attributes:
        frequent: of each dimension that has too many values those that do; one row per service and value.
        overflow: how many rows of each of them become '(other)'.
    """

    frequent: Mapping[str, pl.DataFrame]
    overflow: Mapping[str, int]

    def named(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows, in their order, with '(other)' for the values that do not. Null stays null."""
        for name, kept in self.frequent.items():
            marked = kept.lazy().with_columns(is_frequent=pl.lit(value=True))
            is_other = pl.col("is_frequent").is_null() & pl.col(name).is_not_null()
            rows = (
                rows.join(marked, on=["service", name], how="left", maintain_order="left", nulls_equal=True)
                .with_columns(pl.when(is_other).then(pl.lit(OTHER)).otherwise(name).alias(name))
                .drop("is_frequent")
            )
        return rows


def bounds_of(rows: pl.LazyFrame, dimensions: Sequence[str], limit: int, count: pl.Expr | None = None) -> Bounds:
    """What keeps at most `limit` values of each dimension per service; null counts as no value.

    Of equally frequent values the first in alphabetical order is kept.

    Args:
        count: how many records a group of rows stands for; None: each row is one.
    """
    sizes = rows.group_by("service").agg(pl.col(dimensions).drop_nulls().n_unique()).max().collect(engine="streaming")
    frequent, overflow = {}, {}
    for name in dimensions:
        if (sizes[name].item() or 0) <= limit:
            continue
        counted = rows.drop_nulls(name).group_by("service", name).agg(count=pl.len() if count is None else count)
        ranked = counted.sort("service", "count", name, descending=[False, True, False]).collect(engine="streaming")
        is_frequent = pl.int_range(pl.len()).over("service") < limit
        frequent[name] = ranked.filter(is_frequent).select("service", name)
        overflow[name] = int(ranked.filter(~is_frequent)["count"].sum())
    return Bounds(frequent, overflow)
