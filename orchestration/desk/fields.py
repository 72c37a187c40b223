"""Fields that are not as they were: unnamed by any rule, new, gone, or with values of another form. Never a value.

What no rule names is withheld while anonymising, and the manifests of `anonymized` count it. What values look like is
told from landing, while it is there: its newest day against the week before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from governance.errors import UsageError, one_of
from governance.privacy import PrivacyPolicy
from governance.privacy.policy import MALFORMED_KEY, shown_key
from governance.signals import SIGNALS
from governance.sources import load_sources
from orchestration.discovery.sampling import evenly, values_by_field
from orchestration.discovery.shapes import Shapes, shapes_of
from orchestration.lake import Lake
from orchestration.stages.watching import withheld_fields

# One row per field of a dataset that a steward should look at.
FIELDS_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "signal": pl.String(),
        "field": pl.String(),
        "state": pl.String(),  # unclassified (withheld) | new | missing | retyped
        "since": pl.Date(),  # the first day of it
        "records": pl.Int64(),  # unclassified: in how many it was withheld; else how many of its newest day have it
        "treatment": pl.String(),  # null: withheld
        "shapes": pl.String(),  # what the values look like; null: nothing of it is in landing any more
        "shapes_before": pl.String(),  # the same of the week before
    }
)
_DAYS_BEFORE = 7
_ROWS = 5_000  # of the newest day, and of those before, are looked at
_FEWEST_ROWS = 50  # with fewer, chance makes fields come and go
_USUAL_SHARE, _NEW_SHARE = 0.2, 0.05
_DOMINANT = 0.9
# Forms that a program makes and reads. A word that becomes a dotted name is no other type.
_TYPES: Mapping[str, str] = {
    "true or false": "boolean",
    "number": "number",
    "decimal": "number",
    **{form: form for form in ("uuid", "e-mail", "MAC", "IP address", "time", "URL", "phone", "JSON")},
}


@dataclass(frozen=True)
class _Seen:
    """What some records of a dataset hold: how many they are, and each field's number of values and their shapes."""

    rows: int
    counts: Mapping[str, int]
    shapes: Mapping[str, Shapes]
    attributes: frozenset[str]

    def share(self, field: str) -> float:
        return self.counts.get(field, 0) / self.rows if self.rows else 0.0

    def described(self, field: str) -> str | None:
        return self.shapes[field].described() if field in self.shapes else None


def datasets(dataset: str = "") -> list[str]:
    """Every `<source>/<signal>` that is collected, or the one that is named.

    Raises:
        UsageError: there is none of that name.
    """
    every = [f"{source.name}/{signal}" for source in load_sources().values() for signal in source.signals]
    if dataset and dataset not in every:
        raise UsageError(f"dataset {dataset}: no source collects it; {one_of(dataset, every)}")
    return [dataset] if dataset else every


def fields_of_note(lake: Lake, policy: PrivacyPolicy, dataset: str = "") -> pl.DataFrame:
    """The fields that a steward should look at (FIELDS_SCHEMA), those that are withheld first.

    Raises:
        UsageError: no source collects the dataset.
    """
    rows = [row for one in datasets(dataset) for row in _of_dataset(lake, policy, one)]
    ordered = pl.DataFrame(rows, FIELDS_SCHEMA, orient="row")
    return ordered.sort(pl.col("state") != "unclassified", "source", "signal", "state", "field")


def fields_in_landing(lake: Lake, dataset: str) -> frozenset[str]:
    """The attributes of the newest days that are still in landing."""
    now, before = _windows(lake, dataset)
    return _seen(lake, dataset, now).attributes | _seen(lake, dataset, before).attributes


def _of_dataset(lake: Lake, policy: PrivacyPolicy, dataset: str) -> Iterator[tuple[object, ...]]:
    source, signal = dataset.split("/")
    days_now, days_before = _windows(lake, dataset)
    now, before = _seen(lake, dataset, days_now), _seen(lake, dataset, days_before)
    unclassified = {
        field: days for field, days in withheld_fields(lake, dataset).items() if policy.attribute(field) is None
    }
    for field, days in unclassified.items():
        shown = now.described(field) or before.described(field)
        first, records = date.fromisoformat(min(days)), sum(days.values())
        yield source, signal, field, "unclassified", first, records, None, shown, before.described(field)
    if min(now.rows, before.rows) < _FEWEST_ROWS:
        return
    newest = date.fromisoformat(days_now[0])
    for field in sorted({*now.counts, *before.counts} - unclassified.keys() - {MALFORMED_KEY}):
        if state := _state(field, now, before):
            treatment = policy.attribute(field) if field in now.attributes | before.attributes else None
            treatment = treatment or policy.columns[signal].get(field)
            told = (now.counts.get(field, 0), str(treatment) if treatment else None)
            yield source, signal, field, state, newest, *told, now.described(field), before.described(field)


def _state(field: str, now: _Seen, before: _Seen) -> str:
    """What became of a field; empty: nothing."""
    if not now.counts.get(field) and before.share(field) >= _USUAL_SHARE:
        return "missing"
    if not before.counts.get(field) and now.share(field) >= _NEW_SHARE:
        return "new"
    types = [_type_of(seen, field) for seen in (now, before)]
    return "retyped" if all(types) and types[0] != types[1] and set(types) != {"text"} else ""


def _type_of(seen: _Seen, field: str) -> str:
    """The type of nearly all values; empty: they are of many, or too few."""
    shapes = seen.shapes.get(field)
    if shapes is None or seen.counts[field] < _FEWEST_ROWS:
        return ""
    shares: dict[str, float] = defaultdict(float)
    for form, share in shapes.forms.items():
        if form != "empty":
            shares[_TYPES.get(form, "text")] += share
    told = max(shares, key=shares.__getitem__, default="")
    return told if told and shares[told] >= _DOMINANT * shapes.filled else ""


def _windows(lake: Lake, dataset: str) -> tuple[list[str], list[str]]:
    """The newest day in landing, and those of the week before it."""
    days = lake.days(f"landing/{dataset}")
    if not days:
        return [], []
    first = (date.fromisoformat(days[-1]) - timedelta(days=_DAYS_BEFORE)).isoformat()
    return days[-1:], [day for day in days[:-1] if day >= first]


def _seen(lake: Lake, dataset: str, days: list[str]) -> _Seen:
    signal = SIGNALS[dataset.split("/")[1]]
    each = _ROWS // max(len(days), 1)
    frames = [evenly(lake.read(f"landing/{dataset}/{day}").select(*signal.landing_schema), each) for day in days]
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=signal.landing_schema)
    own = [name for name, kind in signal.fields.items() if not isinstance(kind, pl.List)]
    counts = {name: frame.height - frame[name].null_count() for name in own}
    shapes, attributes = {}, set()
    for name, is_attribute, values in values_by_field(frame):
        field = shown_key(name) if is_attribute else name
        told = dict(values.drop_nulls().iter_rows())
        shapes[field] = shapes_of(told, with_masks=True)
        counts[field] = sum(told.values())
        attributes |= {field} if is_attribute else set()
    return _Seen(frame.height, counts, shapes, frozenset(attributes))
