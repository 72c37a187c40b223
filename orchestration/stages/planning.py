"""Which days must be refreshed: those with a state made from other inputs, or under another policy, than now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from governance.privacy import load_privacy
from governance.quality import load_gate, load_suite
from governance.sampling import load_sampling_policy
from governance.signals import SIGNALS
from governance.sources import Source
from orchestration.lake import Lake
from orchestration.leaks.marks import verdict_inputs
from orchestration.stages.anonymizing import stale_anonymized_days
from orchestration.stages.gating import rules_of
from orchestration.stages.landing import stale_landing_days

_GAP = timedelta(days=14)  # days further apart than this are refreshed in runs of their own


def stale_days(lake: Lake, sources: Iterable[Source], destroyed: Collection[str]) -> list[str]:
    """The days (ISO, sorted) on which any state up to the gate is not current, or the sample lags behind the gate.

    Args:
        destroyed: ids of destroyed pseudonym keys; what was anonymised with them is frozen and never stale.
    """
    stale: set[str] = set()
    for source in sources:
        for signal in source.signals:
            stale |= set(stale_landing_days(lake, source, signal, destroyed))
            stale |= set(_behind(lake, f"{source.name}/{signal}", destroyed))
    return sorted(stale)


def _behind(lake: Lake, dataset: str, destroyed: Collection[str]) -> Iterable[str]:
    signal = dataset.split("/")[1]
    privacy, rules = load_privacy().digest, rules_of(load_gate(), load_suite(signal))
    yield from stale_anonymized_days(lake, dataset, privacy, destroyed)
    for day in lake.days(f"anonymized/{dataset}"):
        if not lake.is_current(f"quarantine/{dataset}/{day}", verdict_inputs(lake, dataset, day), rules):
            yield day
    if not SIGNALS[signal].is_sampled:
        return
    sampling = load_sampling_policy().digest
    for day in lake.days(f"sampled/{dataset}"):
        verdict = lake.manifest(f"quarantine/{dataset}/{day}")
        if verdict is not None and verdict.facts["blocked"] == "true":
            yield day
    for day in lake.days(f"checked/{dataset}"):
        own = f"checked/{dataset}/{day}"
        for state in ("rollups", "sampled"):
            made = lake.manifest(f"{state}/{dataset}/{day}")
            if made is None or made.policy != sampling or made.inputs.get(own) != lake.digests([own])[own]:
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
