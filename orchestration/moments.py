"""Times and days as they are given on a command line."""

from __future__ import annotations

from datetime import UTC, date, datetime

from governance.errors import PolicyError


def moment(text: str) -> datetime:
    """`text` as a UTC time; without it the current hour, so that two runs within the hour give the same rows.

    Raises:
        PolicyError: it is no ISO date or time.
    """
    if not text:
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise PolicyError(f"--as-of {text}: expected an ISO date or time such as 2026-11-23T12:00") from None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)


def day_of(text: str, option: str) -> date:
    """`text` as a day.

    Raises:
        PolicyError: it is no ISO date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PolicyError(f"{option} {text}: expected an ISO date such as 2026-11-23") from None
