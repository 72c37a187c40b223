"""What a day of logs takes from the days before: the known templates of the latest of them, and how often
those it is compared with met each.

A day names these tables by their checksums, not the whole partitions: that an earlier day was made again makes a later
one stale only where what it carries on has changed. A day pulled late, whatever lies behind it, is no exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache

from governance.sampling import RollupLimits
from orchestration.lake import Lake, Manifest
from orchestration.rollups.known_templates import NO_PAST, Past
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA, TEMPLATE_COUNTS_SCHEMA

_KNOWN, _COUNTS = "known_templates", "template_counts"
_Manifests = Callable[[str], Manifest | None]


def past_inputs(lake: Lake, dataset: str, day: str, limits: RollupLimits) -> dict[str, str]:
    """Checksums of what a day takes from the days before: `rollups/<dataset>/known_templates` (of the latest of them)
    and `rollups/<dataset>/<day>/template_counts`.

    Beyond the days after which templates are forgotten nothing is known. What a day took from one that has expired
    since stays named, and is not missed.
    """
    return _past_inputs(lake.manifest, dataset, day, limits)


def read_past(lake: Lake, dataset: str, day: str, limits: RollupLimits) -> Past:
    """What `past_inputs` names, as far as it has not expired."""
    latest = _latest(lake.manifest, dataset, day, limits)
    if latest is None:
        return NO_PAST
    compared = sorted(_keys_before(dataset, day, limits.news.compared_days))
    counts = lake.scan(compared, _COUNTS, TEMPLATE_COUNTS_SCHEMA).collect()
    return Past(lake.read(latest[0], _KNOWN).select(KNOWN_TEMPLATES_SCHEMA.names()), counts)


def following(lake: Lake, dataset: str, days: Iterable[str]) -> list[str]:
    """`days` and every later day that has rollups, sorted: what a changed day can make stale."""
    wanted = sorted(days)
    return sorted({*wanted, *(day for day in lake.days(f"rollups/{dataset}") if wanted and day > wanted[0])})


def stale_template_days(lake: Lake, dataset: str, limits: RollupLimits) -> Iterator[str]:
    """The days that took something else from the days before than there is now; frozen ones are not among them."""
    manifest_of = cache(lake.manifest)  # a day is asked for by every day after it: 15 times each over a year
    for day in lake.days(f"checked/{dataset}"):
        made = manifest_of(f"rollups/{dataset}/{day}")
        if made is not None and _taken(made, dataset) != _past_inputs(manifest_of, dataset, day, limits):
            yield day


def _past_inputs(manifest_of: _Manifests, dataset: str, day: str, limits: RollupLimits) -> dict[str, str]:
    there = {
        f"{key}/{_COUNTS}": made.tables[_COUNTS].sha256
        for key in _keys_before(dataset, day, limits.news.compared_days)
        if (made := manifest_of(key)) and _COUNTS in made.tables
    }
    if latest := _latest(manifest_of, dataset, day, limits):
        there[f"rollups/{dataset}/{_KNOWN}"] = latest[1]
    before = manifest_of(f"rollups/{dataset}/{day}")
    taken = {} if before is None else _taken(before, dataset)
    sources = dict.fromkeys(taken, _keys_before(dataset, day, limits.templates.forget_after_days)) | {
        f"{key}/{_COUNTS}": [key] for key in _keys_before(dataset, day, limits.news.compared_days)
    }
    expired = {
        name: checksum
        for name, checksum in taken.items()
        if name not in there and all(_has_expired(manifest_of, key) for key in sources[name])
    }
    return {**there, **expired}


def _taken(made: Manifest, dataset: str) -> dict[str, str]:
    """What a day took from the days before when it was made."""
    return {name: checksum for name, checksum in made.inputs.items() if name.startswith(f"rollups/{dataset}/")}


def _latest(manifest_of: _Manifests, dataset: str, day: str, limits: RollupLimits) -> tuple[str, str] | None:
    """The latest day before that says what it knows: its key and the checksum of that."""
    for key in _keys_before(dataset, day, limits.templates.forget_after_days):
        if (made := manifest_of(key)) and _KNOWN in made.tables:
            return key, made.tables[_KNOWN].sha256
    return None


def _has_expired(manifest_of: _Manifests, key: str) -> bool:
    """Whether the rollups of a day are gone for good: they can be made no more, and the gate did not withhold them."""
    _, place = key.split("/", 1)
    verdict = manifest_of(f"quarantine/{place}")
    is_withheld = verdict is not None and verdict.facts["blocked"] == "true"
    return manifest_of(key) is None and manifest_of(f"checked/{place}") is None and not is_withheld


def _keys_before(dataset: str, day: str, count: int) -> list[str]:
    """The keys of the `count` days before `day`, the latest first."""
    last = date.fromisoformat(day)
    return [f"rollups/{dataset}/{last - timedelta(days=back)}" for back in range(1, count + 1)]
