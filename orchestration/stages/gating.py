"""gate: anonymized -> checked | quarantine. A day that fails is withheld: `checked/<day>` does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import polars as pl

from governance.quality import GatePolicy, Suite, Verdict, judge_days, withhold
from governance.signals import SIGNALS
from orchestration.lake import Lake, Manifest, Table
from orchestration.leaks.marks import leaked, verdict_inputs
from orchestration.stages.tally import Tally
from orchestration.stages.watching import LEAK_RATE
from orchestration.stages.workers import each_group

_ROWS_AT_ONCE = 50_000  # of small days; a larger one is chunked by the gate itself


@dataclass(frozen=True)
class _Judged:
    """What the gate decided of one day: the files that were written, and what their manifests are to say."""

    checked: Table | None  # None: the day is withheld
    quarantine: Mapping[str, Table]
    counts: Mapping[str, int]
    reason: str


def judge_dataset(
    lake: Lake,
    dataset: str,
    days: list[str],
    suite: Suite,
    policy: GatePolicy,
    as_of: datetime,
    processes: int | None = None,
) -> Tally:
    """Judge the days of a dataset (`<source>/<signal>`), many small days in one pass.

    Args:
        processes: how many work at it; None: as many as `workers.worker_count` says.
    """
    rules = rules_of(policy, suite)
    tally = Tally()
    groups = {"/".join(group): group for group in _groups(lake, dataset, days, rules, tally)}
    rows = sum(manifest.tables["records"].rows for group in groups.values() for manifest in group.values())
    judge = partial(_judge, lake, dataset, suite, policy)
    for name, judged in each_group(judge, groups, records=rows, processes=processes):
        for day, made in judged.items():
            _settle(lake, dataset, day, groups[name][day], made, rules, as_of)
            tally.days[day] = made.counts
            if made.checked is None:
                tally.notes[day] = made.reason
    return tally


def rules_of(policy: GatePolicy, suite: Suite) -> str:
    """What a verdict is made under, as its manifest names it."""
    return f"{policy.digest}:{suite.digest}"


def _groups(lake: Lake, dataset: str, days: list[str], rules: str, tally: Tally) -> Iterator[dict[str, Manifest]]:
    """The days that must be judged (again), in groups small enough for one pass."""
    group: dict[str, Manifest] = {}
    for day in days:
        manifest = lake.manifest(f"anonymized/{dataset}/{day}")
        verdict_key = f"quarantine/{dataset}/{day}"
        if manifest is None:
            if lake.exists(verdict_key):
                tally.frozen.append(day)
            continue
        if lake.is_current(verdict_key, verdict_inputs(lake, dataset, day), rules):
            tally.current.append(day)
            continue
        group[day] = manifest
        if sum(m.tables["records"].rows for m in group.values()) >= _ROWS_AT_ONCE:
            yield group
            group = {}
    if group:
        yield group


def _settle(lake: Lake, dataset: str, day: str, source: Manifest, made: _Judged, rules: str, as_of: datetime) -> None:
    """Keep what the gate decided: the checked rows first, then the verdict, which is what `is_current` asks."""
    inputs = {**verdict_inputs(lake, dataset, day), f"anonymized/{dataset}/{day}": source.digest}
    counts = {**source.counts, **made.counts}
    checked, quarantine = (f"{state}/{dataset}/{day}" for state in ("checked", "quarantine"))
    if made.checked is None:
        lake.remove(checked)
    else:
        with lake.replace(checked, as_of=as_of, inputs=inputs, policy=rules, key_id=source.key_id) as out:
            out.tables["records"] = made.checked
            out.counts = counts
    with lake.replace(quarantine, as_of=as_of, inputs=inputs, policy=rules, key_id=source.key_id) as out:
        out.tables |= made.quarantine
        out.counts = counts
        out.facts = {"blocked": str(made.checked is None).lower(), "reason": made.reason}


# What follows runs in this process or beside it, see workers.py: it writes no manifest.


def _judge(
    lake: Lake, dataset: str, suite: Suite, policy: GatePolicy, name: str, group: Mapping[str, Manifest]
) -> dict[str, _Judged]:
    """The verdict on each day of a group."""
    verdicts = judge_days(
        {day: lake.read(f"anonymized/{dataset}/{day}") for day in group},
        SIGNALS[suite.signal],
        suite,
        policy,
        known={day: manifest.counts for day, manifest in group.items()},
        leaked={day: leaked(lake, dataset, day) for day in group},
    )
    judged = {}
    for day, verdict in verdicts.items():
        if LEAK_RATE in group[day].facts:
            verdict = withhold(verdict, f"{LEAK_RATE}: {group[day].facts[LEAK_RATE]}")
        judged[day] = _written(lake, f"{dataset}/{day}", verdict)
    return judged


def _written(lake: Lake, place: str, verdict: Verdict) -> _Judged:
    tables = {"records": verdict.quarantined, "results": verdict.results}
    return _Judged(
        checked=None if verdict.is_blocked else lake.write(f"checked/{place}", "records", verdict.checked),
        quarantine={name: lake.write(f"quarantine/{place}", name, frame) for name, frame in tables.items()},
        counts=verdict.counts,
        reason=verdict.reason,
    )


def results_over(lake: Lake, dataset: str, days: list[str]) -> pl.DataFrame:
    """Each expectation over the days: evaluated and failed rows, days it failed on (one row per expectation)."""
    keys = [f"quarantine/{dataset}/{day}" for day in days]
    frames = [lake.read(key, "results") for key in keys if lake.exists(key)]
    if not frames:
        return pl.DataFrame()
    return (
        pl.concat(frames)
        .group_by("expectation", maintain_order=True)
        .agg(
            pl.col("evaluated").sum(),
            pl.col("failed").sum(),
            days_failed=(~pl.col("is_passed")).sum(),
        )
    )
