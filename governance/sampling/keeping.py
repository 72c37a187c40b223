"""The rows of the kept traces and templates, with weight and reason; and what became of all rows, per reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from governance.errors import FeedbackError
from governance.sampling.draws import draws
from governance.sampling.policy import SamplingPolicy
from governance.sampling.schemas import (
    OUTCOMES_SCHEMA,
    RECORD_TEMPLATES_SCHEMA,
    SAMPLED_LOGS_SCHEMA,
    SAMPLED_SPANS_SCHEMA,
    TEMPLATE_RATES_SCHEMA,
    VERDICTS_SCHEMA,
    require,
)
from governance.sampling.verdicts import Rates

Rows = pl.DataFrame | pl.LazyFrame


@dataclass(frozen=True)
class Sample:
    """The kept rows of a day, in the order they came in, and what became of all of them.

    Attributes:
        rows: SAMPLED_SPANS_SCHEMA or SAMPLED_LOGS_SCHEMA.
        outcomes: OUTCOMES_SCHEMA; its rows add up to those of the day.
    """

    rows: pl.DataFrame
    outcomes: pl.DataFrame


def sample_spans(spans: Rows, verdicts: pl.DataFrame) -> Sample:
    """The spans of the kept traces; one row per span. A span without trace id is kept.

    Only what decides is read whole; the wide columns only of what is kept.

    Raises:
        FeedbackError: a trace has no verdict: the verdicts were made from the traits of another state of the day.
    """
    narrow = _narrow(spans, "service", "trace_id", "raw_bytes")
    judged = narrow.join(_judged(verdicts), on="trace_id", how="left", maintain_order="left")
    without_trace = pl.col("trace_id").is_null()
    lost = judged.select((pl.col("reason").is_null() & ~without_trace).sum()).item()
    if lost:
        raise FeedbackError(
            f"sample spans: {lost} spans have no verdict; expected one per trace; make the traits again"
        )
    decided = judged.with_columns(
        is_kept=without_trace | pl.col("is_kept"),
        weight=pl.when(without_trace).then(1.0).otherwise("weight"),
        reason=pl.when(without_trace).then(pl.lit("no_trace")).otherwise("reason"),
    )
    return Sample(require(_kept(spans, decided), SAMPLED_SPANS_SCHEMA, "sampled spans"), _outcomes(decided))


def count_untraced(logs: Rows, verdicts: pl.DataFrame, record_templates: pl.DataFrame) -> pl.DataFrame:
    """How many records follow no trace, by template (template_id, record_count)."""
    return (
        logs.lazy()
        .select("record_id", "trace_id")
        .join(_judged(verdicts).lazy(), on="trace_id", how="anti")
        .join(require(record_templates, RECORD_TEMPLATES_SCHEMA, "untraced records").lazy(), on="record_id")
        .group_by("template_id")
        .agg(record_count=pl.len().cast(pl.Int64))
        .collect()
    )


def template_rates(
    untraced: pl.DataFrame, new_templates: pl.Series, rates: Rates, policy: SamplingPolicy
) -> pl.DataFrame:
    """The probability of the records that follow no trace, by template (TEMPLATE_RATES_SCHEMA); stored with the day.

    Args:
        untraced: how many those are over the whole day, see `count_untraced`.
        new_templates: the ids of the templates that are new that day.
    """
    is_new = pl.col("template_id").is_in(new_templates.implode())
    kept_of_new = pl.when(is_new).then(policy.new_templates.kept_per_template)
    reasons = {
        "template_share": pl.lit(rates.logs),
        "whole_template": _at_least(pl.lit(policy.logs.kept_whole_up_to), rates),
        "new_template": _at_least(kept_of_new, rates).fill_null(0.0),
    }
    judged = untraced.with_columns(**reasons).with_columns(probability=pl.max_horizontal(list(reasons)))
    named = [
        pl.when(pl.col(name) == pl.col("probability")).then(pl.lit(name))
        for name in ("new_template", "whole_template", "template_share")
    ]
    told = judged.with_columns(reason=pl.coalesce(named)).sort("template_id")
    return require(told, TEMPLATE_RATES_SCHEMA, "template rates")


def sample_logs(
    logs: Rows,
    verdicts: pl.DataFrame,
    record_templates: pl.DataFrame,
    rates: pl.DataFrame,
    policy: SamplingPolicy,
) -> Sample:
    """The kept log records; one row per record.

    A record follows its trace where that has a verdict; else it is drawn by its id at the rate of its template
    (`rates`, see `template_rates`). What the policy always keeps has weight 1 whatever else speaks for it: a record
    that two draws could keep would weigh too much.
    """
    by_template = (
        require(record_templates, RECORD_TEMPLATES_SCHEMA, "sample logs, record templates")
        .join(require(rates, TEMPLATE_RATES_SCHEMA, "sample logs, rates"), on="template_id")
        .select("record_id", "probability", template_reason="reason")
    )
    narrow = _narrow(
        logs,
        *("service", "trace_id", "record_id", "raw_bytes"),
        is_forced=policy.always_keep.matches(),
    )
    judged = narrow.join(_judged(verdicts), on="trace_id", how="left", maintain_order="left").join(
        by_template, on="record_id", how="left", maintain_order="left"
    )
    follows = pl.col("reason").is_not_null()
    is_sure = pl.col("is_forced") & ~(follows & (pl.col("weight") == 1))
    probability = pl.when(is_sure).then(1.0).otherwise("probability").fill_null(1.0)
    judged = judged.with_columns(probability=probability, follows=follows & ~is_sure)
    decided = judged.with_columns(
        is_kept=pl.when("follows").then("is_kept").otherwise(_drawn(judged)),
        weight=pl.when("follows").then("weight").otherwise(1 / pl.col("probability")),
        reason=pl.when("follows")
        .then("reason")
        .when("is_forced")
        .then(pl.lit("forced"))
        .otherwise(pl.col("template_reason").fill_null("new_template")),
    )
    return Sample(require(_kept(logs, decided), SAMPLED_LOGS_SCHEMA, "sampled logs"), _outcomes(decided))


def _at_least(number: pl.Expr, rates: Rates) -> pl.Expr:
    """The probability that leaves about `number` records of a template."""
    return (number / pl.col("record_count")).clip(upper_bound=1.0) * rates.prioritised


def _judged(verdicts: pl.DataFrame) -> pl.DataFrame:
    return require(verdicts, VERDICTS_SCHEMA, "verdicts")


def _drawn(judged: pl.DataFrame) -> pl.Expr:
    """Whether a record is drawn by its id; only those that need it are hashed."""
    open_ids = judged.filter(~pl.col("follows") & (pl.col("probability") < 1)).select("row", "record_id")
    drawn = open_ids.select("row", draw=draws(open_ids["record_id"]))
    draw = judged.select("row").join(drawn, on="row", how="left", maintain_order="left")["draw"]
    return draw.fill_null(0.0) < pl.col("probability")


def _narrow(rows: Rows, *columns: str, **computed: pl.Expr) -> pl.DataFrame:
    return rows.lazy().select(*columns, **computed).with_row_index("row").collect()


def _kept(rows: Rows, decided: pl.DataFrame) -> pl.DataFrame:
    """The kept rows with all their columns. By their place: two records could have one id."""
    kept = decided.lazy().filter("is_kept").select("row", "weight", kept_because="reason")
    return rows.lazy().with_row_index("row").join(kept, on="row", maintain_order="left").drop("row").collect()


def _outcomes(decided: pl.DataFrame) -> pl.DataFrame:
    size, is_kept = pl.col("raw_bytes").fill_null(0), pl.col("is_kept")
    counted = decided.group_by("service", "reason").agg(
        kept_rows=is_kept.sum().cast(pl.Int64),
        kept_bytes=size.filter(is_kept).sum(),
        removed_rows=(~is_kept).sum().cast(pl.Int64),
        removed_bytes=size.filter(~is_kept).sum(),
    )
    return require(counted.sort("service", "reason"), OUTCOMES_SCHEMA, "outcomes")
