"""Expectations about a whole day at once, computed by polars: uniqueness, counts, proportions."""

from __future__ import annotations

import polars as pl

from governance.quality.suites import Expectation


def offending(frame: pl.DataFrame, expectation: Expectation) -> int:
    """How many rows break the expectation; 1 for a figure outside its bounds; 0 where it holds.

    A day without rows breaks only an expectation about the number of rows: no data is not a wrong value.
    """
    column = expectation.columns[0] if expectation.columns else ""
    if expectation.type == "expect_table_row_count_to_be_between":
        return _outside(frame.height, expectation)
    if frame.is_empty():
        return 0
    values = frame.get_column(column)
    if expectation.type == "expect_column_values_to_be_unique":
        return int(values.drop_nulls().is_duplicated().sum())
    if expectation.type == "expect_column_unique_value_count_to_be_between":
        return _outside(values.drop_nulls().n_unique(), expectation)
    return _outside(1 - values.null_count() / frame.height, expectation)


def _outside(figure: float, expectation: Expectation) -> int:
    low, high = expectation.kwargs.get("min_value"), expectation.kwargs.get("max_value")
    is_low = isinstance(low, int | float) and figure < low
    is_high = isinstance(high, int | float) and figure > high
    return int(is_low or is_high)
