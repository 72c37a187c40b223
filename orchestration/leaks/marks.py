"""Which days are known to leak: by what `anonymize` saw itself, and by what was found in files since.

A find marks its day: partition `leaks/<source>/<signal>/<day>`. The gate withholds a marked day, which takes away what
was found; so a mark is not lifted because nothing is found any more, but when the day has been anonymised again with
another result or under another policy, or when a steward lifts it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from orchestration.lake import Lake
from orchestration.leaks.scanning import Find

# Fact of an anonymized partition, and of a mark: which canaries were found unmasked and where, never what they say.
LEAKED = "leaked"
# Fact of a mark: the same, one by one.
_FINDS = "finds"


def leaked(lake: Lake, dataset: str, day: str) -> str:
    """What is known to have leaked of a day; empty: nothing."""
    anonymized = lake.manifest(f"anonymized/{dataset}/{day}")
    mark = lake.manifest(_key(dataset, day)) if is_marked(lake, dataset, day) else None
    known = [manifest.facts.get(LEAKED, "") for manifest in (anonymized, mark) if manifest]
    return "; ".join(text for text in known if text)


def leaked_days(lake: Lake, dataset: str, days: Iterable[str]) -> dict[str, str]:
    """The days of which something is known to have leaked, and what."""
    return {day: what for day in days if (what := leaked(lake, dataset, day))}


def known_inputs(lake: Lake, dataset: str, day: str) -> dict[str, str]:
    """What is known of a day before the gate judges it: its anonymised records, and the mark of a find."""
    keys = [f"anonymized/{dataset}/{day}"]
    return lake.digests([*keys, _key(dataset, day)] if is_marked(lake, dataset, day) else keys)


def is_marked(lake: Lake, dataset: str, day: str) -> bool:
    """Whether a find marks the day as it is now."""
    mark = lake.manifest(_key(dataset, day))
    return mark is not None and dict(mark.inputs) == _cause(lake, dataset, day)


def mark(lake: Lake, finds: Iterable[Find], as_of: datetime) -> None:
    """Mark the days of the finds; what was found of them before stays said."""
    by_day: dict[tuple[str, str], set[str]] = defaultdict(set)
    for find in finds:
        by_day[find.dataset, find.day].add(f"{find.entity} in {find.file}")
    for (dataset, day), found in by_day.items():
        before = lake.manifest(_key(dataset, day)) if is_marked(lake, dataset, day) else None
        said = set(json.loads(before.facts[_FINDS])) if before else set()
        if found <= said:
            continue
        with lake.replace(_key(dataset, day), as_of=as_of, inputs=_cause(lake, dataset, day)) as out:
            out.counts = {"finds": len(found | said)}
            out.facts = {LEAKED: ", ".join(sorted(found | said)), _FINDS: json.dumps(sorted(found | said))}


def lift(lake: Lake, finds: Iterable[Find]) -> list[str]:
    """Lift the marks of days of which nothing is found any more; returns `<source>/<signal>/<day>` of each."""
    found = {_key(find.dataset, find.day) for find in finds}
    lifted = [key for key in lake.keys("leaks") if key not in found]
    for key in lifted:
        lake.remove(key)
    return [key.removeprefix("leaks/") for key in lifted]


def is_withheld(lake: Lake, dataset: str, day: str) -> bool:
    """Whether the gate has withheld the day."""
    verdict = lake.manifest(f"quarantine/{dataset}/{day}")
    return verdict is not None and verdict.facts["blocked"] == "true"


def _key(dataset: str, day: str) -> str:
    return f"leaks/{dataset}/{day}"


def _cause(lake: Lake, dataset: str, day: str) -> dict[str, str]:
    """The anonymised day as it is now: another result or another policy may be the cure."""
    anonymized = lake.manifest(f"anonymized/{dataset}/{day}")
    return {"anonymized": f"{anonymized.digest}:{anonymized.policy}" if anonymized else ""}
