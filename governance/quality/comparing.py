"""A day compared with other days: whether it has as many records as usual, and whether what it refers to is there."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import polars as pl

from governance.quality.policy import QualityPolicy
from governance.quality.suites import Reference


def is_usual(rows: int, before: Sequence[int], signal: str, policy: QualityPolicy) -> bool | None:
    """Whether a day has about as many records as the same weekday of the weeks before; None: nothing says.

    The median: one bad week among those before says nothing. Of few records, chance makes any number.

    Args:
        rows: of a day that is over.
        before: those of the same weekday, of weeks that have any.
    """
    if len(before) < policy.volume.min_weeks:
        return None
    usual, spread = median(before), policy.volume.spread(signal)
    if usual < policy.threshold(signal).min_rows:
        return None
    return spread.min_ratio * usual <= rows <= spread.max_ratio * usual


def lost_references(values: pl.LazyFrame, known: pl.LazyFrame, reference: Reference, min_rows: int) -> int | None:
    """How many rows refer to what is nowhere; 0 where they are few enough; None: too few rows to say.

    Args:
        values, known: one column, `value`; rows without one refer to nothing.
    """
    referring = values.drop_nulls()
    told = referring.select(rows=pl.len()).collect().item()
    if told < max(min_rows, 1):
        return None
    lost = referring.join(known, on="value", how="anti").select(pl.len()).collect().item()
    return int(lost) if lost > (1 - reference.mostly) * told else 0
