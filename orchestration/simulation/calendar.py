"""Times in a scenario: relative to the simulated window, so that one scenario fits any end date and length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict
from pydantic.dataclasses import dataclass as checked_dataclass

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_RELATIVE = re.compile(r"day\s+(-?\d+)(?:\s+([01]?\d|2[0-3]):([0-5]\d))?")
_FORM = "expected `day 12 10:00` (day 0 is the first), `day -3 10:00` (day -1 is the last) or an ISO time"


@checked_dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class When:
    """A time in a scenario: a day counted from the start or the end with a time of day, or an absolute time."""

    day: int | None = None
    minutes: int = 0
    absolute: datetime | None = None


def parse_when(found: object) -> When:
    """`found` (as YAML gives it) as a time; UTC where it says nothing else.

    Raises:
        ValueError: it is none.
    """
    if isinstance(found, When):
        return found
    if isinstance(found, datetime):
        return When(absolute=_utc(found))
    if isinstance(found, date):
        return When(absolute=datetime(found.year, found.month, found.day, tzinfo=UTC))
    if isinstance(found, str) and (match := _RELATIVE.fullmatch(found.strip())):
        return When(int(match[1]), int(match[2] or 0) * 60 + int(match[3] or 0))
    if isinstance(found, str):
        try:
            return When(absolute=_utc(datetime.fromisoformat(found.strip())))
        except ValueError:
            pass
    raise ValueError(_FORM)


Moment = Annotated[When, BeforeValidator(parse_when)]


@dataclass(frozen=True)
class Window:
    """The simulated days, whole UTC days, first to last."""

    end: date
    days: int

    @property
    def first(self) -> date:
        return self.end - timedelta(days=self.days - 1)

    @property
    def start_ns(self) -> int:
        return midnight(self.first)

    @property
    def end_ns(self) -> int:
        """The first moment that is no longer part of it."""
        return self.start_ns + self.days * DAY

    def day(self, index: int) -> date:
        return self.first + timedelta(days=index)

    def ns(self, when: When) -> int:
        """`when` in Unix nanoseconds; it may lie outside the window."""
        if when.absolute is not None:
            return int(when.absolute.timestamp()) * SECOND
        day = when.day or 0
        return self.start_ns + (day if day >= 0 else self.days + day) * DAY + when.minutes * MINUTE


def midnight(day: date) -> int:
    """The start of a UTC day in Unix nanoseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND


def iso(ns: int) -> str:
    """Unix nanoseconds as `2026-01-31T10:00:00Z`, cut to the second as the ticket and deployment systems do."""
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(ns: int) -> str:
    """The UTC day (ISO) Unix nanoseconds lie in."""
    return datetime.fromtimestamp(ns // SECOND, UTC).strftime("%Y-%m-%d")


def _utc(time: datetime) -> datetime:
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
