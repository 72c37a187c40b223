"""sample, first half: checked -> traits and rollups over all rows, and what the day offers to the sample.

A refreshed day makes others stale (see dependencies): each function also looks at those.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl

from governance.sampling import SamplingPolicy, log_volumes, span_volumes
from orchestration.lake import Lake
from orchestration.rollups.logs import roll_up_logs
from orchestration.rollups.schemas import LATENCY_SCHEMA
from orchestration.rollups.spans import roll_up_spans
from orchestration.rollups.traits import find_traits, slow_thresholds
from orchestration.stages.dependencies import Dependencies, around
from orchestration.stages.refreshing import Inputs, refresh
from orchestration.stages.tally import Tally
from orchestration.stages.template_history import following, past_inputs, read_past
from orchestration.stages.trace_days import find_news, new_templates, stored_traits, traits_of_day


def roll_up_span_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Traits and rollups of the spans of a source, oldest day first: what is slow follows from the days before."""
    dataset, depends = f"{source}/spans", Dependencies.of(lake, policy)

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        spans = lake.read(f"checked/{dataset}/{day}")
        earlier = [key for key in depends.earlier_latency(source, day) if key in inputs]
        latency = lake.scan(earlier, "latency", LATENCY_SCHEMA).collect() if earlier else None
        traits = find_traits(spans, slow_thresholds(latency, spans, policy), policy)
        rollup = roll_up_spans(spans, traits, policy.rollups)
        with lake.replace(f"traits/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("traces", traits)
            out.write("volumes", span_volumes(traits))
        with lake.replace(f"rollups/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("requests", rollup.requests)
            out.write("latency", rollup.latency)
            out.write("account_days", rollup.account_days)
            out.counts = {"rolled_up": spans.height, **_overflow(rollup.overflow)}
        return {**out.counts, "traces": traits.height}

    def inputs_of(day: str) -> Inputs:
        return lake.digests(depends.span_rollups(source, day))

    return refresh(lake, ("traits", "rollups"), dataset, depends.reach(days), inputs_of, make, policy.digest)


def roll_up_log_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Rollups of the log records of a source, with what is known of their traces and of templates; then what is news.

    Oldest day first: a day's templates follow from those of the days before.
    """
    dataset, depends = f"{source}/logs", Dependencies.of(lake, policy)

    def inputs_of(day: str) -> Inputs:
        past = past_inputs(lake, dataset, day, policy.rollups)
        return {**lake.digests(depends.log_rollups(source, day)), **past}

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        logs = lake.read(f"checked/{dataset}/{day}")
        traits = stored_traits(lake, depends.traits(around(day, -1, 1)))
        past = read_past(lake, dataset, day, policy.rollups)
        rollup = roll_up_logs(logs, traits, policy.rollups, date.fromisoformat(day), past)
        with lake.replace(f"rollups/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("templates", rollup.templates)
            out.write("account_days", rollup.account_days)
            out.write("template_days", rollup.template_days)
            out.write("template_counts", rollup.template_counts)
            out.write("known_templates", rollup.known_templates)
            out.write("record_templates", rollup.record_templates)
            out.counts = {"rolled_up": logs.height, **_overflow(rollup.overflow)}
        return out.counts

    reach = following(lake, dataset, depends.reach(days))
    tally = refresh(lake, ("rollups",), dataset, reach, inputs_of, make, policy.digest)
    _find_news_days(lake, source, reach, policy, as_of)
    return tally


def _find_news_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> None:
    """The traces with a new template, and what the logs of a day offer to the sample."""
    dataset, depends = f"{source}/logs", Dependencies.of(lake, policy)

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        files = lake.files(f"checked/{dataset}/{day}", "records")
        logs = pl.read_parquet(files, columns=["record_id", "trace_id", "raw_bytes"])
        shaped = lake.read(f"rollups/{dataset}/{day}", "record_templates")
        new = new_templates(lake, source, day)
        with lake.replace(f"traits/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("news", find_news(logs, shaped, new, policy.new_templates.kept_per_template))
            out.write("volumes", log_volumes(logs, traits_of_day(lake, day, depends), shaped, policy))
        return {"new_templates": new.len()}

    def inputs_of(day: str) -> Inputs:
        return lake.digests(depends.news(source, day))

    refresh(lake, ("traits",), dataset, days, inputs_of, make, policy.digest)


def _overflow(overflow: Mapping[str, int]) -> dict[str, int]:
    return {f"other_{name}": count for name, count in overflow.items() if count}
