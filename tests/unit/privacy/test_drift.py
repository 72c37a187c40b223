"""A detector that breaks or a source that changes is told from ordinary days."""

import random
from datetime import date, timedelta

import pytest

from governance.privacy import load_privacy
from governance.privacy.drift import FoundOnDay, drifts

FIRST = date(2026, 3, 1)
POLICY = load_privacy().drift


def days(*found):
    return {
        FIRST + timedelta(days=n): FoundOnDay(records, {"EMAIL": count}) for n, (records, count) in enumerate(found)
    }


def drifted(found):
    return [(drift.day, drift.entity) for drift in drifts(found, POLICY)]


LAST = FIRST + timedelta(days=14)


@pytest.mark.parametrize(
    ("before", "now", "warns"),
    [
        ((1_000, 50), (1_000, 0), True),  # the pattern is gone
        ((1_000, 50), (1_000, 51), False),
        ((1_000, 50), (1_000, 95), False),  # less than twice
        ((1_000, 50), (1_000, 150), True),
        ((1_000, 0), (1_000, 400), True),  # a new field full of e-mails
        ((1_000, 0), (1_000, 2), False),  # two mails are no trend
        ((1_000, 50), (20, 0), False),  # a quiet day: one was expected
        ((1_000, 50), (0, 0), False),  # no records
        ((1_000, 50), (100_000, 5_000), False),  # a hundred times the records, and of findings
        ((10, 1), (10, 0), False),
    ],
)
def test_a_day_is_compared_with_the_days_before(before, now, warns):
    found = drifted(days(*[before] * 14, now))
    assert found == ([(LAST, "EMAIL")] if warns else [])


def test_a_drift_says_both_rates():
    (drift,) = drifts(days(*[(1_000, 50)] * 14, (1_000, 200)), POLICY)
    assert (drift.day, drift.rate, drift.rate_before) == (LAST, 0.2, 0.05)
    assert drift.probability < POLICY.significance


def test_the_first_days_have_nothing_to_be_compared_with():
    assert drifted(days(*[(1_000, 50)] * (POLICY.min_days - 1), (1_000, 0))) == []


def test_what_varies_much_must_change_more():
    wild = [(1_000, 10 if n % 2 else 120) for n in range(14)]
    steady = [(1_000, 65)] * 14
    assert drifted(days(*wild, (1_000, 140))) == []
    assert drifted(days(*steady, (1_000, 140))) == [(LAST, "EMAIL")]


def test_weekends_with_a_tenth_of_the_records_are_no_drift():
    weeks = [(100 if n % 7 in (5, 6) else 1_000) for n in range(42)]
    assert drifted(days(*[(records, records // 20) for records in weeks])) == []


def test_days_that_differ_by_chance_alone_hardly_ever_warn():
    chance = random.Random(1)
    warned = 0
    for _ in range(40):
        found = [(records, sum(chance.random() < 0.02 for _ in range(records))) for records in [500, 900, 200] * 14]
        warned += len(drifted(days(*found)))
    assert warned <= 1  # of 40 x 37 days
