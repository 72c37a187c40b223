"""Great Expectations over polars rows: which rows fail which expectation, as row numbers and nothing else.

Its results hold failing values in almost every format, so they never leave `failing_rows`.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from functools import cache

import polars as pl

from governance.errors import FeedbackError
from governance.quality.suites import Expectation

ROW = "row_number"
# 100,000 rows are about 1.3 s and keep the pandas copy of a chunk near 100 MB.
CHUNK_ROWS = 100_000
# Every failing row by its number, without the values that failed.
_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "unexpected_index_column_names": [ROW],
    "exclude_unexpected_values": True,
    "return_unexpected_index_query": False,
}

# The rows of a chunk that fail, per expectation in the order given.
Validate = Callable[[pl.DataFrame], list[list[int]]]


def failing_rows(rows: pl.DataFrame, expectations: Sequence[Expectation], chunk_rows: int = CHUNK_ROWS) -> pl.DataFrame:
    """Row expectations run over every row of `rows`, in bounded chunks.

    Args:
        rows: the columns the expectations name; one row per record.
        chunk_rows: how many rows are in pandas at a time.

    Returns:
        One row per failure: `row_number` (from 0) and `expectation` (its place in `expectations`), sorted.

    Raises:
        FeedbackError: an expectation could not be computed; nothing may pass then.
    """
    failures = [pl.DataFrame(schema={ROW: pl.Int64, "expectation": pl.Int64})]
    if rows.height and expectations:
        validate = _validator(expectations)
        numbered = _flat(rows).with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
        for chunk in numbered.iter_slices(chunk_rows):
            for place, found in enumerate(validate(chunk)):
                failed = pl.Series(ROW, found, pl.Int64)
                failures.append(pl.DataFrame({ROW: failed}).with_columns(expectation=pl.lit(place, pl.Int64)))
    return pl.concat(failures).sort(ROW, "expectation")


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Lists as one text per row (attributes: `key=value` lines): regular expressions cannot see into them."""
    texts = []
    for name, kind in rows.schema.items():
        if isinstance(kind, pl.List):
            item = pl.element()
            if isinstance(kind.inner, pl.Struct):
                parts = (item.struct.field("key").fill_null(""), item.struct.field("value").fill_null(""))
                item = pl.concat_str(*parts, separator="=")
            texts.append(pl.col(name).list.eval(item).list.join("\n", ignore_nulls=True))
    return rows.with_columns(texts)


@cache
def _start() -> None:
    """Import once (5 to 12 s), without a word to the network or the terminal."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its warnings can quote values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own use of deprecated modules
        import great_expectations.expectations  # noqa: F401


def _validator(expectations: Sequence[Expectation]) -> Validate:
    _start()
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.row_conditions import Column

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("records").add_dataframe_asset("records")
    definition = asset.add_batch_definition_whole_dataframe("chunk")
    suite = gx.ExpectationSuite("gate")
    for expectation in expectations:
        arguments: dict[str, object] = {**expectation.kwargs, "meta": {"name": expectation.name}}
        if expectation.only:
            arguments["row_condition"] = Column(expectation.only.column).is_in(list(expectation.only.values))
        suite.add_expectation(getattr(gxe, _class_name(expectation.type))(**arguments))

    def validate(chunk: pl.DataFrame) -> list[list[int]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own; a warning is no failure of a row
            batch = definition.get_batch(batch_parameters={"dataframe": chunk.to_pandas()})
            outcome = batch.validate(suite, result_format=_RESULT_FORMAT)
        found = {one.expectation_config.meta["name"]: one for one in outcome.results if one.expectation_config}
        return [_failed(e.name, found[e.name].result, is_passed=found[e.name].success) for e in expectations]

    return validate


def _class_name(snake: str) -> str:
    return "".join(word.capitalize() for word in snake.split("_"))


def _failed(name: str, result: dict[str, object], *, is_passed: bool | None) -> list[int]:
    """The failing row numbers; an expectation that raised or lost count of its rows has judged nothing."""
    groups = result.get("unexpected_index_list")
    failed = [int(row) for group in groups for row in group[ROW]] if isinstance(groups, list) else []
    is_complete = result.get("unexpected_count") == len(failed) and is_passed is (not failed)
    if not is_complete and result.get("element_count") != 0:
        raise FeedbackError(
            f"gate: expectation {name} could not be computed; rows it cannot judge may not pass; "
            f"check its type and kwargs in governance/expectations"
        )
    return failed
