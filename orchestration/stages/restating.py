"""Figures of the past that are other than they were published, and why.

What was published cannot be computed again once rows were released, a policy changed or a late file came. So each
publication leaves the figure of every metric and day, over all dimensions, in the lake (`definitions/figures`), with
what it was made from; the next one compares. Both tables are small: a row per metric and day, and one per change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isclose
from pathlib import Path

import duckdb
import polars as pl

from governance.metrics import Metric
from governance.policy import file_hashes
from orchestration.lake import Lake, Manifest
from orchestration.serving.behind import JUDGED_SCHEMA, RESTATEMENTS_SCHEMA
from orchestration.serving.metrics import Question, sql_of

KEY = "definitions/figures"
# How far two figures may lie apart and be the same one: sums of several threads differ in their last digits.
_SAME = 1e-9
LATE, RELEASED, DISCARDED, WAIVED = "late data", "release", "discard", "waiver"
DEFINED, POLICY, OTHER_DAYS, OTHER = "new definition", "new policy", "data of other days", "other"
_FIGURES = pl.Schema({"metric": pl.String(), "event_date": pl.Date(), "value": pl.Float64()})
# One row per day that the gate has judged, with what its verdict was made from.
_DAYS = pl.Schema(
    {
        **JUDGED_SCHEMA,
        "anonymized": pl.String(),
        "rulings": pl.String(),
        "policy": pl.String(),
        "landed": pl.Int64(),
        "released": pl.Int64(),
        "discarded": pl.Int64(),
        "is_withheld": pl.Boolean(),
    }
)
_Place = tuple[str, str, date]
_Day = Mapping[str, object]


@dataclass(frozen=True)
class Published:
    """What a publication said, and from what.

    Attributes:
        figures: by metric and day.
        days: by source, signal and day, what the gate's verdict was made from.
        definitions: by metric, its formula and the models below it.
        policies: digest of all policy files.
    """

    figures: Mapping[tuple[str, date], float | None]
    days: Mapping[_Place, _Day]
    definitions: Mapping[str, str]
    policies: str


def judged_days(lake: Lake) -> pl.DataFrame:
    """Every day that the gate has judged, and what it judged by (one row per source, signal and day)."""
    found = ((key, lake.manifest(key)) for key in lake.keys("quarantine"))
    rows = [_judged(key, manifest) for key, manifest in found if manifest]
    return pl.DataFrame(rows, _DAYS, orient="row")


def _judged(key: str, manifest: Manifest) -> tuple[object, ...]:
    _, source, signal, day = key.split("/")
    made_of = manifest.inputs.get(f"anonymized/{source}/{signal}/{day}", "")
    counts = (manifest.counts.get(name) for name in ("landed", "released", "discarded"))
    return (
        *(source, signal, date.fromisoformat(day), datetime.fromisoformat(manifest.as_of), made_of),
        *(manifest.inputs.get("rulings", ""), manifest.policy, *counts, manifest.facts.get("blocked") == "true"),
    )


def restate(
    lake: Lake,
    warehouse: Path,
    catalogue: Sequence[Metric],
    signals: Mapping[str, Sequence[str]],
    days: pl.DataFrame,
    as_of: datetime,
) -> pl.DataFrame:
    """Compare the figures with those published last, and keep them; all restatements so far (RESTATEMENTS_SCHEMA).

    A publication for an earlier time than the last one's compares and keeps nothing: it knows less.

    Args:
        signals: by metric, those it is made of; one that is not there: of any.
        days: see `judged_days`.
    """
    before = lake.manifest(KEY)
    told = lake.read(KEY, "restatements") if before else pl.DataFrame(schema=RESTATEMENTS_SCHEMA)
    if before is not None and datetime.fromisoformat(before.as_of) > as_of:
        return told
    now = _published(warehouse, catalogue, days)
    if before is not None:
        then = _remembered(lake, before)
        last = datetime.fromisoformat(before.as_of)
        rows = [(*row, last, as_of) for row in changes(then, now, signals, last.date())]
        told = pl.concat([told, pl.DataFrame(rows, RESTATEMENTS_SCHEMA, orient="row")])
    figures = [(*place, value) for place, value in now.figures.items()]
    with lake.replace(KEY, as_of=as_of, policy=now.policies) as out:
        out.write("figures", pl.DataFrame(figures, _FIGURES, orient="row").sort("metric", "event_date"))
        out.write("days", days)
        out.write("restatements", told)
        out.facts = dict(now.definitions)
    return told


def changes(
    then: Published, now: Published, signals: Mapping[str, Sequence[str]], before: date
) -> Iterator[tuple[str, date, float | None, float | None, str, str]]:
    """Each figure of a day before `before` that is another now: metric, day, both values, reason, datasets.

    Only metrics published then; a day that is older than all a metric has now has expired and is no change.
    """
    first = _first_days(now)
    moved = [place for place in {*then.days, *now.days} if _differs(then.days.get(place), now.days.get(place))]
    for metric, day in sorted({*then.figures, *now.figures}):
        if metric not in then.definitions or day >= before or day < first.get(metric, before):
            continue
        old, new = then.figures.get((metric, day)), now.figures.get((metric, day))
        if _is_same(old, new):
            continue
        touched = [place for place in moved if place[1] in signals.get(metric, (place[1],))]
        own = [place for place in touched if place[2] == day]
        reason = _reason(then, now, metric, own, touched)
        datasets = sorted({f"{source}/{signal}" for source, signal, _ in own or touched})
        yield metric, day, old, new, reason, ", ".join(datasets)


def _first_days(published: Published) -> dict[str, date]:
    first = dict[str, date]()
    for metric, day in published.figures:
        first[metric] = min(day, first.get(metric, day))
    return first


def _reason(then: Published, now: Published, metric: str, own: Sequence[_Place], touched: Sequence[_Place]) -> str:
    """Why a figure is another: its formula first, then its own day, then what else it is made of."""
    is_policy = then.policies != now.policies
    formula, models = (one.definitions.get(metric, ":").split(":") for one in (then, now))
    if formula[0] != models[0]:
        return DEFINED
    for place in own:
        return _why_moved(then.days.get(place), now.days.get(place))
    if formula[1] != models[1]:
        return POLICY if is_policy else DEFINED
    decided = [_why_moved(then.days.get(place), now.days.get(place)) for place in touched]
    for reason in (RELEASED, DISCARDED, WAIVED, POLICY):
        if reason in decided:
            return reason
    return OTHER_DAYS if decided else POLICY if is_policy else OTHER


def _why_moved(then: _Day | None, now: _Day | None) -> str:
    """Why the gate's verdict on a day is made from something else."""
    if then is None or now is None:
        return LATE if now else OTHER
    if then["rulings"] != now["rulings"]:
        if then["released"] != now["released"]:
            return RELEASED
        return DISCARDED if then["discarded"] != now["discarded"] else WAIVED
    if then["landed"] != now["landed"]:
        return LATE
    return POLICY  # the same records, anonymised or judged by other rules


def _differs(then: _Day | None, now: _Day | None) -> bool:
    if then is None or now is None:
        return now is not None  # one that is gone has expired; its figures are kept by the rollups
    return any(then[name] != now[name] for name in ("anonymized", "rulings", "policy", "is_withheld"))


def _is_same(old: float | None, new: float | None) -> bool:
    return old is new if old is None or new is None else isclose(old, new, rel_tol=_SAME)


def _published(warehouse: Path, catalogue: Sequence[Metric], days: pl.DataFrame) -> Published:
    figures, definitions = dict[tuple[str, date], float | None](), dict[str, str]()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set schema = 'marts'")
        for metric in catalogue:
            row = {"metric": metric.name, "dimensions": [], "time_column": metric.time, "query": metric.query}
            for day, value in connection.execute(sql_of(row, Question(metric.name, grain="day"))).fetchall():
                figures[metric.name, day] = None if value is None else float(value)
            made = connection.execute(f"select max(definition_hash) from {metric.table}").fetchone()
            definitions[metric.name] = f"{metric.formula_hash}:{made[0] if made else ''}"
    return Published(figures, _by_place(days), definitions, _policies())


def _remembered(lake: Lake, manifest: Manifest) -> Published:
    figures = {(metric, day): value for metric, day, value in lake.read(KEY, "figures").iter_rows()}
    return Published(figures, _by_place(lake.read(KEY, "days")), manifest.facts, manifest.policy)


def _by_place(days: pl.DataFrame) -> dict[_Place, _Day]:
    return {(row["source"], row["signal"], row["event_date"]): row for row in days.iter_rows(named=True)}


def _policies() -> str:
    return hashlib.sha256(json.dumps(file_hashes(), sort_keys=True).encode()).hexdigest()[:16]
