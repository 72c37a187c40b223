"""Keep or drop, trace by trace: every reason gives a probability, the greatest is the trace's own, one draw decides.

All reasons look at the same draw (consistent sampling, Duffield and Grossglauser 2001): a trace is kept when its hash
is below the greatest of its probabilities, so the weight 1 / that is honest however many reasons it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import polars as pl

from governance.sampling.policy import SamplingPolicy
from governance.sampling.schemas import NEWS_SCHEMA, RATES_SCHEMA, TRAITS_SCHEMA, VERDICTS_SCHEMA, require


@dataclass(frozen=True)
class Rates:
    """The probabilities of one day.

    Attributes:
        ordinary: of a trace nothing speaks for.
        logs: of a log record without a trace, in a template nothing speaks for.
        prioritised: what is left of every other probability when a budget cuts; 1 where it does not have to.
        day_count: the number of earlier days these follow from; 0: they are the policy's.
    """

    ordinary: float
    logs: float
    prioritised: float = 1.0
    day_count: int = 0

    @classmethod
    def of_policy(cls, policy: SamplingPolicy) -> Rates:
        """The rates of a day without a budget, or without a day before it."""
        return cls(policy.traces.ordinary_share, policy.logs.ordinary_share)

    @property
    def frame(self) -> pl.DataFrame:
        """As the lake keeps them: one row of RATES_SCHEMA."""
        return pl.DataFrame([asdict(self)], schema=RATES_SCHEMA)


@dataclass(frozen=True)
class TraceDay:
    """What is known of the traces of one day.

    Attributes:
        traits: one row per trace, whichever sources it came from (TRAITS_SCHEMA).
        news: the traces with a new template on that day (NEWS_SCHEMA).
        rates: the rates of the day.
    """

    traits: pl.DataFrame
    news: pl.DataFrame
    rates: Rates


def verdicts(window: Sequence[TraceDay]) -> pl.DataFrame:
    """Keep or drop (VERDICTS_SCHEMA); one row per trace of the days (a log record can be a day away from its spans).

    A trace seen on more than one day is kept with weight 1: each of its days sees a neighbour, so they all agree,
    however many days there are and whatever happened on those out of sight. (Only a trace that pauses for a whole day
    looks like two.) No budget cuts it, since no rate of a single day is known to all of them.

    Args:
        window: the day and its neighbours, as far as they exist.
    """
    flags = pl.col("has_error", "is_slow", "is_rare", "is_forced").any()
    shares = pl.col("floor_share", "new_template_share").max()
    same = pl.col("draw", "ordinary", "prioritised").first()  # of several days no rate counts
    seen = pl.concat([_EMPTY, *(_rated(day) for day in window)])
    traces = seen.group_by("trace_id").agg(flags, shares, same, pl.len().alias("days")).sort("trace_id")
    judged = (
        traces.with_columns(**_PROBABILITIES)
        .with_columns(probability=pl.max_horizontal(list(_PROBABILITIES)), reason=_reason())
        .with_columns(is_kept=pl.col("draw") < pl.col("probability"), weight=1 / pl.col("probability"))
    )
    return require(judged, VERDICTS_SCHEMA, "verdicts")


# What each reason alone gives a trace, null where it does not apply; in the order in which they name it.
_LEFT = pl.col("prioritised")
_PROBABILITIES = {
    "crosses_midnight": pl.when(pl.col("days") > 1).then(1.0),
    "forced": pl.when("is_forced").then(1.0),
    "error": pl.when("has_error").then(_LEFT),
    "slow": pl.when("is_slow").then(_LEFT),
    "rare": pl.when("is_rare").then(_LEFT),
    "new_template": pl.col("new_template_share") * _LEFT,
    "floor": pl.col("floor_share") * _LEFT,
    "share": pl.col("ordinary"),
}
_EMPTY = pl.DataFrame(
    schema={
        **{name: TRAITS_SCHEMA[name] for name in ("trace_id", "has_error", "is_slow", "is_rare", "is_forced")},
        "draw": pl.Float64(),
        "floor_share": pl.Float64(),
        "new_template_share": pl.Float64(),
        "ordinary": pl.Float64(),
        "prioritised": pl.Float64(),
    }
)


def _rated(day: TraceDay) -> pl.DataFrame:
    traits = require(day.traits, TRAITS_SCHEMA, "verdicts, traits")
    news = require(day.news, NEWS_SCHEMA, "verdicts, news").group_by("trace_id").agg(pl.col("new_template_share").max())
    rated = traits.join(news, on="trace_id", how="left").with_columns(
        ordinary=pl.lit(day.rates.ordinary), prioritised=pl.lit(day.rates.prioritised)
    )
    return rated.select(_EMPTY.columns)


def _reason() -> pl.Expr:
    """What speaks for a trace, whether or not it is kept. A floor does only where the share alone gives less."""
    names = [pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in _PROBABILITIES if name != "floor"]
    floor = pl.when(pl.col("floor_share") > pl.col("ordinary")).then(pl.lit("floor"))
    return pl.coalesce(*names[:-1], floor, names[-1])
