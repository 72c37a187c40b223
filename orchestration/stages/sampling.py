"""sample: checked -> traits and rollups over all rows, then sampled rows with the weight they stand for.

A day depends on its neighbours (a trace across midnight gets one verdict) and, for what counts as slow, on the days
before it. So a refreshed day makes others stale: each function also looks at those, and leaves them if nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from governance.sampling import (
    TRAITS_SCHEMA,
    SamplingPolicy,
    sample_logs,
    sample_spans,
    template_rates,
    verdicts,
)
from orchestration.lake import Lake
from orchestration.rollups.logs import roll_up_logs
from orchestration.rollups.schemas import LATENCY_SCHEMA
from orchestration.rollups.spans import roll_up_spans
from orchestration.rollups.traits import find_traits, slow_thresholds
from orchestration.stages.tally import Tally

Inputs = Mapping[str, str]
_SHARE = "share of ordinary traces"


def roll_up_span_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Traits and rollups of the spans of a source, oldest day first: what is slow follows from the days before."""
    dataset, before = f"{source}/spans", policy.traces.slow_days

    def inputs_of(day: str) -> Inputs:
        earlier = [f"rollups/{dataset}/{other}" for other in _around(day, -before, -1)]
        return lake.digests([f"checked/{dataset}/{day}", *earlier])

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        spans = lake.read(f"checked/{dataset}/{day}")
        earlier = [key for key in inputs if key.startswith("rollups/")]
        latency = lake.scan(earlier, "latency", LATENCY_SCHEMA).collect() if earlier else None
        traits = find_traits(spans, slow_thresholds(latency, spans, policy), policy)
        rollup = roll_up_spans(spans, traits, policy.rollups)
        with lake.replace(f"traits/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("traces", traits)
        with lake.replace(f"rollups/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("requests", rollup.requests)
            out.write("latency", rollup.latency)
            out.write("account_days", rollup.account_days)
            out.counts = {"rolled_up": spans.height, **_overflow(rollup.overflow)}
        return {**out.counts, "traces": traits.height}

    return _refresh(lake, ("traits", "rollups"), dataset, _reach(days, 0, before), inputs_of, make, policy)


def roll_up_log_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Rollups of the log records of a source, with what is known of their traces."""
    dataset = f"{source}/logs"

    def inputs_of(day: str) -> Inputs:
        return lake.digests([f"checked/{dataset}/{day}", *_traits_keys(lake, _around(day, -1, 1))])

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        logs = lake.read(f"checked/{dataset}/{day}")
        rollup = roll_up_logs(logs, _traits(lake, inputs), policy.rollups)
        with lake.replace(f"rollups/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("templates", rollup.templates)
            out.write("account_days", rollup.account_days)
            out.write("record_templates", rollup.record_templates)
            out.counts = {"rolled_up": logs.height, **_overflow(rollup.overflow)}
        return out.counts

    return _refresh(lake, ("rollups",), dataset, _reach(days, 1, policy.traces.slow_days + 1), inputs_of, make, policy)


def sample_days(lake: Lake, dataset: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Whole traces kept or dropped, with their logs; every kept row carries the weight it stands for."""
    is_spans = dataset.endswith("/spans")

    def inputs_of(day: str) -> Inputs:
        own = [f"checked/{dataset}/{day}"] if is_spans else [f"checked/{dataset}/{day}", f"rollups/{dataset}/{day}"]
        return lake.digests([*own, *_traits_keys(lake, _around(day, -1, 1))])

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        rows = lake.read(f"checked/{dataset}/{day}")
        before, same, after = (_traits_of_day(lake, inputs, other) for other in _around(day, -1, 1))
        judged = verdicts(before, _known(same), after, policy, stored_shares=_stored_shares(lake, day))
        rates: Mapping[str, float] = {}
        if is_spans:
            kept = sample_spans(rows, judged)
        else:
            shaped = lake.read(f"rollups/{dataset}/{day}", "record_templates")
            rates = template_rates(rows, judged, shaped, policy)
            kept = sample_logs(rows, judged, shaped, rates, policy)
        with lake.replace(f"sampled/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            out.write("records", kept)
            out.counts = {"sampled": kept.height, "sampled_out": rows.height - kept.height}
            out.facts = {_SHARE: str(policy.traces.ordinary_share)}
            out.facts |= {f"rate of template {name}": str(rate) for name, rate in rates.items() if rate < 1}
        return out.counts

    return _refresh(lake, ("sampled",), dataset, _reach(days, 1, policy.traces.slow_days + 1), inputs_of, make, policy)


def _stored_shares(lake: Lake, day: str) -> tuple[float | None, float | None, float | None]:
    """The share the neighbours' ordinary traces were sampled with, where they are closed: it may be another now."""
    before, _, after = _around(day, -1, 1)
    return _stored_share(lake, before), None, _stored_share(lake, after)


def _stored_share(lake: Lake, day: str) -> float | None:
    shares = [
        float(manifest.facts[_SHARE])
        for source in _span_sources(lake)
        if not lake.exists(f"checked/{source}/spans/{day}")
        if (manifest := lake.manifest(f"sampled/{source}/spans/{day}"))
    ]
    return max(shares, default=None)


def _refresh(
    lake: Lake,
    states: tuple[str, ...],
    dataset: str,
    days: Iterable[str],
    inputs_of: Callable[[str], Inputs],
    make: Callable[[str, Inputs], dict[str, int]],
    policy: SamplingPolicy,
) -> Tally:
    """Make each day again whose inputs or policy are others than before; remove what was made of a withheld day."""
    tally = Tally()
    for day in days:
        targets = [f"{state}/{dataset}/{day}" for state in states]
        if not lake.exists(f"checked/{dataset}/{day}"):
            verdict = lake.manifest(f"quarantine/{dataset}/{day}")
            if verdict is not None and verdict.facts["blocked"] == "true":
                for target in targets:
                    lake.remove(target)
            elif lake.exists(targets[0]):
                tally.frozen.append(day)
            continue
        inputs = inputs_of(day)
        if all(lake.is_current(target, inputs, policy.digest) for target in targets):
            tally.current.append(day)
            continue
        tally.days[day] = make(day, inputs)
    return tally


def _around(day: str, first: int, last: int) -> list[str]:
    """The days from `first` to `last` days away from `day`."""
    middle = date.fromisoformat(day)
    return [(middle + timedelta(days=offset)).isoformat() for offset in range(first, last + 1)]


def _reach(days: list[str], before: int, after: int) -> list[str]:
    """The days and those that follow from them: `before` days earlier to `after` days later, sorted."""
    return sorted({other for day in days for other in _around(day, -before, after)})


def _traits_keys(lake: Lake, days: list[str]) -> list[str]:
    """Traits of every source of spans on these days: a trace can come from several."""
    return [f"traits/{source}/spans/{day}" for day in days for source in _span_sources(lake)]


def _span_sources(lake: Lake) -> list[str]:
    return sorted(path.name for path in (lake.root / "traits").glob("*"))


def _traits(lake: Lake, inputs: Inputs) -> pl.DataFrame:
    keys = [key for key in inputs if key.startswith("traits/")]
    return lake.scan(keys, "traces", TRAITS_SCHEMA).collect()


def _traits_of_day(lake: Lake, inputs: Inputs, day: str) -> pl.DataFrame | None:
    """One row per trace of the day, whichever sources it came from; None where the day has none."""
    keys = [key for key in inputs if key.startswith("traits/") and key.endswith(day)]
    if not keys:
        return None
    traits = lake.scan(keys, "traces", TRAITS_SCHEMA).collect()
    if len(keys) == 1:
        return traits
    flags = pl.col("has_error", "is_slow", "is_rare", "is_forced").any()
    rest = pl.exclude("trace_id", "has_error", "is_slow", "is_rare", "is_forced").drop_nulls().first()
    return (
        traits.sort("first_span_at").group_by("trace_id", maintain_order=True).agg(flags, rest).select(traits.columns)
    )


def _known(traits: pl.DataFrame | None) -> pl.DataFrame:
    return pl.DataFrame(schema=TRAITS_SCHEMA) if traits is None else traits


def _overflow(overflow: Mapping[str, int]) -> dict[str, int]:
    return {f"other_{name}": count for name, count in overflow.items() if count}
