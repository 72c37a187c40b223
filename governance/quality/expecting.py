"""Great Expectations over polars rows: which rows fail which expectation, as row numbers and nothing else.

Its results hold failing values in almost every format, so they never leave `failing_rows`.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from governance.errors import FeedbackError
from governance.quality.suites import Expectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.datasource.fluent.interfaces import Batch

ROW = "row_number"
# 100,000 rows are about 1.3 s and keep the pandas copy of a chunk near 100 MB.
CHUNK_ROWS = 100_000
# First whether any row fails at all, for two thirds of the time; of what fails, every row by its place in the chunk,
# without the values that failed.
_PLACE = "place_in_chunk"
_COUNTED = {"result_format": "BASIC", "partial_unexpected_count": 0}
_PLACED = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [_PLACE],
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}

# Whether there is a value at all, whatever it is.
_OF_PRESENCE = frozenset(("expect_column_values_to_not_be_null", "expect_column_values_to_be_null"))

_MATCHES = "expect_column_values_to_match_regex"
# A class of signs so many times, as ids have it: Rust and Python read it alike, but Python lets a line feed follow.
_PLAIN_PATTERN = re.compile(r"\^\[[0-9A-Za-z-]+\]\{\d+(?:,\d+)?\}\$")

# The places in a chunk that fail, per expectation in the order given.
Validate = Callable[[pl.DataFrame], list[list[int]]]
Run = Callable[["Batch"], "dict[str, ExpectationValidationResult]"]


def failing_rows(rows: pl.DataFrame, expectations: Sequence[Expectation], chunk_rows: int = CHUNK_ROWS) -> pl.DataFrame:
    """Row expectations run over every row of `rows`, in bounded chunks.

    Whether a row fails depends on its values in the columns an expectation names, and on nothing else. So each distinct
    combination of them is judged once, and what it is found to be holds for every row that has it: 200,000 spans in
    half the time. A list is judged entry by entry (an attribute as `key=value`); one that fails, fails its row.

    Args:
        rows: the columns the expectations name; one row per record.
        chunk_rows: how many distinct values are in pandas at a time.

    Returns:
        One row per failure: `row_number` (from 0) and `expectation` (its place in `expectations`), sorted.

    Raises:
        FeedbackError: an expectation could not be computed; nothing may pass then.
    """
    failures = [pl.DataFrame(schema={ROW: pl.Int64, "expectation": pl.Int64})]
    by_columns: dict[tuple[str, ...], list[int]] = {}
    for place, expectation in enumerate(expectations):
        by_columns.setdefault(_judged_by(expectation), []).append(place)
    for columns, places in by_columns.items() if rows.height else ():
        together = [expectations[place] for place in places]
        validate, judged = _validator(together), _judged(rows.select(columns), together)
        for chunk in _distinct(judged).iter_slices(chunk_rows):
            for place, found in zip(places, validate(chunk), strict=True):
                if found:
                    failing = _entries(judged.with_row_index(ROW)).join(
                        chunk[found], on=columns, how="semi", nulls_equal=True
                    )
                    number = pl.col(ROW).cast(pl.Int64)
                    failures.append(failing.select(number, expectation=pl.lit(place, pl.Int64)).unique())
    return pl.concat(failures).sort(ROW, "expectation")


def _judged_by(expectation: Expectation) -> tuple[str, ...]:
    """The columns that decide whether a row fails an expectation."""
    only = (expectation.only.column,) if expectation.only else ()
    return tuple(dict.fromkeys((*expectation.columns, *only)))


def _judged(rows: pl.DataFrame, expectations: Sequence[Expectation]) -> pl.DataFrame:
    """What of the columns decides: of those that nothing but presence is asked of, whether there is a value.

    An id or a time differs in every row: of 160,000 spans two columns less are made distinct, copied and hashed. Of ids
    that fit the patterns asked of them one is judged for all: 7 s of a processor for a million spans, not 13.
    """
    asked = [one for one in expectations if one.type not in _OF_PRESENCE]
    if any(one.only for one in expectations):
        return rows
    if not asked:
        there = pl.lit(value=True)
        return rows.select(pl.when(pl.col(name).is_not_null()).then(there).alias(name) for name in rows.columns)
    patterns = [_plain_pattern(one) for one in asked]
    if rows.dtypes != [pl.String] or not all(patterns):
        return rows
    fits = pl.all_horizontal(pl.first().str.contains(pattern) for pattern in patterns)
    return rows.select(pl.when(fits).then(pl.first().filter(fits).first()).otherwise(pl.first()).alias(rows.columns[0]))


def _plain_pattern(expectation: Expectation) -> str:
    """The pattern that every value must match, where it is a plain one; else empty."""
    pattern = str(expectation.kwargs.get("regex", ""))
    is_only_that = expectation.type == _MATCHES and expectation.kwargs.keys() == {"column", "regex"}
    return pattern if is_only_that and _PLAIN_PATTERN.fullmatch(pattern) else ""


def _distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """Each combination of values once; see `_entries` for lists."""
    has_list = any(isinstance(kind, pl.List) for kind in rows.schema.values())
    return _entries(rows, is_each_once=True) if has_list else rows.unique()


def _entries(rows: pl.DataFrame, *, is_each_once: bool = False) -> pl.DataFrame:
    """`rows` with each entry of a list as a text in a row of its own; an empty list has one entry, ""."""
    for name, kind in rows.schema.items():
        if not isinstance(kind, pl.List):
            continue
        is_list = "is_list"
        rows = rows.with_columns(pl.col(name).is_not_null().alias(is_list)).explode(name, empty_as_null=True)
        rows = rows.unique() if is_each_once else rows
        entry = pl.col(name)
        if isinstance(kind.inner, pl.Struct):
            key, value = (pl.col(name).struct.field(field).fill_null("") for field in ("key", "value"))
            entry = pl.when(pl.col(name).is_not_null()).then(pl.concat_str(key, value, separator="="))
        rows = rows.with_columns(pl.when(is_list).then(entry.fill_null("")).alias(name)).drop(is_list)
    return rows


@cache
def load_engine() -> None:
    """Import Great Expectations once (5 to 12 s), without a word to the network or the terminal."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its warnings can quote values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own use of deprecated modules
        import great_expectations.expectations  # noqa: F401


def _validator(expectations: Sequence[Expectation]) -> Validate:
    load_engine()
    batch_of, counted = _batches(), _run_of(expectations, _COUNTED)

    def validate(chunk: pl.DataFrame) -> list[list[int]]:
        batch = batch_of(chunk.with_row_index(_PLACE))
        passed = {
            name for name, one in counted(batch).items() if one.success and one.result.get("unexpected_count") == 0
        }
        rest = [one for one in expectations if one.name not in passed]
        found = _run_of(rest, _PLACED)(batch) if rest else {}
        failed = {name: _failed(name, one.result, is_passed=one.success) for name, one in found.items()}
        return [[] if one.name in passed else failed[one.name] for one in expectations]

    return validate


def _run_of(expectations: Sequence[Expectation], result_format: Mapping[str, object]) -> Run:
    """Runs the expectations over a batch; the results by name."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    suite = gx.ExpectationSuite("gate")
    for expectation in expectations:
        arguments: dict[str, object] = {**expectation.kwargs, "meta": {"name": expectation.name}}
        if expectation.only:
            arguments["row_condition"] = Column(expectation.only.column).is_in(list(expectation.only.values))
        suite.add_expectation(getattr(gxe, _class_name(expectation.type))(**arguments))

    def run(batch: Batch) -> dict[str, ExpectationValidationResult]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own; a warning is no failure of a row
            outcome = batch.validate(suite, result_format=dict(result_format))
        return {one.expectation_config.meta["name"]: one for one in outcome.results if one.expectation_config}

    return run


@cache
def _batches() -> Callable[[pl.DataFrame], Batch]:
    """Turns rows into a batch of theirs; made once (0.1 s)."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("records").add_dataframe_asset("records")
    definition = asset.add_batch_definition_whole_dataframe("chunk")
    return lambda rows: definition.get_batch(batch_parameters={"dataframe": rows.to_pandas()})


def _class_name(snake: str) -> str:
    return "".join(word.capitalize() for word in snake.split("_"))


def _failed(name: str, result: dict[str, object], *, is_passed: bool | None) -> list[int]:
    """The failing places; an expectation that raised or lost count of its rows has judged nothing."""
    groups = result.get("unexpected_index_list")
    failed = [int(row) for group in groups for row in group[_PLACE]] if isinstance(groups, list) else []
    is_complete = result.get("unexpected_count") == len(failed) and is_passed is (not failed)
    if not is_complete and result.get("element_count") != 0:
        raise FeedbackError(
            f"gate: expectation {name} could not be computed; rows it cannot judge may not pass; "
            f"check its type and kwargs in governance/expectations"
        )
    return failed
