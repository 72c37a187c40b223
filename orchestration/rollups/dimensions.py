"""Dimensions stay bounded: the most frequent values of a service keep their name, the rest is '(other)'."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

OTHER = "(other)"


def bound(frame: pl.DataFrame, dimensions: Sequence[str], limit: int) -> tuple[pl.DataFrame, dict[str, int]]:
    """`frame` with at most `limit` values of each dimension per service, and how many rows of each became '(other)'.

    Null stays null and counts as no value. Of equally frequent values the first in alphabetical order is kept.
    """
    sizes = frame.group_by("service").agg(pl.col(dimensions).drop_nulls().n_unique()).max()
    overflow: dict[str, int] = {}
    for name in dimensions:
        if (sizes[name].item() or 0) <= limit:
            continue
        kept = _most_frequent(frame, name, limit)
        named = frame.join(kept, on=["service", name], how="left", maintain_order="left", nulls_equal=True)
        is_other = pl.col("is_frequent").is_null() & pl.col(name).is_not_null()
        overflow[name] = named.select(is_other.sum()).item()
        frame = named.with_columns(pl.when(is_other).then(pl.lit(OTHER)).otherwise(name).alias(name)).drop(
            "is_frequent"
        )
    return frame, overflow


def _most_frequent(frame: pl.DataFrame, name: str, limit: int) -> pl.DataFrame:
    return (
        frame.lazy()
        .filter(pl.col(name).is_not_null())
        .group_by("service", name)
        .len()
        .sort("service", "len", name, descending=[False, True, False])
        .filter(pl.int_range(pl.len()).over("service") < limit)
        .select("service", name, is_frequent=pl.lit(value=True))
        .collect()
    )
