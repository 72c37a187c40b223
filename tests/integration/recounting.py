"""Metrics recounted from what is true: rows of plain Python in, the answers of a metric out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.serving.metrics import Question
from tests.integration.reading import answers, catalogue, product_limit

Row = Mapping[str, Any]
NO_ROW = object()  # the answer has no row at all


@dataclass(frozen=True)
class Recount:
    """How a metric is recounted.

    Attributes:
        facts: the attribute of the figures whose rows are counted; they have the metric's dimensions.
        time: what dates a row; rows without it are of no period.
        value: what the rows of a period come to; None where it is not known, `NO_ROW` where nothing is said.
        within: how far the metric may be off, as a share of the value.
    """

    facts: str
    time: str
    value: Callable[[Sequence[Row]], object]
    within: float = 1e-8


def assert_recounted(warehouse: Path, name: str, recount: Recount, figures: object) -> None:
    """The metric says what the recount says: of everything, by week and first dimension, by month and all of them."""
    dimensions = next(one for one in catalogue(warehouse) if one.name == name).dimensions
    questions = [Question(name), Question(name, dimensions[:1], "week"), Question(name, dimensions, "month")]
    told_any = False
    for question, found in zip(questions, answers(warehouse, questions), strict=True):
        expected = _answers(getattr(figures, recount.facts), recount, question)
        assert found.keys() == expected.keys(), question
        wrong = {
            key: (found[key], value) for key, value in expected.items() if not _is_same(found[key], value, recount)
        }
        assert wrong == {}, question
        told_any |= any(value is not None for value in found.values())
    assert told_any, f"{name} has no value in these worlds, so nothing was compared"


def _answers(facts: Iterable[Row], recount: Recount, question: Question) -> dict[object, object]:
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in facts:
        if (moment := row[recount.time]) is not None:
            period = (_first_day(moment, question.grain),) if question.grain else ()
            groups[*period, *(row[name] for name in question.by)].append(row)
    values = {key: recount.value(rows) for key, rows in groups.items()}
    return {key: value for key, value in values.items() if value is not NO_ROW}


def _first_day(moment: date | datetime, grain: str) -> date:
    day = moment.date() if isinstance(moment, datetime) else moment
    return {"month": day.replace(day=1), "week": day - timedelta(days=day.weekday())}[grain]


def _is_same(found: object, expected: object, recount: Recount) -> bool:
    if found is None or expected is None:
        return found is expected
    return bool(found == pytest.approx(float(str(expected)), rel=recount.within, abs=2e-6))


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[Any, ...], list[Any]]:
    """Rows by what they have under these keys."""
    found: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        found[tuple(row.get(key) for key in keys)].append(row)
    return found


def told(rows: Iterable[Row], column: str) -> list[Any]:
    return [row[column] for row in rows if row[column] is not None]


def total(column: str) -> Callable[[Sequence[Row]], object]:
    return lambda rows: sum(known) if (known := told(rows, column)) else None


def hits(column: str) -> Callable[[Sequence[Row]], object]:
    """How many of those of which it is known; None: of none."""
    return lambda rows: sum(map(bool, known)) if (known := told(rows, column)) else None


def number_of(column: str) -> Callable[[Sequence[Row]], object]:
    return lambda rows: len(told(rows, column))


def share(
    above: Callable[[Sequence[Row]], Any], below: Callable[[Sequence[Row]], Any]
) -> Callable[[Sequence[Row]], object]:
    def of(rows: Sequence[Row]) -> object:
        part, whole = above(rows), below(rows)
        return part / whole if whole and part is not None else None

    return of


def percentile(column: str, percent: int) -> Callable[[Sequence[Row]], object]:
    return lambda rows: nearest_rank(known, percent) if (known := told(rows, column)) else None


def nearest_rank(values: Iterable[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(percent * len(ordered) / 100) - 1]


def survived(
    ended: str, going_on: str, is_open: Callable[[Row], bool], percent: int = 50
) -> Callable[[Sequence[Row]], object]:
    """Kaplan and Meier's percentile; nothing is said where nothing has ended."""

    def of(rows: Sequence[Row]) -> object:
        times = [(row[ended], True) for row in rows if row[ended] is not None]
        times += [
            (row[going_on], False) for row in rows if row[ended] is None and is_open(row) and row[going_on] is not None
        ]
        return product_limit(times, 1 - percent / 100) if any(is_event for _, is_event in times) else NO_ROW

    return of
