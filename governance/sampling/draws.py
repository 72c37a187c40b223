"""The one random number of a trace or record, made from its id; and the first of a group by it."""

from __future__ import annotations

import hashlib

import polars as pl


def draws(ids: pl.Series) -> pl.Series:
    """A number in [0, 1) for each id, always the same: some systems' ids are not uniform, their BLAKE2b is.

    Not polars' own hash, which changes between versions; about 1 M ids/s.
    """
    blake2b, read = hashlib.blake2b, int.from_bytes
    return pl.Series(
        [read(blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48 for text in ids.fill_null("")],
        dtype=pl.Float64,
    )


def first_of(drawn: pl.LazyFrame, group: str, trace: str, number: int) -> pl.LazyFrame:
    """The first `number` traces of each group by their draw. Those of a whole are among those of its parts.

    Args:
        drawn: one row per distinct trace and group: `trace`, draw, `group`.
    """
    return drawn.sort("draw", trace).filter(pl.int_range(pl.len()).over(group) < number).select(group, trace, "draw")


def shares_of_the_first(drawn: pl.LazyFrame, group: str, trace: str, number: int) -> pl.LazyFrame:
    """The first `number` traces of each group by their draw, with the probability they have; one row per trace.

    Which are the first depends on the others' draws. Given those, a trace is among them exactly when its draw is below
    the one that comes next, so that is its probability (rank conditioning: Cohen and Kaplan 2008, Tighter estimation
    using bottom-k sketches); 1 where there are no more. Sums of its weights are unbiased, and no group is short.

    Args:
        drawn: one row per distinct trace and group: `trace`, draw, `group`; what `first_of` says of one more is enough.

    Returns:
        `trace` and share; of several groups the greatest share.
    """
    following = pl.col("draw").sort().get(number, null_on_oob=True).over(group).fill_null(1.0)
    return (
        drawn.sort("draw", trace)
        .with_columns(share=following, place=pl.col("draw").rank("ordinal").over(group))
        .filter(pl.col("place") <= number)
        .group_by(trace)
        .agg(pl.col("share").max())
    )
