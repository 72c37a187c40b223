"""Whether a day's findings per record are other than those of the days before: a detector broke, or a source changed.

Rates per record leave out how much was said; which weekday it was shows in the mix of records alone, and a window of
two weeks holds each weekday twice. Findings come in clusters (one incident, one chatty client), so a plain Poisson test
would cry every day: the days before tell by how much more than Poisson they vary, and counts are worth so much less
(quasi-Poisson; McCullagh and Nelder 1989, 6.2). Given the total of day and window, the day's part is then binomial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from governance.privacy.policy import DriftCheck

DRIFTS_SCHEMA = pl.Schema(
    {"day": pl.Date, "entity": pl.String, "rate": pl.Float64, "rate_before": pl.Float64, "probability": pl.Float64}
)


@dataclass(frozen=True)
class FoundOnDay:
    """What was found on one day of one signal of one source: findings by entity in so many records."""

    records: int
    findings: Mapping[str, int]


@dataclass(frozen=True)
class Drift:
    """An entity that is found more or less often than before: findings per record, and how probable by chance."""

    day: date
    entity: str
    rate: float
    rate_before: float
    probability: float


def drifts(days: Mapping[date, FoundOnDay], policy: DriftCheck) -> Iterator[Drift]:
    """The drifts of each day that has enough days before it, oldest first; days without records say nothing."""
    for day in sorted(days):
        first = day - timedelta(days=policy.window_days)
        before = [found for other, found in sorted(days.items()) if first <= other < day and found.records]
        if days[day].records and len(before) >= policy.min_days:
            yield from _drifts_of_day(day, days[day], before, policy)


def _drifts_of_day(day: date, now: FoundOnDay, before: list[FoundOnDay], policy: DriftCheck) -> Iterator[Drift]:
    records_before = sum(found.records for found in before)
    for entity in sorted({entity for found in (now, *before) for entity in found.findings}):
        count = now.findings.get(entity, 0)
        count_before = sum(found.findings.get(entity, 0) for found in before)
        rate, rate_before = count / now.records, count_before / records_before
        if rate_before / policy.factor < rate < rate_before * policy.factor:
            continue
        spread = _overdispersion(entity, rate_before, before)
        share = now.records / (now.records + records_before)
        probability = _probability(count / spread, count_before / spread, share)
        if probability < policy.significance:
            yield Drift(day, entity, rate, rate_before, probability)


def _overdispersion(entity: str, rate: float, before: list[FoundOnDay]) -> float:
    """Pearson's statistic per degree of freedom; 1 where the days vary no more than chance lets them."""
    expected = [(found.findings.get(entity, 0), rate * found.records) for found in before]
    squares = sum((count - mean) ** 2 / mean for count, mean in expected if mean)
    return max(1.0, squares / (len(before) - 1))


def _probability(count: float, count_before: float, share: float) -> float:
    """Of so many findings on the day or a count further off, were each finding its with probability `share`.

    The binomial tails as incomplete beta functions, which take counts that are no integers.
    """
    from scipy.special import betainc

    more = betainc(count, count_before + 1, share) if count else 1.0
    fewer = betainc(count_before, count + 1, 1 - share) if count_before else 1.0
    return float(min(1.0, 2 * min(more, fewer)))
