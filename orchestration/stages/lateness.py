"""Which days take nothing in any more, and how many records came for them all the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping

from orchestration.lake import Lake, Manifest

# Records and malformed rows by signal and day (ISO).
DayCounts = Mapping[str, Mapping[str, tuple[int, int]]]
# The fact of a document that says how many of its records are of days that were closed when it was received.
LATE = "too_late"


def day_counts(manifest: Manifest) -> DayCounts:
    """Records and malformed rows of a received document, by signal and day."""
    stored: DayCounts = json.loads(manifest.facts["days"])
    return stored


def is_closed(lake: Lake, place: str, destroyed: Collection[str]) -> bool:
    """Whether a day (`<source>/<signal>/<day>`) takes nothing in any more: what lands could not be anonymised as the
    rest of it was.

    Args:
        destroyed: ids of destroyed pseudonym keys.
    """
    made = lake.manifest(f"anonymized/{place}")
    return made is not None and (made.key_id in destroyed or not lake.exists(f"landing/{place}"))


def late_records(lake: Lake) -> Mapping[str, int]:
    """How many records that are received now are of days that were closed by then, by `<source>/<signal>/<day>`.

    No stage takes them in. What of them had come before, nobody can tell: the raw data of their days is gone.
    """
    late: Counter[str] = Counter()
    for key in lake.keys("received"):
        manifest = lake.manifest(key)
        late.update(_late(key.split("/")[1], manifest) if manifest else {})
    return dict(sorted(late.items()))


def landed_before(source: str, manifests: Collection[Manifest]) -> Mapping[tuple[str, str], int]:
    """By signal and day the records of documents of which each begins with the one before, without those too late."""
    most: dict[tuple[str, str], int] = {}
    for manifest in manifests:
        late = _late(source, manifest)
        for signal, days in day_counts(manifest).items():
            for day, (records, _) in days.items():
                counted = records - late.get(f"{source}/{signal}/{day}", 0)
                most[signal, day] = max(counted, most.get((signal, day), 0))
    return most


def too_late(
    lake: Lake, source: str, days: DayCounts, before: Mapping[tuple[str, str], int], destroyed: Collection[str]
) -> dict[str, int]:
    """How many records a document has of days that are closed, beyond those it had `before`; by signal and day."""
    return {
        f"{signal}/{day}": records - known
        for signal, of_signal in days.items()
        for day, (records, _) in of_signal.items()
        if records > (known := before.get((signal, day), 0)) and is_closed(lake, f"{source}/{signal}/{day}", destroyed)
    }


def _late(source: str, manifest: Manifest) -> dict[str, int]:
    return {f"{source}/{day}": records for day, records in json.loads(manifest.facts.get(LATE, "{}")).items()}
