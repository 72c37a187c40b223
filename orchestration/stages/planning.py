"""Which days must be refreshed: those with a state made from other inputs, or under another policy, than now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from functools import cache, partial

from governance.privacy import load_privacy
from governance.quality import Rulings, load_quality, load_suite
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import Source
from governance.themes import load_themes
from orchestration.lake import Lake
from orchestration.stages.anonymizing import stale_anonymized_days
from orchestration.stages.comparing import Comparisons
from orchestration.stages.dependencies import (
    LOGS,
    SPANS,
    Dependencies,
    Standing,
    has_expired,
    is_withheld,
    of_partitions,
    standing,
)
from orchestration.stages.gating import NO_RULINGS, rules_of, verdict_inputs
from orchestration.stages.landing import stale_landing_days
from orchestration.stages.template_history import stale_template_days
from orchestration.stages.theming import stale_theme_days

_GAP = timedelta(days=14)  # days further apart than this are refreshed in runs of their own


def stale_days(
    lake: Lake, sources: Iterable[Source], destroyed: Collection[str], rulings: Rulings = NO_RULINGS
) -> list[str]:
    """The days (ISO, sorted) on which any state up to the gate is not current, or the sample lags behind the gate.

    Args:
        destroyed: ids of destroyed pseudonym keys; what was anonymised with them is frozen and never stale.
        rulings: what stewards have decided, as of now.
    """
    stale = set(stale_theme_days(lake, load_themes()))
    for source in sources:
        for signal in source.signals:
            stale |= set(stale_landing_days(lake, source, signal, destroyed))
            stale |= set(_behind(lake, f"{source.name}/{signal}", destroyed, rulings))
    return sorted(stale)


def _behind(lake: Lake, dataset: str, destroyed: Collection[str], rulings: Rulings = NO_RULINGS) -> Iterable[str]:
    signal, quality, suite = dataset.split("/")[1], load_quality(), load_suite(dataset)
    privacy, rules, others = load_privacy().digest, rules_of(quality, suite), Comparisons(lake, dataset, suite, quality)
    yield from stale_anonymized_days(lake, dataset, privacy, destroyed)
    for day in lake.days(f"anonymized/{dataset}"):
        inputs = verdict_inputs(lake, dataset, day, rulings, others)
        if not lake.is_current(f"quarantine/{dataset}/{day}", inputs, rules):
            yield day
    if SIGNALS[signal].is_sampled:
        yield from _sample_behind(lake, dataset)


def _sample_behind(lake: Lake, dataset: str) -> Iterable[str]:
    """The days whose traits, rollups or sample were made from others than there are now, neighbours included."""
    source, signal = dataset.split("/")
    policy = load_sampling_policy()
    depends = Dependencies.of(lake, policy)
    withheld, expired = cache(partial(is_withheld, lake)), cache(partial(has_expired, lake))
    digest_of = cache(lambda key: lake.digests([key]).get(key))  # each partition is an input of many days

    def is_stale(key: str, wanted: list[str]) -> bool:
        inputs = {name: digest for name in wanted if (digest := digest_of(name))}
        made = lake.manifest(key)
        return standing(made and of_partitions(made), inputs, policy.digest, expired) is Standing.STALE

    if signal == LOGS:
        yield from stale_template_days(lake, dataset, policy.rollups)
    yield from (day for day in lake.days(f"sampled/{dataset}") if withheld(f"sampled/{dataset}/{day}"))
    for day in lake.days(f"checked/{dataset}"):
        made_from = {"sampled": depends.samples(source, signal, day)}
        if signal == SPANS:
            made_from |= {"rollups": depends.span_rollups(source, day), "traits": depends.span_traits(source, day)}
        else:
            made_from |= {"rollups": depends.log_rollups(source, day), "traits": depends.news(source, day)}
        if any(is_stale(f"{state}/{dataset}/{day}", wanted) for state, wanted in made_from.items()):
            yield day


def ranges(days: list[str]) -> list[tuple[str, str]]:
    """Sorted ISO days as few inclusive ranges, split where more than two weeks lie between two of them."""
    spans: list[tuple[str, str]] = []
    for day in days:
        if spans and date.fromisoformat(day) - date.fromisoformat(spans[-1][1]) <= _GAP:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans
