"""Times and days as they are given on a command line."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from governance.errors import PolicyError

# Clocks are skewed by a day at most. What is older than it may be kept is removed, counted from the time of a run.
_AHEAD = timedelta(days=1)
_WEEK, _MONTH = re.compile(r"(\d{4})-W(\d{2})"), re.compile(r"(\d{4})-(\d{2})")


def moment(text: str) -> datetime:
    """`text` as a UTC time; without it the current hour, so that two runs within the hour give the same rows.

    Raises:
        PolicyError: it is no ISO date or time, or lies in the future.
    """
    now = datetime.now(UTC)
    if not text:
        return now.replace(minute=0, second=0, microsecond=0)
    try:
        given = datetime.fromisoformat(text)
        given = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PolicyError(f"--as-of {text}: expected an ISO date or time such as 2026-11-23T12:00") from None
    if given > now + _AHEAD:
        raise PolicyError(
            f"--as-of {text}: lies in the future, it is {now:%Y-%m-%dT%H:%M} (UTC); data would be removed for an age"
            " that it has not reached"
        )
    return given


def day_of(text: str, option: str) -> date:
    """`text` as a day.

    Raises:
        PolicyError: it is no ISO date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PolicyError(f"{option} {text or 'is empty'}: expected an ISO date such as 2026-11-23") from None


def period_of(text: str, option: str) -> tuple[date, date]:
    """First and last day of a day, an ISO week or a month.

    Raises:
        PolicyError: it is none of them.
    """
    try:
        if week := _WEEK.fullmatch(text):
            monday = date.fromisocalendar(int(week[1]), int(week[2]), 1)
            return monday, monday + timedelta(days=6)
        if month := _MONTH.fullmatch(text):
            year, number = int(month[1]), int(month[2])
            return date(year, number, 1), date(year, number, monthrange(year, number)[1])
        return date.fromisoformat(text), date.fromisoformat(text)
    except (ValueError, OverflowError):  # the last week of 9999 ends after the last day there is
        raise PolicyError(f"{option} {text}: expected a day, week or month: 2026-03-14, 2026-W12 or 2026-03") from None
