"""Metrics of a role's published file: which there are, what they mean, and their values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import duckdb

from governance.access import Publication
from governance.errors import FeedbackError, UsageError, one_of
from governance.metrics import Grain, Metric
from orchestration.serving.inserting import insert_rows
from orchestration.serving.querying import answer

if TYPE_CHECKING:
    import polars as pl

TABLE = "metrics"
GRAINS: tuple[str, ...] = get_args(Grain)
_EVERYTHING = "total"
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Question:
    """What is asked of a metric.

    Attributes:
        by: dimensions, each a column of the answer.
        grain: one row for each such period, by its first day; None: one over all days.
        since, until: first and last day that count.
        only: dimensions and the value that each must have; an empty one: where it is not known.
    """

    name: str
    by: tuple[str, ...] = ()
    grain: str | None = None
    since: date | None = None
    until: date | None = None
    only: Mapping[str, str] = field(default_factory=dict)


def published_metrics(catalogue: Iterable[Metric], tables: Sequence[Publication]) -> list[Metric]:
    """Those metrics that can be computed from these tables of a role, nothing masked."""
    seen = {table.name: {column.name for column in table.columns if column.mask != "blank"} for table in tables}
    return [metric for metric in catalogue if set(metric.columns) <= seen.get(metric.table, set())]


def write_metrics(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    metrics: Sequence[Metric],
    signals: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """The role's metrics as a table of its file: for `ask`, and for whoever queries the file with another client.

    Args:
        signals: by metric, those whose records it is made of; one that is not there: not known.
    """
    connection.execute(
        f"create table {schema}.{TABLE} (metric varchar, label varchar, description varchar, unit varchar,"
        " owner varchar, direction varchar, target double, review varchar, version integer, figure varchar,"
        " no_data varchar, do_not_use_for varchar, always_by varchar[], table_name varchar, time_column varchar,"
        " dimensions varchar[], columns varchar[], signals varchar[], query varchar, formula_hash varchar)"
    )
    known = signals or {}
    insert_rows(connection, f"{schema}.{TABLE}", [_row(metric, known.get(metric.name)) for metric in metrics])


def _row(metric: Metric, signals: Sequence[str] | None) -> tuple[object, ...]:
    said = metric.about
    return (
        *(metric.name, metric.label, metric.description, said.unit, said.owner, said.direction, said.target),
        *(said.review, said.version, said.figure, said.no_data, said.do_not_use_for),
        *(list(said.always_by), metric.table, metric.time, list(metric.dimensions), list(metric.columns)),
        None if signals is None else list(signals),
        *(metric.query, metric.formula_hash),
    )


def list_metrics(file: Path) -> list[dict[str, object]]:
    """Every metric of a published file by name, as rows of its table `metrics`.

    Raises:
        FeedbackError: the file has none: it was published before there were any.
    """
    try:
        return answer(file, f"select * from {TABLE} order by metric").to_dicts()
    except UsageError:
        raise FeedbackError(f"{file.name}: has no metrics; publish again with `feedback run`") from None


def find_metric(file: Path, name: str) -> dict[str, object]:
    """What a published file says of a metric.

    Raises:
        UsageError: it has no such metric.
    """
    metrics = {str(metric["metric"]): metric for metric in list_metrics(file)}
    if name not in metrics:
        raise UsageError(f"metric {name} does not exist for this role; {one_of(name, metrics)}")
    return metrics[name]


def ask(file: Path, question: Question) -> pl.DataFrame:
    """The answer: `period` where there is a grain, the dimensions asked by, and `value`; ordered by them.

    Dimensions over which the metric says nothing (`always_by`) follow those asked by.

    Raises:
        UsageError: the metric, a dimension or the grain does not exist; the message lists those that do.
    """
    metric = find_metric(file, question.name)
    by = (*question.by, *not_told(metric, (*question.by, *question.only)))
    return answer(file, sql_of(metric, replace(question, by=by)))


def not_told(metric: Mapping[str, object], told: Iterable[str]) -> list[str]:
    """Dimensions over which a published metric says nothing and that are not among those told."""
    return [name for name in texts_of(metric, "always_by") or () if name not in told]


def part_periods(
    periods: Iterable[date], grain: str, first: date | None, last: date | None, unknown: Collection[date] = ()
) -> list[date]:
    """Those periods, each told by its first day, that do not lie whole within the days from `first` to `last`.

    Args:
        first, last: None: every day counts on that side.
        unknown: days between that do not count.
    """
    return [
        start
        for start in periods
        if (first is not None and start < first)
        or (last is not None and _last_day(start, grain) > last)
        or any(start <= day <= _last_day(start, grain) for day in unknown)
    ]


def _last_day(start: date, grain: str) -> date:
    if grain not in _MONTHS:
        return start + timedelta(days=6 if grain == "week" else 0)
    month = start.month - 1 + _MONTHS[grain]
    return date(start.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def equals(column: str, value: str) -> str:
    """The condition that a column has a value, as text; an empty one: that it has none."""
    told = value.replace("'", "''")
    return f"cast(\"{column}\" as varchar) = '{told}'" if value else f'"{column}" is null'


def dimensions_of(metric: Mapping[str, object]) -> list[str]:
    """What a published metric can be asked by."""
    return texts_of(metric, "dimensions") or []


def texts_of(metric: Mapping[str, object], name: str) -> list[str] | None:
    """What a published metric lists under a name; None: it says nothing of it, as in a file of before it did."""
    found = metric.get(name)
    return list(map(str, found)) if isinstance(found, list) else None


def sql_of(metric: Mapping[str, object], question: Question) -> str:
    """The select that answers a question."""
    dimensions = dimensions_of(metric)
    for name in (*question.by, *question.only):
        if name not in dimensions:
            raise UsageError(f"metric {metric['metric']}: no dimension {name}; {one_of(name, dimensions)}")
    if question.grain is not None and question.grain not in GRAINS:
        raise UsageError(f"--grain {question.grain or 'is empty: it'} does not exist; {one_of(question.grain, GRAINS)}")
    if twice := [name for name in question.by if question.by.count(name) > 1]:
        raise UsageError(f"--by {twice[0]} is given twice; give each dimension once")
    if question.since and question.until and question.since > question.until:
        raise UsageError(f"--since {question.since} is after --until {question.until}; no day is between them")
    time = f'"{metric["time_column"]}"'
    period = (
        {"period": f"cast(date_trunc('{question.grain}', {time}) as date)"}
        if question.grain
        else {_EVERYTHING: "'all'"}
    )
    keys = {**period, **{f"by_{name}": f'"{name}"' for name in question.by}}
    days = [f"{time} is not null"]  # what has no time is of no period
    days += [f"cast({time} as date) >= date '{question.since}'"] if question.since else []
    days += [f"cast({time} as date) <= date '{question.until}'"] if question.until else []
    days += [equals(name, value) for name, value in question.only.items()]
    query = str(metric["query"]).format(
        keys=", ".join(keys),
        period_keys=", ".join(period),
        select_keys=", ".join(f"{what} as {key}" for key, what in keys.items()),
        where=" and ".join(days),
    )
    shown = [*(["period"] if question.grain else []), *(f"by_{name} as {name}" for name in question.by), "value"]
    order = ", ".join(str(place) for place in range(1, len(shown))) or "1"
    return f"select {', '.join(shown)} from ({query}) order by {order}"
