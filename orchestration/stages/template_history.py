"""What a day of logs takes from the days before: the known templates of the latest of them, and how often
those it is compared with met each.

A day names these tables by their checksums, not the whole partitions: that an earlier day was made again makes a later
one stale only where what it carries on has changed. A day pulled late, whatever lies behind it, is no exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache

from governance.sampling import RollupLimits
from orchestration.lake import Lake, Manifest
from orchestration.rollups.known_templates import NO_PAST, Past
from orchestration.rollups.schemas import KNOWN_TEMPLATES_SCHEMA, TEMPLATE_COUNTS_SCHEMA

_KNOWN, _COUNTS = "known_templates", "template_counts"


def past_inputs(lake: Lake, dataset: str, day: str, limits: RollupLimits) -> dict[str, str]:
    """Checksums of what a day takes from the days before, by `<key>/<table>`.

    Beyond the days after which templates are forgotten nothing is known, so nothing is looked for.
    """
    return _past_inputs(lake.manifest, dataset, day, limits)


def read_past(lake: Lake, inputs: Mapping[str, str]) -> Past:
    """What `past_inputs` names."""
    tables = [name.rsplit("/", 1) for name in inputs]
    known = [key for key, table in tables if table == _KNOWN]
    compared = sorted(key for key, table in tables if table == _COUNTS)
    if not known:
        return NO_PAST
    counts = lake.scan(compared, _COUNTS, TEMPLATE_COUNTS_SCHEMA).collect()
    return Past(lake.read(known[0], _KNOWN).select(KNOWN_TEMPLATES_SCHEMA.names()), counts)


def following(lake: Lake, dataset: str, days: Iterable[str]) -> list[str]:
    """`days` and every later day that has rollups, sorted: what a changed day can make stale."""
    wanted = sorted(days)
    return sorted({*wanted, *(day for day in lake.days(f"rollups/{dataset}") if wanted and day > wanted[0])})


def stale_template_days(lake: Lake, dataset: str, limits: RollupLimits) -> Iterator[str]:
    """The days that took something else from the days before than there is now; frozen ones are not among them."""
    manifest_of = cache(lake.manifest)  # a day is asked for by every day after it: 15 times each over a year
    for day in lake.days(f"checked/{dataset}"):
        made = manifest_of(f"rollups/{dataset}/{day}")
        if made is None:
            continue
        taken = {name: digest for name, digest in made.inputs.items() if name.rsplit("/", 1)[1] in (_KNOWN, _COUNTS)}
        if taken != _past_inputs(manifest_of, dataset, day, limits):
            yield day


def _past_inputs(
    manifest_of: Callable[[str], Manifest | None], dataset: str, day: str, limits: RollupLimits
) -> dict[str, str]:
    def checksums(count: int, table: str) -> Iterator[tuple[str, str]]:
        for key in _keys_before(dataset, day, count):
            made = manifest_of(key)
            if made is not None and table in made.tables:
                yield f"{key}/{table}", made.tables[table].sha256

    latest = next(checksums(limits.templates.forget_after_days, _KNOWN), None)
    return dict([*checksums(limits.news.compared_days, _COUNTS), *([latest] if latest else [])])


def _keys_before(dataset: str, day: str, count: int) -> list[str]:
    """The keys of the `count` days before `day`, the latest first."""
    last = date.fromisoformat(day)
    return [f"rollups/{dataset}/{last - timedelta(days=back)}" for back in range(1, count + 1)]
