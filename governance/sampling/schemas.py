"""The exact shape of everything the sampling reads and leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from governance.errors import FeedbackError
from governance.signals import SIGNALS, TIMESTAMP

# One row per trace of a day: what the verdicts are made from.
TRAITS_SCHEMA = pl.Schema(
    {
        "trace_id": pl.String(),
        "account_id": pl.String(),
        "has_error": pl.Boolean(),
        "is_slow": pl.Boolean(),
        "is_rare": pl.Boolean(),
        "is_forced": pl.Boolean(),
        "first_span_at": TIMESTAMP,
        "root_service": pl.String(),
        "root_operation": pl.String(),
        "root_duration_ns": pl.Int64(),
        "span_count": pl.Int64(),
        "raw_bytes": pl.Int64(),
        "draw": pl.Float64(),  # in [0, 1), from its id: it is kept where that is below its probability
        "floor_share": pl.Float64(),  # its probability by the floor of a service; null: none is for it
    }
)
# One row per trace that is among the first with a new template, and the probability it has by that.
NEWS_SCHEMA = pl.Schema({"trace_id": pl.String(), "new_template_share": pl.Float64()})
# One row per part of what a day offers (see budget): so much of it would be kept if its rate were 1.
VOLUMES_SCHEMA = pl.Schema({"part": pl.String(), "row_count": pl.Int64(), "raw_bytes": pl.Int64()})
# One row: the rates of a day (see verdicts.Rates), and how many days before it they follow from.
RATES_SCHEMA = pl.Schema(
    {"ordinary": pl.Float64(), "logs": pl.Float64(), "prioritised": pl.Float64(), "day_count": pl.Int64()}
)
# One row per trace. weight: 1 / the probability it had, also where it is dropped.
VERDICTS_SCHEMA = pl.Schema(
    {"trace_id": pl.String(), "is_kept": pl.Boolean(), "weight": pl.Float64(), "reason": pl.String()}
)
# One row per log record: which template it is an instance of.
RECORD_TEMPLATES_SCHEMA = pl.Schema({"record_id": pl.String(), "template_id": pl.String()})
# One row per template with records that follow no trace: the probability of each of those.
TEMPLATE_RATES_SCHEMA = pl.Schema({"template_id": pl.String(), "probability": pl.Float64(), "reason": pl.String()})
# One row per service and reason: what was kept for it, and what was removed although it spoke for it.
OUTCOMES_SCHEMA = pl.Schema(
    {
        "service": pl.String(),
        "reason": pl.String(),
        "kept_rows": pl.Int64(),
        "kept_bytes": pl.Int64(),
        "removed_rows": pl.Int64(),
        "removed_bytes": pl.Int64(),
    }
)

_KEPT = pl.Schema({"weight": pl.Float64(), "kept_because": pl.String()})
SAMPLED_SPANS_SCHEMA = pl.Schema({**SIGNALS["spans"].schema, **_KEPT})
SAMPLED_LOGS_SCHEMA = pl.Schema({**SIGNALS["logs"].schema, **_KEPT})


def require(frame: pl.DataFrame, schema: Mapping[str, pl.DataType], where: str) -> pl.DataFrame:
    """`frame` reduced to the columns of `schema`, in its order.

    Raises:
        FeedbackError: a column is missing or has another type.
    """
    for name, wanted in schema.items():
        found = frame.schema.get(name)
        if found != wanted:
            raise FeedbackError(f"{where}: column {name} is {found or 'missing'}; expected {wanted}; pass that state")
    return frame if frame.columns == list(schema) else frame.select(schema.keys())
