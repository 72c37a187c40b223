"""sample, second half: the rates of each day, then whole traces kept or dropped with the weight they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from governance.sampling import (
    VOLUMES_SCHEMA,
    Sample,
    SamplingPolicy,
    rates_after,
    sample_logs,
    sample_spans,
    template_rates,
    verdicts,
)
from governance.signals import SIGNALS
from orchestration.lake import Lake
from orchestration.stages.dependencies import (
    LOGS,
    SPANS,
    Dependencies,
    Standing,
    around,
    is_withheld,
    rates_key,
    standing,
)
from orchestration.stages.refreshing import Inputs, refresh
from orchestration.stages.tally import Tally
from orchestration.stages.trace_days import NEW_TEMPLATES_SCHEMA, rates_of_day, trace_days

# What a budget is not meant to cut: told by the number of traces where it had to.
_PRIORITISED = ("error", "slow", "rare", "new_template")


def rate_days(lake: Lake, days: list[str], policy: SamplingPolicy, as_of: datetime) -> None:
    """The rates of each day and of those that follow from it; where nothing checked is left, they stay as they are."""
    depends = Dependencies.of(lake, policy)
    for day in depends.reach(days):
        if not any(lake.exists(f"checked/{source}/{one}/{day}") for source in depends.sources for one in _SAMPLED):
            continue
        inputs, key = lake.digests(depends.rates(day)), rates_key(day)
        found = standing(lake.manifest(key), inputs, policy.digest, lambda gone: is_withheld(lake, gone))
        if found is not Standing.STALE:
            continue
        volumes = lake.scan(list(inputs), "volumes", VOLUMES_SCHEMA).collect()
        rates = rates_after(volumes, len({name.rsplit("/", 1)[1] for name in inputs}), policy)
        with lake.replace(key, as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("rates", rates.frame)
            out.facts = {name: str(value) for name, value in rates.frame.row(0, named=True).items()}


def sample_days(lake: Lake, dataset: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Whole traces kept or dropped, with their logs; every kept row carries the weight it stands for."""
    source, signal = dataset.split("/")
    depends = Dependencies.of(lake, policy)
    rate_days(lake, days, policy, as_of)

    def make(day: str, inputs: Inputs) -> Mapping[str, int]:
        rows = lake.scan([f"checked/{dataset}/{day}"], "records", SIGNALS[signal].schema)
        judged = _judge(lake, day, rows, policy, depends)
        rates = None
        if signal == LOGS:
            shaped = lake.read(f"rollups/{dataset}/{day}", "record_templates")
            new = lake.scan([f"traits/{dataset}/{day}"], "new_templates", NEW_TEMPLATES_SCHEMA).collect()["template_id"]
            rates = template_rates(rows, judged, shaped, new, rates_of_day(lake, day, policy), policy)
            sample = sample_logs(rows, judged, shaped, rates, policy)
        else:
            sample = sample_spans(rows, judged)
        with lake.replace(f"sampled/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("records", sample.rows)
            out.write("outcomes", sample.outcomes)
            if rates is not None:
                out.write("template_rates", rates)
            out.counts = _counts(sample)
            if signal == SPANS:  # a trace is counted once, not again with its logs
                out.counts |= _cut(judged)
        return out.counts

    def keys_of(day: str) -> list[str]:
        return depends.samples(source, signal, day)

    return refresh(lake, ("sampled",), dataset, depends.reach(days), keys_of, make, policy.digest)


_SAMPLED = tuple(name for name, signal in SIGNALS.items() if signal.is_sampled)


def _judge(lake: Lake, day: str, rows: pl.LazyFrame, policy: SamplingPolicy, depends: Dependencies) -> pl.DataFrame:
    traces = rows.select("trace_id").unique().collect()["trace_id"]
    return verdicts(trace_days(lake, around(day, -1, 1), traces, policy, depends))


def _counts(sample: Sample) -> dict[str, int]:
    told = {"sampled": "kept_rows", "sampled_out": "removed_rows"}
    told |= {"sampled_bytes": "kept_bytes", "sampled_out_bytes": "removed_bytes"}
    return {name: int(sample.outcomes[column].sum()) for name, column in told.items()}


def _cut(judged: pl.DataFrame) -> dict[str, int]:
    """How many traces of the day the budget cost although something spoke for them, by what."""
    dropped = judged.filter(~pl.col("is_kept"))["reason"]
    return {f"cut_{reason}_traces": int((dropped == reason).sum()) for reason in _PRIORITISED}
