"""Expectations about a whole day at once, computed by polars: uniqueness, counts, proportions."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from governance.quality.suites import COMPARING, Expectation


def offending(rows: pl.LazyFrame, height: int, expectation: Expectation, parts: int = 1) -> int | None:
    """How many rows break the expectation; 1 for a figure outside its bounds; 0 where it holds.

    A day without rows breaks only an expectation about the number of rows: no data is not a wrong value. Of one that
    compares days (COMPARING) a day alone says nothing: None.

    Args:
        rows: those of the day.
        height: how many there are.
        parts: in how many turns the values of a column are compared, so that they need not be held all at once.
    """
    if expectation.type in COMPARING:
        return None
    if expectation.type == "expect_table_row_count_to_be_between":
        return _outside(height, expectation)
    if not height:
        return 0
    values = rows.select(value=expectation.columns[0])
    if expectation.type == "expect_column_values_to_be_unique":
        return sum(
            _int(repeated.select(pl.col("len").filter(pl.col("len") > 1).sum())) for repeated in _met(values, parts)
        )
    if expectation.type == "expect_column_unique_value_count_to_be_between":
        return _outside(sum(_int(met.select(pl.len())) for met in _met(values, parts)), expectation)
    return _outside(1 - _int(values.select(pl.col("value").null_count())) / height, expectation)


def _met(values: pl.LazyFrame, parts: int) -> Iterator[pl.LazyFrame]:
    """How often each value is there (value, len), those of equal hash together."""
    for part in range(parts):
        own = values if parts == 1 else values.filter(pl.col("value").hash(0) % parts == part)
        yield own.drop_nulls().group_by("value").len()


def _int(figure: pl.LazyFrame) -> int:
    return int(figure.collect(engine="streaming").item())


def _outside(figure: float, expectation: Expectation) -> int:
    low, high = expectation.kwargs.get("min_value"), expectation.kwargs.get("max_value")
    is_low = isinstance(low, int | float) and figure < low
    is_high = isinstance(high, int | float) and figure > high
    return int(is_low or is_high)
