"""Typical waits, with those still waiting."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.reporting.waiting import median_wait


@pytest.mark.parametrize(
    ("waits", "median"),
    [
        ([], None),
        ([(5.0, False)], None),
        ([(5.0, True)], 5.0),
        ([(1.0, True), (2.0, True), (3.0, True)], 2.0),
        ([(1.0, True), (9.0, False), (9.0, False)], None),  # most are still waiting
        # The one who left after 2 minutes says nothing about later: textbook example, S(3) = 3/4 * 1/2.
        ([(1.0, True), (2.0, False), (3.0, True), (4.0, True)], 3.0),
    ],
)
def test_half_were_served_within(waits, median):
    assert median_wait(waits) == median


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_without_anybody_waiting_it_is_the_low_median(served):
    assert median_wait((wait, True) for wait in served) == statistics.median_low(served)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans())))
def test_those_still_waiting_never_shorten_it(waits):
    with_them = median_wait(waits)
    without = median_wait(wait for wait in waits if wait[1])
    assert with_them is None or (without is not None and with_them >= without)
