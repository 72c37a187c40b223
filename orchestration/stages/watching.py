"""What was found while anonymising, and what a second detector says of the result, over the days of a dataset.

Read from the anonymized partitions, whichever run made them. A partition from before findings were counted has none:
it says nothing, not that nothing was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, timedelta

import polars as pl

from governance.privacy import PrivacyPolicy
from governance.privacy.drift import DRIFTS_SCHEMA, FoundOnDay, drifts
from governance.privacy.findings import FINDINGS_SCHEMA
from governance.privacy.second_opinion import LEAKS_SCHEMA, LeakRate, Opinion
from orchestration.lake import Lake

LEAK_RATE, _LEAK_SAMPLE = "leak rate", "leak sample"
WITHHELD_FIELD = "withheld field "  # how a fact of an anonymised day begins that counts records with such a field


@dataclass(frozen=True)
class Leaks:
    """The second opinion on days together.

    Attributes:
        rate: over all days; records of a day are a sample of that day, so busy days count for less than they are.
        leaks: where to look (LEAKS_SCHEMA and the day).
        withheld: days that are surely above the allowed rate.
    """

    rate: LeakRate
    leaks: pl.DataFrame
    withheld: list[str]


def leak_facts(opinion: Opinion, policy: PrivacyPolicy) -> dict[str, str]:
    """What a manifest keeps of a second opinion; `leak rate` is there only where the day must be withheld for it."""
    allowed, rate = policy.leak_check.max_leak_rate, opinion.rate
    facts = {_LEAK_SAMPLE: f"{rate.leaking} of {rate.sampled}"}
    if rate.low > allowed:
        facts[LEAK_RATE] = (
            f"{rate.leaking} of {rate.sampled} records, surely {rate.low:.2%} or more; allowed {allowed:.2%}"
        )
    return facts


def leaks_over(lake: Lake, dataset: str, days: Iterable[str], policy: PrivacyPolicy) -> Leaks:
    """The second opinion on the days, as their manifests keep it."""
    leaking = sampled = 0
    withheld, frames = [], [pl.DataFrame(schema={"day": pl.String, **LEAKS_SCHEMA})]
    for day in days:
        key = f"anonymized/{dataset}/{day}"
        manifest = lake.manifest(key)
        if manifest is None or _LEAK_SAMPLE not in manifest.facts:
            continue
        found, _, of = manifest.facts[_LEAK_SAMPLE].partition(" of ")
        leaking, sampled = leaking + int(found), sampled + int(of)
        if "leaks" in manifest.tables:
            frames.append(lake.read(key, "leaks").select(pl.lit(day).alias("day"), *LEAKS_SCHEMA))
        if LEAK_RATE in manifest.facts:
            withheld.append(day)
    return Leaks(LeakRate(leaking, sampled, policy.leak_check.confidence), pl.concat(frames), withheld)


def withheld_fields(lake: Lake, dataset: str, days: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """By field that no rule named: how many values of it were withheld on which days (ISO).

    Args:
        days: None: all that are there.
    """
    found: dict[str, dict[str, int]] = {}
    for day in lake.days(f"anonymized/{dataset}") if days is None else days:
        manifest = lake.manifest(f"anonymized/{dataset}/{day}")
        for fact, count in (manifest.facts if manifest else {}).items():
            if fact.startswith(WITHHELD_FIELD):
                found.setdefault(fact.removeprefix(WITHHELD_FIELD), {})[day] = int(count)
    return found


def findings_over(lake: Lake, dataset: str, days: Iterable[str]) -> pl.DataFrame:
    """How often each entity was found in each field over the days, most often first."""
    keys = [f"anonymized/{dataset}/{day}" for day in days]
    frame = lake.scan(keys, "findings", FINDINGS_SCHEMA).group_by("field", "entity")
    counted = frame.agg(pl.col("finding_count", "propagated_count").sum())
    return counted.sort(["finding_count", "propagated_count", "field", "entity"], descending=True).collect()


def drifts_over(lake: Lake, dataset: str, days: list[str], policy: PrivacyPolicy) -> pl.DataFrame:
    """The drifts of the days of a run, against the days before each: one row per day and entity (DRIFTS_SCHEMA)."""
    if not days:
        return pl.DataFrame(schema=DRIFTS_SCHEMA)
    first = (date.fromisoformat(min(days)) - timedelta(days=policy.drift.window_days)).isoformat()
    known = [day for day in lake.days(f"anonymized/{dataset}") if first <= day <= max(days)]
    found = {date.fromisoformat(day): one for day in known if (one := _found_on(lake, f"anonymized/{dataset}/{day}"))}
    rows = [astuple(drift) for drift in drifts(found, policy.drift) if drift.day.isoformat() in days]
    return pl.DataFrame(rows, DRIFTS_SCHEMA, orient="row")


def _found_on(lake: Lake, key: str) -> FoundOnDay | None:
    manifest = lake.manifest(key)
    if manifest is None or "findings" not in manifest.tables:
        return None
    counts = lake.read(key, "findings").group_by("entity").agg(pl.col("finding_count").sum())
    return FoundOnDay(_anonymized(manifest.counts), dict(counts.iter_rows()))


def _anonymized(counts: Mapping[str, int]) -> int:
    """The records that findings are counted of: those that passed and those that are held."""
    return counts.get("anonymized", 0) + counts.get("held", 0)
