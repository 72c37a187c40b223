"""What is known of the traces of a day and its neighbours, whichever sources and signals told it."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from governance.sampling import (
    NEWS_SCHEMA,
    RATES_SCHEMA,
    TRAITS_SCHEMA,
    Rates,
    SamplingPolicy,
    TraceDay,
    draws,
    first_of,
    require,
    shares_of_the_first,
)
from orchestration.lake import Lake
from orchestration.rollups.schemas import TEMPLATE_DAYS_SCHEMA
from orchestration.rollups.traits import unite_traits
from orchestration.stages.dependencies import LOGS, Dependencies, rates_key


def stored_traits(lake: Lake, keys: Iterable[str], traces: pl.Series) -> pl.DataFrame:
    """What these keys say of `traces` (TRAITS_SCHEMA); one row per trace and day, whichever sources it came from."""
    wanted = traces.drop_nulls().unique().to_frame("trace_id").lazy()
    of_spans = [key for key in keys if key.startswith("traits/") and key.split("/")[2] != LOGS]
    return lake.scan(of_spans, "traces", TRAITS_SCHEMA).join(wanted, on="trace_id", how="semi").collect()


def traits_of_day(lake: Lake, day: str, traces: pl.Series, depends: Dependencies) -> pl.DataFrame:
    """What is known of `traces` on the day (TRAITS_SCHEMA); one row per trace."""
    return unite_traits(stored_traits(lake, depends.traits([day]), traces))


def trace_days(
    lake: Lake, days: Iterable[str], traces: pl.Series, policy: SamplingPolicy, depends: Dependencies
) -> list[TraceDay]:
    """What is known of `traces` on each of the days."""
    wanted = traces.drop_nulls().unique().to_frame("trace_id").lazy()
    found = []
    for day in days:
        traits = traits_of_day(lake, day, traces, depends)
        news = lake.scan(depends.traits([day], LOGS), "news", NEWS_SCHEMA).join(wanted, on="trace_id", how="semi")
        found.append(TraceDay(traits, news.collect(), rates_of_day(lake, day, policy)))
    return found


def rates_of_day(lake: Lake, day: str, policy: SamplingPolicy) -> Rates:
    """The rates a day is or was sampled at; the policy's where none are stored."""
    stored = lake.scan([rates_key(day)], "rates", RATES_SCHEMA).collect()
    return Rates(**stored.row(0, named=True)) if stored.height else Rates.of_policy(policy)


def new_templates(lake: Lake, source: str, day: str) -> pl.Series:
    """The ids of the templates of a source that are new that day, sorted."""
    told = lake.scan([f"rollups/{source}/{LOGS}/{day}"], "template_days", TEMPLATE_DAYS_SCHEMA)
    return told.filter("is_new").select("template_id").unique().sort("template_id").collect()["template_id"]


def news_candidates(logs: pl.DataFrame, record_templates: pl.DataFrame, new: pl.Series, number: int) -> pl.DataFrame:
    """The traces of a part of a day that can be among the first `number` with a new template by their draw, and the one
    that comes next (template_id, trace_id, draw).

    Args:
        logs: record_id and trace_id of the records.
        record_templates: which template each is an instance of.
        new: the ids of the templates that are new.
    """
    met = (
        record_templates.filter(pl.col("template_id").is_in(new.implode()))
        .join(logs.drop_nulls("trace_id"), on="record_id")
        .select("trace_id", "template_id")
        .unique()
    )
    drawn = met.with_columns(draw=draws(met["trace_id"])).lazy()
    return first_of(drawn, "template_id", "trace_id", number + 1).collect()


def find_news(candidates: pl.DataFrame, number: int) -> pl.DataFrame:
    """The first `number` traces by their draw of each new template (NEWS_SCHEMA); one row per trace, sorted.

    Args:
        candidates: those of all parts of the day.
    """
    news = shares_of_the_first(candidates.lazy(), "template_id", "trace_id", number)
    return require(news.rename({"share": "new_template_share"}).sort("trace_id").collect(), NEWS_SCHEMA, "news")
