"""News and noise: which templates of a day are new or rising against the days before, and which are always there.

Rising: with y the records of the template on the n compared days (0 where it was not met) and x those of the day,
expected m = max(mean of y, the day's records of the service * share of the template on the compared days), so that
neither a busy service nor a quiet one raises it. The square root of a count has a nearly constant spread (Anscombe
1948, https://doi.org/10.1093/biomet/35.3-4.246); counts of days spread f = max(1, variance of y / mean of y) times as
much as Poisson's, and the mean of n days adds 1/n:

    deviations = 2 * (sqrt(x + 3/8) - sqrt(m + 3/8)) / sqrt(f * (1 + 1/n))
"""

from __future__ import annotations

from datetime import date

import polars as pl

from governance.log_templates import NewsPolicy, NoisePolicy
from governance.sampling import require
from orchestration.rollups.dimensions import OTHER
from orchestration.rollups.schemas import TEMPLATE_COUNTS_SCHEMA, TEMPLATE_DAYS_SCHEMA

# One row per template met on a day. has_past: its service was known before, so that a first day is no news.
MET_SCHEMA = pl.Schema(
    {
        **{name: TEMPLATE_DAYS_SCHEMA[name] for name in ("service", "severity", "template_id", "template")},
        **{name: TEMPLATE_DAYS_SCHEMA[name] for name in ("record_count", "trace_count", "failing_trace_count")},
        "first_seen_on": pl.Date(),
        "has_past": pl.Boolean(),
    }
)
_HARMFUL = ("ERROR", "FATAL")
_ANSCOMBE = 3 / 8
_FAILING_FACTOR = 2


def template_days(met: pl.DataFrame, earlier: pl.DataFrame, day: date, policy: NewsPolicy) -> pl.DataFrame:
    """What each template of a day is against the days before; one row per template, sorted (TEMPLATE_DAYS_SCHEMA).

    Args:
        met: MET_SCHEMA.
        earlier: the template counts of the compared days.
    """
    read = require(earlier, TEMPLATE_COUNTS_SCHEMA, "template days, earlier").lazy()
    usual = _usual(read)
    services = _services(read)
    compared = (
        require(met, MET_SCHEMA, "template days, met")
        .lazy()
        .join(services, on="service", how="left", nulls_equal=True)
        .join(usual, on="template_id", how="left")
        .with_columns(pl.col("compared_days", "earlier_count", "squares", "seen_days", "earlier_total").fill_null(0))
        .with_columns(mean=pl.col("earlier_count") / pl.col("compared_days"))
        .with_columns(
            share_count=pl.col("record_count").sum().over("service")
            * (pl.col("earlier_count") / pl.col("earlier_total"))
        )
        .with_columns(
            expected_count=pl.when(pl.col("compared_days") > 0).then(pl.max_horizontal("mean", "share_count"))
        )
    )
    is_named = pl.col("template") != OTHER
    is_comparable = is_named & (pl.col("compared_days") >= policy.min_days)
    judged = compared.with_columns(
        event_date=pl.lit(day, pl.Date()),
        is_new=is_named & pl.col("has_past") & (pl.col("first_seen_on") == day).fill_null(value=False),
    ).with_columns(is_rising=is_comparable & ~pl.col("is_new") & _is_rising(policy))
    noted = judged.with_columns(
        is_noise=is_comparable & ~pl.col("is_new") & ~pl.col("is_rising") & _is_noise(policy.noise)
    )
    final = noted.sort("service", "severity", "template_id").collect()
    return require(final, TEMPLATE_DAYS_SCHEMA, "template days")


def _usual(earlier: pl.LazyFrame) -> pl.LazyFrame:
    """What is known of each template on the compared days; one row per template. Days without it are zeros."""
    count = pl.col("record_count")
    return earlier.group_by("template_id").agg(
        earlier_count=count.sum(),
        squares=(count.cast(pl.Float64) ** 2).sum(),
        seen_days=pl.len().cast(pl.Int64),
    )


def _services(earlier: pl.LazyFrame) -> pl.LazyFrame:
    """On how many of the compared days a service logged, and how much; one row per service."""
    return earlier.group_by("service").agg(
        compared_days=pl.col("event_date").n_unique().cast(pl.Int64), earlier_total=pl.col("record_count").sum()
    )


def _is_rising(policy: NewsPolicy) -> pl.Expr:
    days, mean, expected = pl.col("compared_days"), pl.col("mean"), pl.col("expected_count")
    variance = (pl.col("squares") - days * mean**2) / (days - 1)
    spread = pl.when(mean > 0).then(variance / mean).otherwise(1.0).clip(lower_bound=1.0)
    risen = (pl.col("record_count") + _ANSCOMBE).sqrt() - (expected + _ANSCOMBE).sqrt()
    deviations = 2 * risen / (spread * (1 + 1 / days)).sqrt()
    is_much = pl.col("record_count") >= policy.rising.factor * expected
    return is_much & (deviations >= policy.rising.deviations)


def _is_noise(policy: NoisePolicy) -> pl.Expr:
    """Met on most days, as often as ever (by number or by share of the service's records), harmless."""
    is_usual = pl.col("seen_days") >= policy.seen_share * pl.col("compared_days")
    least = pl.min_horizontal("mean", "share_count")
    is_steady = pl.col("record_count").is_between(least / policy.factor, pl.col("expected_count") * policy.factor)
    is_harmless = ~pl.col("severity").is_in(_HARMFUL).fill_null(value=False)
    return is_usual & is_steady & is_harmless & ~_fails_more(policy)


def _fails_more(policy: NoisePolicy) -> pl.Expr:
    """Whether its traces fail twice as often as those of all lines of the service, and by more than chance."""
    traces, failing = pl.col("trace_count"), pl.col("failing_trace_count")
    ratio = failing.sum().over("service") / traces.sum().over("service")
    excess = failing - traces * ratio
    is_much = failing >= _FAILING_FACTOR * traces * ratio
    by_more_than_chance = excess**2 >= policy.failing_deviations**2 * traces * ratio * (1 - ratio)
    return ((excess > 0) & is_much & by_more_than_chance).fill_null(value=False)
