"""gate: anonymized -> checked | quarantine. A day that fails is withheld: `checked/<day>` does not exist."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from governance.quality import GatePolicy, Suite, Verdict, judge_days, withhold
from governance.signals import SIGNALS
from orchestration.lake import Lake, Manifest
from orchestration.leaks.marks import leaked, verdict_inputs
from orchestration.stages.tally import Tally
from orchestration.stages.watching import LEAK_RATE

_ROWS_AT_ONCE = 250_000  # of many small days; a larger day is chunked by the gate itself


def judge_dataset(
    lake: Lake, dataset: str, days: list[str], suite: Suite, policy: GatePolicy, as_of: datetime
) -> Tally:
    """Judge the days of a dataset (`<source>/<signal>`), many small days in one pass."""
    signal = SIGNALS[dataset.split("/")[1]]
    rules = rules_of(policy, suite)
    tally = Tally()
    for group in _groups(lake, dataset, days, rules, tally):
        frames = {day: lake.read(f"anonymized/{dataset}/{day}") for day in group}
        for day, verdict in judge_days(
            frames,
            signal,
            suite,
            policy,
            known={day: manifest.counts for day, manifest in group.items()},
            leaked={day: leaked(lake, dataset, day) for day in group},
        ).items():
            if LEAK_RATE in group[day].facts:
                verdict = withhold(verdict, f"{LEAK_RATE}: {group[day].facts[LEAK_RATE]}")
            _settle(lake, dataset, day, group[day], verdict, rules, as_of)
            tally.days[day] = _counts(verdict)
            if verdict.is_blocked:
                tally.notes[day] = verdict.reason
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


def _settle(
    lake: Lake, dataset: str, day: str, judged: Manifest, verdict: Verdict, rules: str, as_of: datetime
) -> None:
    """Write what the gate decided: the checked rows first, then the verdict, which is what `is_current` asks."""
    inputs = {**verdict_inputs(lake, dataset, day), f"anonymized/{dataset}/{day}": judged.digest}
    counts = {**judged.counts, **_counts(verdict)}
    checked = f"checked/{dataset}/{day}"
    if verdict.is_blocked:
        lake.remove(checked)
    else:
        with lake.replace(checked, as_of=as_of, inputs=inputs, policy=rules, key_id=judged.key_id) as out:
            out.write("records", verdict.checked)
            out.counts = counts
    with lake.replace(
        f"quarantine/{dataset}/{day}", as_of=as_of, inputs=inputs, policy=rules, key_id=judged.key_id
    ) as out:
        out.write("records", verdict.quarantined)
        out.write("results", verdict.results)
        out.counts = counts
        out.facts = {"blocked": str(verdict.is_blocked).lower(), "reason": verdict.reason}


def _counts(verdict: Verdict) -> dict[str, int]:
    return {
        "checked": verdict.checked.height,
        "quarantined": verdict.quarantined.height,
        "withheld": verdict.withheld,
    }


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
