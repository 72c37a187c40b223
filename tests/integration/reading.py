"""What tests of marts read, ask and compare."""

from bisect import bisect_left
from collections import Counter
from functools import cache

import duckdb
import pytest

from orchestration.serving.catalogue import load_catalogue
from orchestration.serving.metrics import Question, sql_of


def rows_of(warehouse, mart, *keys):
    """The rows of a mart by their keys."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        rows = connection.table(f"marts.{mart}").pl().to_dicts()
    found = {tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows)
    return found


def differing(found, expected):
    """What is not as it was counted; floats to nine digits."""
    assert found.keys() == expected.keys()
    return [
        (key, column, found[key][column], value)
        for key, row in expected.items()
        for column, value in row.items()
        if column in found[key]
        and found[key][column] != (pytest.approx(value, rel=1e-8, abs=1e-8) if isinstance(value, float) else value)
    ]


def product_limit(times, left):
    """When the share still open falls below `left`; in the middle where it stays there; None: it does not."""
    open_share, at = 1.0, None
    ended, ordered = Counter(duration for duration, is_event in times if is_event), sorted(one for one, _ in times)
    for duration in sorted(ended):
        at_risk = len(ordered) - bisect_left(ordered, duration)
        open_share *= 1 - ended[duration] / at_risk
        if at is not None:
            return (at + duration) / 2
        if open_share < left - 1e-9:
            return duration
        if open_share <= left + 1e-9:
            at = duration
    return at


@cache
def catalogue(warehouse):
    """Every metric of the project a warehouse was built by."""
    return load_catalogue(warehouse.parent / "dbt" / "manifest.json")


def asked(warehouse, name, *by, grain):
    """The answer of a metric, as a published file gives it, by its dimensions and period."""
    return answers(warehouse, [Question(name, by, grain)])[0]


def answers(warehouse, questions):
    """The same for several questions, each by its dimensions and period."""
    metrics = {one.name: one for one in catalogue(warehouse)}
    found = []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set schema = 'marts'")
        for question in questions:
            metric = metrics[question.name]
            told = {"metric": metric.name, "dimensions": list(metric.dimensions), "time_column": metric.time}
            rows = connection.execute(sql_of({**told, "query": metric.query}, question)).fetchall()
            found.append({tuple(keys): value for *keys, value in rows})
    return found
