"""sample, first half: checked -> traits and rollups over all rows, and what the day offers to the sample.

A day is read part by part, one in memory at a time. A refreshed day makes others stale (see dependencies): each
function also looks at those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

import polars as pl

from governance.sampling import SamplingPolicy, log_offer, log_volumes, span_volumes, total_volumes
from orchestration.lake import Lake, Made, Part, Table, part_name
from orchestration.rollups.dimensions import Bounds, bounds_of
from orchestration.rollups.grains import add_up
from orchestration.rollups.logs import roll_up_logs
from orchestration.rollups.schemas import LATENCY_SCHEMA
from orchestration.rollups.spans import SpanRollup, roll_up_spans
from orchestration.rollups.traits import (
    BOUNDED,
    accounts_of,
    columns_read,
    find_traits,
    floor_candidates,
    survey,
    with_floor_shares,
)
from orchestration.stages.dependencies import LOGS, SPANS, Dependencies, around
from orchestration.stages.refreshing import Inputs, refresh, refresh_apart
from orchestration.stages.tally import Tally
from orchestration.stages.template_history import following, past_inputs, read_past
from orchestration.stages.trace_days import find_news, new_templates, news_candidates, stored_traits, traits_of_day


def roll_up_span_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Rollups of the spans of a source, each day by itself; then what is known of its traces.

    What is slow follows from the rollups of the days before, which are all there by then: so days need not wait for
    one another, and a day that is made again leaves the rollups of later ones as they are.
    """
    dataset, depends = f"{source}/{SPANS}", Dependencies.of(lake, policy)

    def made(state: str, inputs: Callable[[str, str], list[str]], make: Callable[[str], Made]) -> Tally:
        reach = depends.reach(days)
        return refresh_apart(
            lake, state, dataset, reach, lambda day: lake.digests(inputs(source, day)), make, policy.digest, as_of
        )

    rolled_up = made("rollups", depends.span_rollups, partial(_rolled_up, lake, dataset, policy))
    told = made("traits", depends.span_traits, partial(_traits, lake, source, policy, depends))
    traces = Tally({day: {"traces": _rows(lake, f"traits/{dataset}/{day}", "traces")} for day in told.days})
    return rolled_up | told | traces


def roll_up_log_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> Tally:
    """Rollups of the log records of a source, with what is known of their traces and of templates; then what is news.

    Oldest day first: a day's templates follow from those of the days before.
    """
    dataset, depends = f"{source}/{LOGS}", Dependencies.of(lake, policy)

    def inputs_of(day: str) -> Inputs:
        past = past_inputs(lake, dataset, day, policy.rollups)
        return {**lake.digests(depends.log_rollups(source, day)), **past}

    def make(day: str, inputs: Inputs) -> dict[str, int]:
        parts, window = lake.parts(f"checked/{dataset}/{day}"), depends.traits(around(day, -1, 1))
        past = read_past(lake, dataset, day, policy.rollups)
        with lake.replace(f"rollups/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=policy.digest) as out:
            rollup = roll_up_logs(
                [lake.scan_part(part) for part in parts],
                lambda logs: stored_traits(lake, window, logs["trace_id"]),
                policy.rollups,
                date.fromisoformat(day),
                past,
                lambda number, shaped: out.write(parts[number].named("record_templates"), shaped),
            )
            out.write("templates", rollup.templates)
            out.write("account_days", rollup.account_days)
            out.write("template_days", rollup.template_days)
            out.write("template_counts", rollup.template_counts)
            out.write("known_templates", rollup.known_templates)
            out.counts = {"rolled_up": _rows(lake, f"checked/{dataset}/{day}"), **_overflow(rollup.overflow)}
        return out.counts

    reach = following(lake, dataset, depends.reach(days))
    tally = refresh(lake, "rollups", dataset, reach, inputs_of, make, policy.digest)
    _find_news_days(lake, source, reach, policy, as_of)
    return tally


def _find_news_days(lake: Lake, source: str, days: list[str], policy: SamplingPolicy, as_of: datetime) -> None:
    """The traces with a new template, and what the logs of a day offer to the sample."""
    dataset, depends = f"{source}/{LOGS}", Dependencies.of(lake, policy)

    def inputs_of(day: str) -> Inputs:
        return lake.digests(depends.news(source, day))

    make = partial(_news, lake, source, policy, depends)
    refresh_apart(lake, "traits", dataset, days, inputs_of, make, policy.digest, as_of)


def _news(lake: Lake, source: str, policy: SamplingPolicy, depends: Dependencies, day: str) -> Made:
    """Those of a day; runs in this process or beside it, and writes no manifest."""
    dataset, number = f"{source}/{LOGS}", policy.new_templates.kept_per_template
    new, candidates, offers = new_templates(lake, source, day), [], []
    for part in lake.parts(f"checked/{dataset}/{day}"):
        logs = lake.scan_part(part).select("record_id", "trace_id", "raw_bytes").collect()
        shaped = lake.read(f"rollups/{dataset}/{day}", "record_templates", part.number)
        candidates.append(news_candidates(logs, shaped, new, number))
        offers.append(log_offer(logs, traits_of_day(lake, day, logs["trace_id"], depends), shaped, policy))
    of_day = {"news": find_news(pl.concat(candidates), number), "volumes": log_volumes(offers, policy)}
    tables = {name: lake.write(f"traits/{dataset}/{day}", name, frame) for name, frame in of_day.items()}
    return Made(tables, {})


def _rolled_up(lake: Lake, dataset: str, policy: SamplingPolicy, day: str) -> Made:
    """The rollups of a day of spans; runs in this process or beside it, and writes no manifest."""
    key, parts = f"rollups/{dataset}/{day}", lake.parts(f"checked/{dataset}/{day}")
    spans = pl.concat([lake.scan_part(part) for part in parts])
    bounds = bounds_of(spans, BOUNDED, policy.rollups.max_values_per_service)
    with lake.workspace(key) as folder:
        rollup = _roll_up_parts(lake, parts, bounds, folder)
        tables = {"requests": rollup.requests, "account_days": rollup.account_days}
        written = {name: lake.write(key, name, frame) for name, frame in tables.items()}
        for number, latency in enumerate(_latency(folder, len(parts))):
            name = part_name("latency", number, len(parts))
            written[name] = lake.write(key, name, latency)
    return Made(written, {"rolled_up": _rows(lake, f"checked/{dataset}/{day}"), **_overflow(bounds.overflow)})


def _roll_up_parts(lake: Lake, parts: list[Part], bounds: Bounds, folder: Path) -> SpanRollup:
    """The rollups of all parts together but for latency, which has nearly as many rows as there are spans.

    That of each part goes to `folder`.
    """
    rollup: SpanRollup | None = None
    for part in parts:
        spans = lake.scan_part(part).drop("attributes").collect()
        own = roll_up_spans(spans, accounts_of(spans), bounds)
        own.latency.write_parquet(folder / f"latency-{part.number}.parquet", compression="lz4")
        own = replace(own, latency=own.latency.clear())
        rollup = own if rollup is None else rollup + own
    assert rollup is not None, "a day has one part or more"
    return rollup


def _latency(folder: Path, parts: int) -> Iterator[pl.DataFrame]:
    """The latency of all parts together, in as many pieces of the day, so that one is in memory at a time."""
    scanned = pl.scan_parquet([folder / f"latency-{number}.parquet" for number in range(parts)])
    start = pl.col("period_start_at").dt
    minute = start.hour().cast(pl.Int32) * 60 + start.minute()
    for number in range(parts):
        piece = scanned.filter(minute * parts // 1440 == number).collect()
        yield add_up([piece]) if parts > 1 else piece


def _traits(lake: Lake, source: str, policy: SamplingPolicy, depends: Dependencies, day: str) -> Made:
    """What is known of the traces of a day; runs in this process or beside it, and writes no manifest."""
    dataset, floor = f"{source}/{SPANS}", policy.traces.floor_per_service
    key, parts = f"traits/{dataset}/{day}", lake.parts(f"checked/{dataset}/{day}")
    earlier = [name for name in depends.earlier_latency(source, day) if lake.exists(name)]
    latency = lake.scan(earlier, "latency", LATENCY_SCHEMA) if earlier else None
    surveyed = survey([lake.scan_part(part) for part in parts], latency, policy)
    tables, candidates, volumes = dict[str, Table](), [], []
    with lake.workspace(key) as folder:
        files = [folder / f"{part.number}.parquet" for part in parts]
        for part, file in zip(parts, files, strict=True):
            spans = lake.scan_part(part).select(columns_read(policy)).collect()
            traits = find_traits(spans, surveyed, policy)
            traits.write_parquet(file, compression="lz4")
            candidates.append(floor_candidates(spans, traits, floor))
        of_all_parts = pl.concat(candidates)
        for part, file in zip(parts, files, strict=True):
            traits, name = with_floor_shares(pl.read_parquet(file), of_all_parts, floor), part.named("traces")
            tables[name] = lake.write(key, name, traits)
            volumes.append(span_volumes(traits, policy))
    tables["volumes"] = lake.write(key, "volumes", total_volumes(volumes))
    return Made(tables, {})


def _rows(lake: Lake, key: str, table: str = "records") -> int:
    manifest = lake.manifest(key)
    return manifest.rows(table) if manifest else 0


def _overflow(overflow: Mapping[str, int]) -> dict[str, int]:
    return {f"other_{name}": count for name, count in overflow.items() if count}
