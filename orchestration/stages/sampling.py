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
from orchestration.rollups.kept import count_kept
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
from orchestration.stages.template_history import following
from orchestration.stages.trace_days import new_templates, rates_of_day, trace_days

# What a budget is not meant to cut: told by the number of traces where it had to.
_PRIORITISED = ("error", "slow", "rare", "new_template")


def rate_days(lake: Lake, days: list[str], policy: SamplingPolicy, as_of: datetime) -> None:
    """The rates of each day, oldest first; where nothing checked is left of it, they stay as they are.

    Those of a day of which the gate let nothing pass go with it.
    """
    depends = Dependencies.of(lake, policy)
    for day in days:
        key = rates_key(day)
        if not _exists(lake, "checked", day, depends):
            if is_withheld(lake, key) and not _exists(lake, "traits", day, depends):
                lake.remove(key)
            continue
        inputs = lake.digests(depends.rates(day))
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
    reach = _reach(lake, days, depends)
    rate_days(lake, reach, policy, as_of)

    def make(day: str, inputs: Inputs) -> Mapping[str, int]:
        rows = lake.scan([f"checked/{dataset}/{day}"], "records", SIGNALS[signal].schema)
        judged = _judge(lake, day, rows, policy, depends)
        rates = None
        if signal == LOGS:
            shaped = lake.read(f"rollups/{dataset}/{day}", "record_templates")
            new = new_templates(lake, source, day)
            rates = template_rates(rows, judged, shaped, new, rates_of_day(lake, day, policy), policy)
            sample = sample_logs(rows, judged, shaped, rates, policy)
        else:
            sample = sample_spans(rows, judged)
        with lake.replace(f"sampled/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("records", sample.rows)
            out.write("kept", count_kept(sample.rows))
            out.write("outcomes", sample.outcomes)
            if rates is not None:
                out.write("template_rates", rates)
            out.counts = _counts(sample)
            if signal == SPANS:  # a trace is counted once, not again with its logs
                out.counts |= _cut(judged)
        return out.counts

    def inputs_of(day: str) -> Inputs:
        return lake.digests(depends.samples(source, signal, day))

    return refresh(lake, ("sampled",), dataset, reach, inputs_of, make, policy.digest)


def _reach(lake: Lake, days: list[str], depends: Dependencies) -> list[str]:
    """The days and all that can follow from them; a new template of an early day can be none of a late one."""
    near = depends.reach(days)
    of_logs = (following(lake, f"{source}/{LOGS}", near) for source in depends.sources)
    return depends.reach({day for later in of_logs for day in later} | set(near))


_SAMPLED = tuple(name for name, signal in SIGNALS.items() if signal.is_sampled)


def _exists(lake: Lake, state: str, day: str, depends: Dependencies) -> bool:
    return any(lake.exists(f"{state}/{source}/{signal}/{day}") for source in depends.sources for signal in _SAMPLED)


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
