"""A day of spans or logs through traits and rollups without a lake, whole or in parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import reduce
from operator import add

import polars as pl

from governance.sampling import RollupLimits, SamplingPolicy
from orchestration.rollups.dimensions import Bounds, bounds_of
from orchestration.rollups.known_templates import NO_PAST, Past
from orchestration.rollups.logs import LogRollup, roll_up_logs
from orchestration.rollups.spans import SpanRollup, roll_up_spans
from orchestration.rollups.traits import BOUNDED, find_traits, floor_candidates, survey, with_floor_shares


def in_parts(records: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
    """The records in so many parts, each trace in one."""
    if parts == 1:
        return [records]
    part = pl.coalesce("trace_id", "record_id").hash(1) % parts
    return [records.filter(part == number) for number in range(parts)]


def traits_of(
    spans: pl.DataFrame,
    policy: SamplingPolicy,
    *,
    latency: pl.LazyFrame | None = None,
    thresholds: pl.DataFrame | None = None,
    parts: int = 1,
) -> pl.DataFrame:
    """The traits of a day; `thresholds` in place of those that follow from `latency` and the day."""
    frames, floor = in_parts(spans, parts), policy.traces.floor_per_service
    day = survey([frame.lazy() for frame in frames], latency, policy)
    day = day if thresholds is None else replace(day, thresholds=thresholds)
    found = [find_traits(frame, day, policy) for frame in frames]
    of_parts = zip(frames, found, strict=True)
    candidates = pl.concat([floor_candidates(frame, traits, floor) for frame, traits in of_parts])
    return pl.concat([with_floor_shares(traits, candidates, floor) for traits in found]).sort("trace_id")


def span_bounds(spans: pl.DataFrame, limits: RollupLimits) -> Bounds:
    return bounds_of(spans.lazy(), BOUNDED, limits.max_values_per_service)


def span_rollup(spans: pl.DataFrame, traits: pl.DataFrame, limits: RollupLimits, parts: int = 1) -> SpanRollup:
    bounds = span_bounds(spans, limits)
    return reduce(add, (roll_up_spans(frame, traits, bounds) for frame in in_parts(spans, parts)))


def log_rollup(
    logs: pl.DataFrame, traits: pl.DataFrame, limits: RollupLimits, day: date, past: Past = NO_PAST, parts: int = 1
) -> tuple[LogRollup, pl.DataFrame]:
    """The rollup of a day, and which template each record is an instance of."""
    shaped: list[pl.DataFrame] = []
    frames = [frame.lazy() for frame in in_parts(logs, parts)]
    rollup = roll_up_logs(frames, lambda _: traits, limits, day, past, lambda _, of_part: shaped.append(of_part))
    return rollup, pl.concat(shaped)
