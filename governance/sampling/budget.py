"""What a day offers, and the rates that keep a later day within the budget.

The rates of a day follow from the days before it, never from the day itself: what is kept of a row must not depend on
who else came that day, and a day that is closed must stay as it is. So the budget holds on average; a day busier than
those before it exceeds it, and the days after it make up for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context

import polars as pl

from governance.sampling.policy import SamplingPolicy
from governance.sampling.schemas import RECORD_TEMPLATES_SCHEMA, TRAITS_SCHEMA, VOLUMES_SCHEMA, require
from governance.sampling.verdicts import Rates

# Rates are rounded down, so that a late span in one day does not change a week of others.
_ROUNDED = Context(prec=2, rounding=ROUND_FLOOR)
_SIZES = ("row_count", "raw_bytes")


@dataclass(frozen=True)
class LogOffer:
    """What log records offer: those of known traces by part (VOLUMES_SCHEMA), the others by template."""

    traced: pl.DataFrame
    templates: pl.DataFrame


def span_volumes(traits: pl.DataFrame, policy: SamplingPolicy) -> pl.DataFrame:
    """The spans of traces by part (VOLUMES_SCHEMA), from the traits of their own day."""
    sized = require(traits, TRAITS_SCHEMA, "span volumes").rename({"span_count": "row_count"})
    return total_volumes([_trace_parts(sized, policy)])


def log_offer(
    logs: pl.DataFrame, traits: pl.DataFrame, record_templates: pl.DataFrame, policy: SamplingPolicy
) -> LogOffer:
    """What the log records of a part of a day that holds whole traces offer.

    Args:
        logs: one row per record: record_id, trace_id, raw_bytes.
        traits: those of the same day, one row per trace; a record of a trace they do not know counts as untraced.
        record_templates: RECORD_TEMPLATES_SCHEMA.
    """
    sizes = {"row_count": pl.len().cast(pl.Int64), "raw_bytes": pl.col("raw_bytes").sum()}
    flags = require(traits, TRAITS_SCHEMA, "log offer, traits").drop("raw_bytes")
    traced = logs.group_by("trace_id").agg(**sizes).join(flags, on="trace_id")
    shaped = require(record_templates, RECORD_TEMPLATES_SCHEMA, "log offer, record templates")
    untraced = logs.join(flags, on="trace_id", how="anti").join(shaped, on="record_id", how="left")
    return LogOffer(total_volumes([_trace_parts(traced, policy)]), untraced.group_by("template_id").agg(**sizes))


def log_volumes(offers: Sequence[LogOffer], policy: SamplingPolicy) -> pl.DataFrame:
    """The log records of a day by part (VOLUMES_SCHEMA), from what its parts offer."""
    templates = pl.concat([offer.templates for offer in offers]).group_by("template_id").agg(pl.col(_SIZES).sum())
    whole = pl.min_horizontal(1.0, policy.logs.kept_whole_up_to / pl.col("row_count"))
    return total_volumes(
        [
            *(offer.traced for offer in offers),
            templates.select(pl.lit("untraced").alias("part"), *_SIZES),
            templates.select(pl.lit("prioritised").alias("part"), *_shares(whole)),
        ]
    )


def total_volumes(volumes: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Volumes together (VOLUMES_SCHEMA)."""
    total = pl.concat(volumes).group_by("part").agg(pl.col(_SIZES).sum()).sort("part")
    return require(total, VOLUMES_SCHEMA, "volumes")


def rates_after(volumes: pl.DataFrame, day_count: int, policy: SamplingPolicy) -> Rates:
    """The rates of a day that follows on `day_count` days with these volumes (VOLUMES_SCHEMA, of all of them together).

    What is always kept comes first. Of the rest of the budget the prioritised get what they need, and the ordinary what
    is then left, but never less than the reserve: a class of which nothing is kept could not be estimated. Where the
    prioritised alone need more, their rate falls too.
    """
    of_policy = Rates.of_policy(policy)
    if policy.budget.per_day is None or not day_count:
        return of_policy
    size = _size(policy)
    summed = require(volumes, VOLUMES_SCHEMA, "rates").group_by("part").agg(pl.col(size).sum())
    totals = {part: amount / day_count for part, amount in summed.iter_rows()}
    certain, prioritised = totals.get("certain", 0.0), totals.get("prioritised", 0.0)
    ordinary = of_policy.ordinary * totals.get("ordinary", 0.0) + of_policy.logs * totals.get("untraced", 0.0)
    reserve = policy.budget.ordinary_reserve
    room = max(policy.budget.per_day - certain, reserve * policy.budget.per_day)
    left = _fraction(max(room - prioritised, reserve * room), ordinary)
    return replace(
        of_policy,
        ordinary=of_policy.ordinary * left,
        logs=of_policy.logs * left,
        prioritised=_fraction(room - left * ordinary, prioritised),
        day_count=day_count,
    )


def _size(policy: SamplingPolicy) -> str:
    """The column that the budget is about."""
    return "row_count" if policy.budget.unit == "rows" else "raw_bytes"


def _trace_parts(traces: pl.DataFrame, policy: SamplingPolicy) -> pl.DataFrame:
    """One row per trace. What a floor keeps counts as prioritised; no trace counts as more than a day's budget.

    One of a million spans says nothing of the days after it, which would make up for it with all their failing traces.
    """
    is_prioritised = pl.col("has_error") | pl.col("is_slow") | pl.col("is_rare") | pl.col("floor_share").is_not_null()
    part = pl.when("is_forced").then(pl.lit("certain")).when(is_prioritised).then(pl.lit("prioritised"))
    most = {_size(policy): pl.min_horizontal(_size(policy), pl.lit(policy.budget.per_day, pl.Int64))}
    return traces.with_columns(**most).select(part.otherwise(pl.lit("ordinary")).alias("part"), *_SIZES)


def _shares(share: pl.Expr) -> list[pl.Expr]:
    """The sizes times `share`, rounded up in sum: the order of rows must not matter, so integers are added."""
    millionths = (share * 1_000_000).round().cast(pl.Int64)
    return [((pl.col(name).cast(pl.Int128) * millionths).sum() / 1_000_000).ceil().cast(pl.Int64) for name in _SIZES]


def _fraction(amount: float, of: float) -> float:
    """amount / of, rounded down to two digits; at most 1."""
    return 1.0 if of <= amount else float(_ROUNDED.create_decimal_from_float(amount / of))
