"""sample, second half: the rates of each day, then whole traces kept or dropped with the weight they stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial

import polars as pl

from governance.sampling import (
    VOLUMES_SCHEMA,
    SamplingPolicy,
    count_untraced,
    rates_after,
    sample_logs,
    sample_spans,
    template_rates,
    verdicts,
)
from governance.signals import SIGNALS
from orchestration.lake import Lake, Made, Part, Table
from orchestration.rollups.grains import add_up
from orchestration.rollups.kept import count_kept
from orchestration.stages.dependencies import (
    LOGS,
    Dependencies,
    Standing,
    around,
    has_expired,
    is_withheld,
    rates_key,
    standing,
)
from orchestration.stages.refreshing import Inputs, refresh_apart
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
    with lake.group_commit():
        for day in days:
            key = rates_key(day)
            if not _exists(lake, "checked", day, depends):
                if is_withheld(lake, key) and not _exists(lake, "traits", day, depends):
                    lake.remove(key)
                continue
            inputs = lake.digests(depends.rates(day))
            found = standing(lake.manifest(key), inputs, policy.digest, partial(has_expired, lake))
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

    def inputs_of(day: str) -> Inputs:
        return lake.digests(depends.samples(source, signal, day))

    make = partial(_sampled, lake, dataset, policy, depends)
    return refresh_apart(lake, "sampled", dataset, reach, inputs_of, make, policy.digest, as_of)


def _sampled(lake: Lake, dataset: str, policy: SamplingPolicy, depends: Dependencies, day: str) -> Made:
    """The sample of a day, part by part; runs in this process or beside it, and writes no manifest."""
    source, signal = dataset.split("/")
    parts, key = lake.parts(f"checked/{dataset}/{day}"), f"sampled/{dataset}/{day}"
    judge = lru_cache(1)(partial(_judge, lake, policy, depends))  # the logs of a day are gone through twice
    rates = _template_rates(lake, source, day, parts, judge, policy) if signal == LOGS else None
    tables, outcomes, kept, cut = dict[str, Table](), [], [], Counter[str]()
    for part in parts:
        rows, judged = lake.scan_part(part), judge(part)
        if rates is None:
            sample = sample_spans(rows, judged)
            cut.update(_cut(judged))
        else:
            sample = sample_logs(rows, judged, _shaped(lake, part), rates, policy)
        name = part.named("records")
        tables[name] = lake.write(key, name, sample.rows)
        outcomes.append(sample.outcomes)
        kept.append(count_kept(sample.rows))
    of_day = {"kept": add_up(kept), "outcomes": add_up(outcomes)}
    of_day |= {"template_rates": rates} if rates is not None else {}
    tables |= {name: lake.write(key, name, frame) for name, frame in of_day.items()}
    # A trace is counted once, not again with its logs.
    return Made(tables, {**_counts(pl.concat(outcomes)), **cut})


def _reach(lake: Lake, days: list[str], depends: Dependencies) -> list[str]:
    """The days and all that can follow from them; a new template of an early day can be none of a late one."""
    near = depends.reach(days)
    of_logs = (following(lake, f"{source}/{LOGS}", near) for source in depends.sources)
    return depends.reach({day for later in of_logs for day in later} | set(near))


_SAMPLED = tuple(name for name, signal in SIGNALS.items() if signal.is_sampled)


def _exists(lake: Lake, state: str, day: str, depends: Dependencies) -> bool:
    return any(lake.exists(f"{state}/{source}/{signal}/{day}") for source in depends.sources for signal in _SAMPLED)


def _shaped(lake: Lake, part: Part) -> pl.DataFrame:
    return lake.read(part.key.replace("checked/", "rollups/", 1), "record_templates", part.number)


def _judge(lake: Lake, policy: SamplingPolicy, depends: Dependencies, part: Part) -> pl.DataFrame:
    traces = lake.scan_part(part).select("trace_id").unique().collect()["trace_id"]
    return verdicts(trace_days(lake, around(part.day, -1, 1), traces, policy, depends))


def _template_rates(
    lake: Lake,
    source: str,
    day: str,
    parts: list[Part],
    judge: Callable[[Part], pl.DataFrame],
    policy: SamplingPolicy,
) -> pl.DataFrame:
    untraced = [count_untraced(lake.scan_part(part), judge(part), _shaped(lake, part)) for part in parts]
    new = new_templates(lake, source, day)
    return template_rates(add_up(untraced), new, rates_of_day(lake, day, policy), policy)


def _counts(outcomes: pl.DataFrame) -> dict[str, int]:
    told = {"sampled": "kept_rows", "sampled_out": "removed_rows"}
    told |= {"sampled_bytes": "kept_bytes", "sampled_out_bytes": "removed_bytes"}
    return {name: int(outcomes[column].sum()) for name, column in told.items()}


def _cut(judged: pl.DataFrame) -> dict[str, int]:
    """How many traces of the day the budget cost although something spoke for them, by what."""
    dropped = judged.filter(~pl.col("is_kept"))["reason"]
    return {f"cut_{reason}_traces": int((dropped == reason).sum()) for reason in _PRIORITISED}
