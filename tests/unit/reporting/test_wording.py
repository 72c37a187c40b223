"""Figures as people read them."""

from datetime import datetime, timedelta, timezone

import pytest

from orchestration.reporting import wording


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (wording.number(None), "no data"),
        (wording.number(0), "0"),
        (wording.number(1234567), "1,234,567"),
        (wording.number(3.14), "3.1"),
        (wording.number(31.4), "31"),
        (wording.counted(1, "account"), "1 account"),
        (wording.counted(2, "fix", "fixes"), "2 fixes"),
        (wording.percent(None), "no data"),
        (wording.percent(0), "0 %"),
        (wording.percent(0.00001), "under 0.01 %"),  # a small share is not none
        (wording.percent(0.0042), "0.42 %"),
        (wording.percent(0.5), "50 %"),
        (wording.percent(-2.374), "-237 %"),  # more was spent than there was
        (wording.size(None), "no data"),
        (wording.size(0), "0 B"),
        (wording.size(812), "812 B"),
        (wording.size(1_400), "1.4 kB"),
        (wording.size(23_000_000), "23 MB"),
        (wording.size(999_999), "1.0 MB"),
        (wording.size(4.2e15), "4,200 TB"),
        (wording.money(1234.5, "EUR"), "EUR 1,234.50"),
        (wording.money(None, "EUR"), "no data"),
        (wording.money(1.0, None), "no data"),
        (wording.milliseconds(380), "380 ms"),
        (wording.milliseconds(1400), "1.4 s"),
        (wording.duration(25), "25 min"),
        (wording.duration(190), "3 h 10 min"),
        (wording.duration(59.9), "60 min"),
        (wording.duration(3 * 1440 + 240), "3 days 4 h"),
        (wording.age(0.4), "under a day"),
        (wording.age(1.9), "1 day"),
        (wording.measured(0.083, "ratio"), "8.3 %"),
        (wording.measured(14, "tickets"), "14 tickets"),
        (wording.measured(-987.4, "ms"), "-987 ms"),
        (wording.measured(-2100.0, "ms"), "-2.1 s"),
        (wording.days(0.4), "under a day"),
        (wording.days(1.5), "1.5 days"),
        (wording.days(None), "no data"),
        (wording.verdict({"verdict": "worse", "no_verdict_reason": None}), "✗ made it worse"),
        (wording.verdict({"verdict": None, "no_verdict_reason": "not_shipped"}), "not shipped yet"),
        (wording.measured(None, "tickets"), "no data"),
        (wording.trend("rising"), "▲ rising"),
        (wording.trend(None), "no data"),
    ],
)
def test_figure_reads(written, expected):
    assert written == expected


def test_times_are_told_in_utc():
    berlin = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=1)))
    assert wording.moment(berlin) == "2026-03-01 00:30 UTC"
