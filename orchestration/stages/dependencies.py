"""What the days of the sample stage are made from, as keys of the lake, and how far a change of one day reaches.

```
checked/spans D ....................................... rollups of its spans
checked/spans D, latency of the days before D ......... traits D
checked/logs D, traits of D-1 .. D+1 .................. rollups of its logs
with their templates of earlier days (template_history)
checked/logs D, its rollups, traits of D .............. traits/logs D: news, volumes
volumes of the days before D .......................... rates D
checked D, traits and rates of D-1 .. D+1 ............. sampled D
```
Everything is told by digests of what the partitions hold: a day that is made again and comes out the same reaches no
other. What is gone because it expired is not missed; what was made from it cannot be made again, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum

from governance.sampling import SamplingPolicy
from orchestration.lake import Lake, Manifest

SPANS, LOGS = "spans", "logs"
ALL_SOURCES = "all"
# Single tables among the inputs are not: template_history says itself which of them are missed.
_PARTITION = re.compile(r"\w+/[^/]+/\w+/\d{4}-\d\d-\d\d")


class Standing(Enum):
    """What is to be done with a partition."""

    CURRENT = "made from the same inputs"
    STALE = "to be made (again)"
    FROZEN = "an input expired: left as it is"


@dataclass(frozen=True)
class Dependencies:
    """The keys that each state of a day is made from, whether or not they exist.

    Attributes:
        sources: those that have spans or logs in the lake; a trace can come from several.
    """

    sources: Sequence[str]
    policy: SamplingPolicy

    @classmethod
    def of(cls, lake: Lake, policy: SamplingPolicy) -> Dependencies:
        """Those of every source that ever passed the gate."""
        found = {path.parent.name for path in (lake.root / "checked").glob("*/*") if path.name in (SPANS, LOGS)}
        return cls(sorted(found), policy)

    def span_rollups(self, source: str, day: str) -> list[str]:
        """Of rollups of spans."""
        return [f"checked/{source}/{SPANS}/{day}"]

    def span_traits(self, source: str, day: str) -> list[str]:
        """Of what is known of traces: what is slow follows from the days before."""
        return [f"checked/{source}/{SPANS}/{day}", *self.earlier_latency(source, day)]

    def earlier_latency(self, source: str, day: str) -> list[str]:
        return [f"rollups/{source}/{SPANS}/{other}" for other in around(day, -self.policy.traces.slow_days, -1)]

    def log_rollups(self, source: str, day: str) -> list[str]:
        """Of rollups of logs: whose a trace was, and whether it failed."""
        return [f"checked/{source}/{LOGS}/{day}", *self.traits(around(day, -1, 1))]

    def news(self, source: str, day: str) -> list[str]:
        """Of the news and volumes of logs."""
        return [*(f"{state}/{source}/{LOGS}/{day}" for state in ("checked", "rollups")), *self.traits([day])]

    def rates(self, day: str) -> list[str]:
        """Of the rates of a day: what the days before it offered. None without a budget."""
        if self.policy.budget.per_day is None:
            return []
        before = around(day, -self.policy.budget.follows_days, -1)
        return [*self.traits(before), *self.traits(before, LOGS)]

    def samples(self, source: str, signal: str, day: str) -> list[str]:
        """Of sampled spans or logs."""
        own = [f"checked/{source}/{signal}/{day}", *([f"rollups/{source}/{signal}/{day}"] if signal == LOGS else [])]
        window = around(day, -1, 1)
        return [*own, *self.traits(window), *self.traits(window, LOGS), *map(rates_key, window)]

    def traits(self, days: Iterable[str], signal: str = SPANS) -> list[str]:
        """Traits of these days, of every source."""
        return [f"traits/{source}/{signal}/{day}" for day in days for source in self.sources]

    def reach(self, days: Iterable[str]) -> list[str]:
        """The days and all that can follow from them, sorted: one before, and after them those of every chain."""
        policy = self.policy
        after = policy.traces.slow_days + policy.budget.follows_days + 2
        return sorted({other for day in days for other in around(day, -1, after)})


def around(day: str, first: int, last: int) -> list[str]:
    """The days from `first` to `last` days away from `day`."""
    middle = date.fromisoformat(day)
    return [(middle + timedelta(days=offset)).isoformat() for offset in range(first, last + 1)]


def rates_key(day: str) -> str:
    """The rates of a day; they are those of all sources."""
    return f"rates/{ALL_SOURCES}/traces/{day}"


def standing(
    made: Manifest | None,
    inputs: Mapping[str, str],
    policy: str,
    has_expired: Callable[[str], bool],
) -> Standing:
    """Whether a partition is to be made again.

    Args:
        inputs: key -> digest of what exists of what it would be made from now.
        has_expired: whether a key is gone and cannot be made again; asked of those it was made from and would not be
            now. What a policy no longer asks for is none of them.
    """
    if made is None:
        return Standing.STALE
    if dict(made.inputs) == dict(inputs) and made.policy == policy:
        return Standing.CURRENT
    gone = [key for key in made.inputs.keys() - inputs.keys() if _PARTITION.fullmatch(key)]
    return Standing.FROZEN if any(map(has_expired, gone)) else Standing.STALE


def of_partitions(made: Manifest) -> Manifest:
    """`made` with those of its inputs that are whole partitions."""
    return replace(made, inputs={key: digest for key, digest in made.inputs.items() if _PARTITION.fullmatch(key)})


def has_expired(lake: Lake, key: str) -> bool:
    """Whether this partition does not exist, and not because the gate has withheld its day."""
    return not lake.exists(key) and not is_withheld(lake, key)


def is_withheld(lake: Lake, key: str) -> bool:
    """Whether the gate has withheld the day of this key (`<state>/<source>/<signal>/<day>`); of all sources: of any."""
    _, source, signal, day = key.split("/")
    if source == ALL_SOURCES:
        places = [path.relative_to(lake.root).as_posix() for path in lake.root.glob(f"quarantine/*/*/{day}")]
    else:
        places = [f"quarantine/{source}/{signal}/{day}"]
    verdicts = (lake.manifest(place) for place in places)
    return any(verdict is not None and verdict.facts["blocked"] == "true" for verdict in verdicts)
