"""retain, first half: rollups that have come of age are made coarser, as policies/retention.yml says.

A partition made coarser keeps inputs, policy and age of what it took the place of, and stands for its digest: nothing
made of it is made again. Made again itself, from checked rows that changed, it is fine once more until its turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from governance.retention import RetentionPolicy
from orchestration.lake import Lake, Manifest
from orchestration.rollups.grains import Grain, add_up, coarsen, is_coarser

# The tables of a rollup that are counted by period, with the column of its start. The others go over as they are.
_BY_PERIOD: Mapping[str, Mapping[str, str]] = {
    "spans": {"requests": "period_start_at", "latency": "period_start_at"},
    "logs": {"templates": "minute_start_at"},
}
_GRAIN = "grain"


def compact(lake: Lake, policy: RetentionPolicy, as_of: datetime) -> list[str]:
    """Make the rollups coarser whose day is old enough at `as_of`; returns their keys.

    Age counts from the day itself: what is compared by the hour is so whenever it was pulled.
    """
    today, made = as_of.astimezone(UTC).date(), []
    for key in lake.keys("rollups"):
        _, _, signal, day = key.split("/")
        grain = policy.rollup_grains.at_age((today - date.fromisoformat(day)).days)
        manifest = lake.manifest(key)
        if manifest is None or signal not in _BY_PERIOD:
            continue
        if is_coarser(grain, manifest.facts.get(_GRAIN, "minute")):
            _replace(lake, key, manifest, _BY_PERIOD[signal], grain)
            made.append(key)
    return made


def _replace(lake: Lake, key: str, manifest: Manifest, by_period: Mapping[str, str], grain: Grain) -> None:
    pulled_at = datetime.fromisoformat(manifest.as_of)
    with lake.replace(
        key, as_of=pulled_at, inputs=manifest.inputs, policy=manifest.policy, key_id=manifest.key_id
    ) as out:
        for name, start in by_period.items():
            parts = (coarsen(lake.read(key, name, part), grain, start) for part in range(len(manifest.parts(name))))
            out.write(name, add_up(list(parts)))
        made = {part for name in by_period for part in manifest.parts(name)}
        out.tables |= {name: table for name, table in manifest.tables.items() if name not in made}
        out.counts = dict(manifest.counts)
        out.facts = {**manifest.facts, _GRAIN: grain}
        out.stands_for = manifest.digest
