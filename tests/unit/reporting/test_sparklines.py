"""Trend lines without JavaScript."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.reporting.sparklines import blocks, line


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 8, ""),
        ([None, None], 8, ""),
        ([0, 0], 8, "▁▁"),
        ([1, 2, 4, 8], 8, "▂▃▅█"),
        ([1, None, 8], 8, "▂ █"),  # a missing day is a gap, not a zero
        ([1, 8, 1, 1], 2, "█▂"),  # a cell shows its highest day
    ],
)
def test_blocks(values, width, drawn):
    assert blocks(values, width) == drawn


def test_line_starts_at_zero_and_breaks_where_a_value_is_missing():
    drawn = line([0, 10, None, 5], width=34, height=14, baseline=5)
    assert drawn.stretches == ("2.0,12.0 12.0,2.0", "31.0,7.0 33.0,7.0")
    assert (drawn.baseline_y, drawn.last) == (7.0, (32.0, 7.0))


def test_nothing_known_is_no_line():
    assert line([None], 10, 10, baseline=3) is None


@given(st.lists(st.none() | st.floats(0, 1e12), min_size=1), st.none() | st.floats(0, 1e12))
def test_line_stays_inside_its_box(values, baseline):
    drawn = line(values, 96, 24, baseline)
    if drawn:
        points = [
            float(number) for stretch in drawn.stretches for pair in stretch.split() for number in pair.split(",")
        ]
        assert all(0 <= x <= 96 for x in points[::2])
        assert all(0 <= y <= 24 for y in points[1::2])
