from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from governance.sampling import load_sampling_policy
from orchestration.rollups.dimensions import OTHER
from orchestration.rollups.news import MET_SCHEMA, template_days
from orchestration.rollups.schemas import TEMPLATE_COUNTS_SCHEMA, TEMPLATE_DAYS_SCHEMA

DAY = date(2026, 5, 20)
POLICY = load_sampling_policy().rollups.news
# A line of the same service that is always there, so that no other is all of it.
BULK = 100_000


def met(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {"service": "cart", "severity": "INFO", "template": "a", "trace_count": 0, "failing_trace_count": 0}
    given = [{**usual, "first_seen_on": DAY - timedelta(days=20), "has_past": True, **row} for row in rows]
    return pl.DataFrame(given, schema=MET_SCHEMA)


def earlier(counts: dict[str, list[int]]) -> pl.DataFrame:
    """Records by template id, the latest of the days before last; 0 is a day without it."""
    rows = [
        {
            "event_date": DAY - timedelta(days=len(own) - place),
            "service": "cart",
            "template_id": name,
            "record_count": n,
        }
        for name, own in counts.items()
        for place, n in enumerate(own)
        if n
    ]
    return pl.DataFrame(rows, schema=TEMPLATE_COUNTS_SCHEMA)


def judged(count: int, days: list[int], *, bulk: int = BULK, **row: object) -> dict[str, object]:
    """What a template of so many records is after such days."""
    traces = {"trace_count": 1000, "failing_trace_count": 10}
    all_else = {"template_id": "bulk", "record_count": bulk, **traces}
    today = met({"template_id": "x", "record_count": count, **row}, all_else)
    found = template_days(today, earlier({"x": days, "bulk": [BULK] * len(days)}), DAY, POLICY)
    assert found.schema == TEMPLATE_DAYS_SCHEMA
    return found.filter(pl.col("template_id") == "x").row(0, named=True)


STEADY = [100, 90, 110, 95, 105, 100, 100]


@pytest.mark.parametrize(
    ("count", "days", "row", "expected"),
    [
        (5, STEADY, {"first_seen_on": DAY}, {"is_new"}),
        (500, [], {"first_seen_on": DAY}, {"is_new"}),
        (500, [], {"first_seen_on": DAY, "has_past": False}, set()),  # the first day of a service
        (500, [], {"first_seen_on": DAY, "template": OTHER}, set()),
        (100, STEADY, {}, {"is_noise"}),
        (100, STEADY, {"severity": None}, {"is_noise"}),
        (100, STEADY, {"severity": "WARN"}, {"is_noise"}),
        (100, STEADY, {"severity": "ERROR"}, set()),  # steady, but never harmless
        (100, STEADY, {"template": OTHER}, set()),
        (100, STEADY, {"trace_count": 100, "failing_trace_count": 60}, set()),  # where it is said, traces fail
        (100, STEADY, {"trace_count": 100, "failing_trace_count": 3}, {"is_noise"}),
        (30, STEADY, {}, set()),  # it falls
        (199, STEADY, {}, {"is_noise"}),  # less than twice
        (250, STEADY, {}, {"is_rising"}),
        (250, STEADY[:2], {}, set()),  # two days tell nothing
        (100, STEADY[:2], {}, set()),
        (2, [1, 1, 1, 1, 1], {}, {"is_noise"}),  # twice, but of little: chance
        (250, [10, 400, 20, 30, 250, 10, 40], {}, set()),  # it always comes in bursts
        (20, [0, 0, 0, 0, 0, 0, 0], {}, {"is_rising"}),  # known from before, and back
        (3, [0, 0, 0, 0, 0, 0, 0], {}, set()),
        (100, [100, 0, 0, 100, 0, 0, 100], {}, set()),  # not there on most days
    ],
)
def test_a_template_is_news_or_noise_or_neither(
    count: int, days: list[int], row: dict[str, object], expected: set[str]
) -> None:
    found = judged(count, days, **row)
    assert {name for name in ("is_new", "is_rising", "is_noise") if found[name]} == expected


def test_on_a_busy_day_nothing_rises() -> None:
    assert judged(300, STEADY, bulk=3 * BULK)["is_noise"]


def test_a_burst_of_another_line_makes_nothing_rise_the_day_after() -> None:
    history = earlier({"x": STEADY, "bulk": [BULK] * 6 + [50 * BULK]})
    today = met({"template_id": "x", "record_count": 100}, {"template_id": "bulk", "record_count": BULK})
    found = template_days(today, history, DAY, POLICY)
    assert not found["is_rising"].any()


def test_a_service_whose_traces_all_fail_still_has_noise() -> None:
    today = met(
        {"template_id": "x", "record_count": 100, "trace_count": 50, "failing_trace_count": 50},
        {"template_id": "y", "record_count": 100, "trace_count": 50, "failing_trace_count": 50},
    )
    found = template_days(today, earlier({"x": STEADY, "y": STEADY}), DAY, POLICY)
    assert found["is_noise"].to_list() == [True, True]


def test_what_was_expected_is_said() -> None:
    found = judged(100, [100, 200, 0, 100])
    assert (found["compared_days"], found["expected_count"]) == (4, pytest.approx(100, rel=0.01))
    first = judged(100, [])
    assert (first["compared_days"], first["expected_count"]) == (0, None)


@pytest.mark.parametrize(
    ("spread", "mean", "share"), [(0.0, 3, 0.001), (0.0, 300, 0), (0.3, 300, 0.001), (1.0, 50, 0.01)]
)
def test_steady_templates_rarely_rise(spread: float, mean: int, share: float) -> None:
    """Counts of Poisson, or whose rate itself varies by `spread`: 4,000 templates over two weeks."""
    rng = np.random.default_rng(1)
    rates = rng.gamma(1 / spread**2, mean * spread**2, (4_000, 15)) if spread else np.full((4_000, 15), mean)
    counts = rng.poisson(rates)
    history = earlier({f"t{number}": own[:14].tolist() for number, own in enumerate(counts)})
    today = met(*({"template_id": f"t{number}", "record_count": int(own[14])} for number, own in enumerate(counts)))
    found = template_days(today.filter(pl.col("record_count") > 0), history, DAY, POLICY)
    assert found.select(pl.col("is_rising").mean()).item() <= share
