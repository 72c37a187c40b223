"""gate: anonymized -> checked | quarantine. A day that fails is withheld: `checked/<day>` does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial, reduce
from itertools import groupby
from operator import add

import polars as pl

from governance.quality import (
    COMPARING,
    RESULTS_SCHEMA,
    DayRulings,
    Judged,
    QualityPolicy,
    RowCounts,
    Rulings,
    Suite,
    Verdict,
    conclude,
    judge_rows,
    offending,
    withhold,
)
from governance.signals import SIGNALS
from orchestration.lake import Lake, Manifest, Part, Table
from orchestration.leaks.marks import known_inputs, leaked
from orchestration.stages.comparing import Comparisons
from orchestration.stages.tally import Tally
from orchestration.stages.watching import LEAK_RATE
from orchestration.stages.workers import each_group, written_beside

NO_RULINGS = Rulings()
_SHAPE = 2  # of what a verdict keeps: with another one, every day is judged again
# So many rows go through the engine in one pass, which by itself takes 0.4 s: fewer where there are few in all, so that
# every process has some; more would take more memory.
_ROWS_AT_ONCE, _MOST_AT_ONCE, _PASSES = 50_000, 200_000, 4
_ROWS_A_PART = 2_000  # its own files take as long as so many rows: 40 small days are worth both processes


@dataclass(frozen=True)
class _Judged:
    """What the row expectations made of a part of a day: the files that were written, and how many rows are in them."""

    checked: Table
    quarantined: Table
    rows: RowCounts


def judge_dataset(
    lake: Lake,
    dataset: str,
    days: list[str],
    suite: Suite,
    policy: QualityPolicy,
    as_of: datetime,
    processes: int | None = None,
    rulings: Rulings = NO_RULINGS,
) -> Tally:
    """Judge the days of a dataset (`<source>/<signal>`), many small days in one pass.

    Args:
        processes: how many work at it; None: as many as `workers.worker_count` says.
        rulings: what stewards have decided, as of now.
    """
    rules, tally, others = rules_of(policy, suite), Tally(), Comparisons(lake, dataset, suite, policy)
    due = dict(_due(lake, dataset, days, rules, rulings, others, tally))
    parts = [part for day in due for part in lake.parts(f"anonymized/{dataset}/{day}")]
    groups = {str(number): group for number, group in enumerate(_groups(parts, due))}
    rows = sum(manifest.rows("records") for manifest in due.values())
    ruled = {day: rulings.of(dataset, day) for day in due}
    judged = each_group(partial(_judge, lake, dataset, suite, ruled), groups, records=rows, processes=processes)
    in_order = (one for _, group in judged for one in group)
    written = [f"{state}/{dataset}/{day}" for state in ("checked", "quarantine") for day in due]
    with lake.group_commit(), written_beside(lake, written):
        for day, found in groupby(zip(parts, in_order, strict=True), key=lambda one: one[0].day):
            of_parts = dict(found)
            rows_of_parts = [one.rows for one in of_parts.values()]
            inputs = verdict_inputs(lake, dataset, day, rulings, others)
            broken = _broken(lake, dataset, day, due[day].rows("records"), len(of_parts), suite, others, inputs)
            verdict = _verdict(lake, dataset, day, due[day], rows_of_parts, broken, suite, policy, ruled[day].waived)
            tally.days[day] = _settle(lake, dataset, day, due[day], of_parts, verdict, rules, inputs, as_of)
            if verdict.is_blocked:
                tally.notes[day] = verdict.reason
    return tally


def rules_of(policy: QualityPolicy, suite: Suite) -> str:
    """What a verdict is made under, as its manifest names it."""
    return f"{policy.digest}:{suite.digest}:{_SHAPE}"


def verdict_inputs(lake: Lake, dataset: str, day: str, rulings: Rulings, others: Comparisons) -> dict[str, str]:
    """What the gate's verdict on a day is made from.

    Its records, what is known to have leaked, what was decided, and what it is compared with.
    """
    decided = rulings.of(dataset, day).digest
    compared = others.inputs(day, lake.manifest(f"quarantine/{dataset}/{day}"))
    return {**compared, **known_inputs(lake, dataset, day), **({"rulings": decided} if decided else {})}


def _due(
    lake: Lake, dataset: str, days: list[str], rules: str, rulings: Rulings, others: Comparisons, tally: Tally
) -> Iterator[tuple[str, Manifest]]:
    """The days that must be judged (again), as they were anonymised."""
    for day in days:
        manifest = lake.manifest(f"anonymized/{dataset}/{day}")
        verdict_key = f"quarantine/{dataset}/{day}"
        if manifest is None:
            if lake.exists(verdict_key):
                tally.frozen.append(day)
        elif lake.is_current(verdict_key, verdict_inputs(lake, dataset, day, rulings, others), rules):
            tally.current.append(day)
        else:
            yield day, manifest


def _groups(parts: list[Part], days: Mapping[str, Manifest]) -> Iterator[list[Part]]:
    """Parts of days, in order, in groups small enough for one pass."""
    sizes = [days[part.day].tables[part.named("records")].rows + _ROWS_A_PART for part in parts]
    at_once = min(max(_ROWS_AT_ONCE, sum(sizes) // _PASSES), _MOST_AT_ONCE)
    group, rows = list[Part](), 0
    for part, size in zip(parts, sizes, strict=True):
        group.append(part)
        rows += size
        if rows >= at_once:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _broken(
    lake: Lake,
    dataset: str,
    day: str,
    height: int,
    parts: int,
    suite: Suite,
    others: Comparisons,
    inputs: Mapping[str, str],
) -> list[int | None]:
    """How much of the day breaks each expectation about a whole day; None: nothing there to tell by."""
    rows = lake.scan([f"anonymized/{dataset}/{day}"], "records", SIGNALS[suite.signal].schema)
    return [
        others.broken(one, day, inputs) if one.type in COMPARING else offending(rows, height, one, parts)
        for one in suite.day_expectations
    ]


def _verdict(
    lake: Lake,
    dataset: str,
    day: str,
    anonymized: Manifest,
    parts: list[RowCounts],
    broken: list[int | None],
    suite: Suite,
    policy: QualityPolicy,
    waived: Mapping[str, int],
) -> Verdict:
    """What the rows of all parts, and the day as a whole, come to."""
    known = leaked(lake, dataset, day)
    verdict = conclude(reduce(add, parts), broken, suite, policy, anonymized.counts, known, waived)
    if LEAK_RATE in anonymized.facts:
        return withhold(verdict, f"{LEAK_RATE}: {anonymized.facts[LEAK_RATE]}")
    return verdict


def _settle(
    lake: Lake,
    dataset: str,
    day: str,
    source: Manifest,
    parts: Mapping[Part, _Judged],
    verdict: Verdict,
    rules: str,
    inputs: Mapping[str, str],
    as_of: datetime,
) -> Mapping[str, int]:
    """Keep what the gate decided: the checked rows first, then the verdict, which is what `is_current` asks."""
    inputs = {**inputs, f"anonymized/{dataset}/{day}": source.digest}
    counts = {**source.counts, **verdict.counts}
    checked, quarantine = (f"{state}/{dataset}/{day}" for state in ("checked", "quarantine"))
    if verdict.is_blocked:
        lake.remove(checked)
    else:
        with lake.replace(checked, as_of=as_of, inputs=inputs, policy=rules, key_id=source.key_id) as out:
            out.tables |= {part.named("records"): judged.checked for part, judged in parts.items()}
            out.counts = counts
    with lake.replace(quarantine, as_of=as_of, inputs=inputs, policy=rules, key_id=source.key_id) as out:
        out.tables |= {part.named("records"): judged.quarantined for part, judged in parts.items()}
        out.write("results", verdict.results)
        out.counts = counts
        out.facts = {"blocked": str(verdict.is_blocked).lower(), "reason": verdict.reason}
    return verdict.counts


# What follows runs in this process or beside it, see workers.py: it writes no manifest.


def _judge(
    lake: Lake, dataset: str, suite: Suite, ruled: Mapping[str, DayRulings], name: str, group: list[Part]
) -> list[_Judged]:
    """What the row expectations make of each part of a group."""
    frames = [(part.day, lake.scan_part(part).collect()) for part in group]
    judged = judge_rows(frames, SIGNALS[suite.signal], suite, rulings=ruled)
    return [_written(lake, dataset, part, one) for part, one in zip(group, judged, strict=True)]


def _written(lake: Lake, dataset: str, part: Part, judged: Judged) -> _Judged:
    name, place = part.named("records"), f"{dataset}/{part.day}"
    return _Judged(
        checked=lake.write(f"checked/{place}", name, judged.passed),
        quarantined=lake.write(f"quarantine/{place}", name, judged.quarantined),
        rows=judged.counts,
    )


def results_over(lake: Lake, dataset: str, days: list[str]) -> pl.DataFrame:
    """Each expectation over the days: evaluated and failed rows, days it failed on (one row per expectation)."""
    keys = [f"quarantine/{dataset}/{day}" for day in days]
    return (
        lake.scan(keys, "results", RESULTS_SCHEMA)
        .group_by("expectation", maintain_order=True)
        .agg(
            pl.col("evaluated").sum(),
            pl.col("failed").sum(),
            days_failed=(~pl.col("is_passed")).sum(),
        )
        .collect()
    )
