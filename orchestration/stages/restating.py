"""Figures of the past that are other than they were published, and why.

What was published cannot be computed again once rows were released, a policy changed or a late file came. So each
publication leaves the figures of every metric and day in the lake (`definitions/figures`), over all and by each
dimension, with what they were made from; the next one compares.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
# One row per metric, day and value of each of its dimensions; no dimension: over all of them. What a metric is always
# by follows that value, as in its answers: such figures are never added up.
FIGURES_SCHEMA = pl.Schema(
    {
        "metric": pl.String(),
        "dimension": pl.String(),
        "dimension_value": pl.String(),  # null: unknown
        "event_date": pl.Date(),
        "value": pl.Float64(),
    }
)
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
# One row per metric and day: what its figures of that day were made from.
_MADE = pl.Schema({"metric": pl.String(), "event_date": pl.Date(), "made_from": pl.String()})
_PLACE = ["metric", "dimension", "dimension_value", "event_date"]
_Place = tuple[str, str, date]
_Day = Mapping[str, object]


@dataclass(frozen=True)
class Published:
    """What a publication said, and from what.

    Attributes:
        figures: FIGURES_SCHEMA.
        definitions: by metric, its formula and the models below it.
        days: by source, signal and day, what the gate's verdict was made from.
        policies: digest of all policy files.
        made: by metric and day, digest of its questions and of the rows that they are asked of (_MADE).
    """

    figures: pl.DataFrame
    definitions: Mapping[str, str]
    days: Mapping[_Place, _Day]
    policies: str
    made: pl.DataFrame = field(default_factory=_MADE.to_frame)


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
    told = _in_form(lake.read(KEY, "restatements"), RESTATEMENTS_SCHEMA) if before else RESTATEMENTS_SCHEMA.to_frame()
    if before is not None and datetime.fromisoformat(before.as_of) > as_of:
        return told
    then = _remembered(lake, before, catalogue) if before else None
    now = _published(warehouse, catalogue, days, then)
    if before and then:
        last = datetime.fromisoformat(before.as_of)
        found = changes(then, now, signals, last.date())
        times = (pl.lit(last).alias("published_before_at"), pl.lit(as_of).alias("published_at"))
        told = pl.concat([told, found.select(*found.columns, *times).select(RESTATEMENTS_SCHEMA.names())])
    with lake.replace(KEY, as_of=as_of, policy=now.policies) as out:
        out.write("figures", now.figures)
        out.write("made", now.made)
        out.write("days", days)
        out.write("restatements", told)
        out.facts = dict(now.definitions)
    return told


def changes(then: Published, now: Published, signals: Mapping[str, Sequence[str]], before: date) -> pl.DataFrame:
    """Each figure of a day before `before` that is another now, why, and whose days changed (RESTATEMENTS_SCHEMA).

    Only metrics and dimensions published then; a day that is older than all a metric has now has expired and is no
    change. What changes because its cases go on (OTHER_DAYS) is told over all dimensions alone: it does so each day.
    """
    moved = _moved(then, now, before)
    why = list(_reasons(then, now, moved.group_by("metric").agg(pl.col("event_date").unique()), signals))
    reasons = {"metric": pl.String, "event_date": pl.Date, "reason": pl.String, "datasets": pl.String}
    told = moved.join(pl.DataFrame(why, reasons, orient="row"), on=["metric", "event_date"])
    return told.filter(pl.col("dimension").is_null() | (pl.col("reason") != OTHER_DAYS)).sort(_PLACE, nulls_last=False)


def _moved(then: Published, now: Published, before: date) -> pl.DataFrame:
    """The places whose figure is another, with both values."""
    first = now.figures.group_by("metric").agg(first=pl.col("event_date").min())
    asked = then.figures.select("metric", "dimension").unique()
    known = pl.concat([asked, pl.DataFrame({"metric": list(then.definitions)}, {"metric": pl.String})], how="diagonal")
    old, new = then.figures.rename({"value": "value_before"}), now.figures.rename({"value": "value_after"})
    both = old.join(new, on=_PLACE, how="full", coalesce=True, nulls_equal=True)
    old_value, new_value = pl.col("value_before"), pl.col("value_after")
    apart = (old_value - new_value).abs() > _SAME * pl.max_horizontal(old_value.abs(), new_value.abs())
    return (
        both.join(known, on=["metric", "dimension"], how="semi", nulls_equal=True)
        .join(first, on="metric", how="left")
        .filter(pl.col("event_date") < before, pl.col("event_date") >= pl.col("first").fill_null(before))
        .filter(apart.fill_null(value=False) | (old_value.is_null() != new_value.is_null()))
        .drop("first")
    )


def _reasons(
    then: Published, now: Published, moved: pl.DataFrame, signals: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, date, str, str]]:
    """Metric, day, why its figures are others, and the data sets whose days changed."""
    places = sorted({*then.days, *now.days})
    changed = [place for place in places if _differs(then.days.get(place), now.days.get(place))]
    for metric, days in moved.iter_rows():
        touched = [place for place in changed if place[1] in signals.get(metric, (place[1],))]
        of_day = defaultdict[date, list[_Place]](list)
        for place in touched:
            of_day[place[2]].append(place)
        for day in days:
            own = of_day[day]
            datasets = sorted({f"{source}/{signal}" for source, signal, _ in own or touched})
            yield metric, day, _reason(then, now, metric, own, touched), ", ".join(datasets)


def _reason(then: Published, now: Published, metric: str, own: Sequence[_Place], touched: Sequence[_Place]) -> str:
    """Why a figure is another: its formula first, then its own day, then what else it is made of."""
    is_policy = then.policies != now.policies
    (old_formula, old_models), (formula, models) = (one.definitions[metric].split(":") for one in (then, now))
    if old_formula != formula:
        return DEFINED
    if own:
        return _why_moved(then.days.get(own[0]), now.days.get(own[0]))
    if old_models != models:
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


def _published(
    warehouse: Path, catalogue: Sequence[Metric], days: pl.DataFrame, then: Published | None = None
) -> Published:
    """The figures of now; those of days that are made from what they were made from `then` are not asked again.

    After a year asking takes 1.3 s, and 0.2 s where no day is another.
    """
    figures, definitions = list[tuple[object, ...]](), dict[str, str]()
    made, same = list[tuple[str, date, str]](), list[tuple[str, date]]()
    made_then = {(name, day): made_from for name, day, made_from in then.made.iter_rows()} if then else {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set schema = 'marts'")
        for metric in catalogue:
            of_days = connection.execute(_made_of_days(metric)).fetchall()
            made += [(metric.name, day, made_from) for day, made_from in of_days]
            others = [day for day, made_from in of_days if made_then.get((metric.name, day)) != made_from]
            since = min(others, default=None)
            same += [(metric.name, day) for day, _ in of_days if since is None or day < since]
            for dimension in _asked(metric) if since else ():
                found = connection.execute(_figures_of(metric, dimension, since)).fetchall()
                figures += [(metric.name, dimension, *row) for row in found]
            hashes = connection.execute(f"select max(definition_hash) from {metric.table}").fetchone()
            definitions[metric.name] = f"{metric.formula_hash}:{hashes[0] if hashes else ''}"
    anew = pl.DataFrame(figures, FIGURES_SCHEMA, orient="row")
    still = pl.DataFrame(same, {"metric": pl.String, "event_date": pl.Date}, orient="row")
    kept = then.figures.join(still, on=["metric", "event_date"], how="semi") if then else FIGURES_SCHEMA.to_frame()
    united = pl.concat([kept.select(FIGURES_SCHEMA.names()), anew]).sort(_PLACE)
    return Published(united, definitions, _by_place(days), _policies(), pl.DataFrame(made, _MADE, orient="row"))


def _asked(metric: Metric) -> list[str | None]:
    """By which of its dimensions a metric's figures are kept: each alone, and none."""
    return [None, *(name for name in metric.dimensions if name not in metric.about.always_by)]


def _made_of_days(metric: Metric) -> str:
    """The select of the days that a metric has rows of, and what its figures of each are made from.

    A figure of a day is one of the rows dated by it, and of what it reads of them.
    """
    questions = "\n".join(_figures_of(metric, dimension) for dimension in _asked(metric))
    digest = hashlib.sha256(questions.encode()).hexdigest()[:16]
    day, columns = f'cast("{metric.time}" as date)', ", ".join(f'"{name}"' for name in metric.columns)
    rows = f"cast(sum(hash({columns})) as varchar), cast(count(*) as varchar)"
    return f"select {day}, concat_ws(':', '{digest}', {rows}) from {metric.table} where {day} is not null group by 1"


def _figures_of(metric: Metric, dimension: str | None, since: date | None = None) -> str:
    """The select of a metric's figures by day from `since` on, and by one of its dimensions."""
    row = {
        "metric": metric.name,
        "dimensions": list(metric.dimensions),
        "time_column": metric.time,
        "query": metric.query,
    }
    always = metric.about.always_by
    by = (dimension, *always) if dimension else always
    texts = [f'cast("{name}" as varchar)' for name in by]
    value = f"concat_ws(', ', {', '.join(_known(text) for text in texts)})" if always else "".join(texts) or "null"
    answer = sql_of(row, Question(metric.name, by, grain="day", since=since))
    return f"select {value}, period, cast(value as double) from ({answer})"


def _known(text: str) -> str:
    return f"coalesce({text}, 'unknown')"


def _remembered(lake: Lake, manifest: Manifest, catalogue: Sequence[Metric]) -> Published:
    """What was published last, without metrics that were added up then over what they are always by."""
    figures = _in_form(lake.read(KEY, "figures"), FIGURES_SCHEMA)
    always = [metric.name for metric in catalogue if metric.about.always_by]
    is_sum = pl.col("metric").is_in(always) & pl.col("dimension").is_null() & pl.col("dimension_value").is_null()
    sums = set(figures.filter(is_sum)["metric"])
    definitions = {name: made for name, made in manifest.facts.items() if name not in sums}
    compared = figures.filter(~pl.col("metric").is_in(list(sums)))
    made = lake.read(KEY, "made") if manifest.parts("made") else _MADE.to_frame()  # once it was not kept
    return Published(compared, definitions, _by_place(lake.read(KEY, "days")), manifest.policy, made)


def _in_form(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """What was written before there were dimensions is over all of them."""
    return pl.concat([schema.to_frame(), frame], how="diagonal")


def _by_place(days: pl.DataFrame) -> dict[_Place, _Day]:
    return {(row["source"], row["signal"], row["event_date"]): row for row in days.iter_rows(named=True)}


def _policies() -> str:
    return hashlib.sha256(json.dumps(file_hashes(), sort_keys=True).encode()).hexdigest()[:16]
