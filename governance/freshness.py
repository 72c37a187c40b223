"""How old a data set may be, and what changed since last time: policies/freshness.yml.

Age counts from the newest data that passed the gate. A data set that never had any is aged from the moment it was first
expected, so that what never starts is noticed too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal

import polars as pl
from pydantic import Field, model_validator

from governance.errors import PolicyError, one_of
from governance.policy import Policy, Strict, load_policy
from governance.signals import TIMESTAMP

# unknown: no data yet, and still time for it to arrive.
State = Literal["fresh", "warn", "late", "unknown", "never_arrived"]
Event = Literal["stale", "never_arrived", "recovered"]

# The states a team is told of; coming back from one of them is the third event.
_ALARMS: Mapping[State, Event] = {"late": "stale", "never_arrived": "never_arrived"}
# What changed first: what hurts comes before what is cured.
_ORDER: Mapping[Event, int] = {"never_arrived": 0, "stale": 1, "recovered": 2}


class Window(Strict):
    """How old data may be before somebody should look (warn) and before its readers are told (late)."""

    warn_after_hours: float = Field(gt=0)
    late_after_hours: float = Field(gt=0)
    never_arrived_after_hours: float = Field(gt=0)
    reason: str

    @model_validator(mode="after")
    def warns_before_it_is_late(self) -> Window:
        if self.warn_after_hours >= self.late_after_hours:
            raise ValueError(f"warn_after_hours must be less than late_after_hours ({self.late_after_hours:g})")
        return self

    @property
    def warn_after(self) -> timedelta:
        return timedelta(hours=self.warn_after_hours)

    @property
    def fail_after(self) -> timedelta:
        """From this age on data is late: what Dagster calls the fail window."""
        return timedelta(hours=self.late_after_hours)

    @property
    def never_arrived_after(self) -> timedelta:
        return timedelta(hours=self.never_arrived_after_hours)


class FreshnessPolicy(Policy):
    """`policies/freshness.yml`: windows by data set, exact names or patterns with `*`."""

    windows: dict[str, Window]

    def window_of(self, asset: str) -> Window:
        """The window of a data set: by exact name, else by the longest pattern that fits.

        Raises:
            PolicyError: no window fits; a data set without one would never be missed.
        """
        window = self.fitting(asset)
        if window is None:
            raise PolicyError(f"policies/freshness.yml: {asset} has no window; {one_of(asset, self.windows)}; add one")
        return window

    def fitting(self, asset: str) -> Window | None:
        """The same; None where no window fits."""
        if asset in self.windows:
            return self.windows[asset]
        fitting = sorted((p for p in self.windows if fnmatchcase(asset, p)), key=lambda p: (-len(p), p))
        return self.windows[fitting[0]] if fitting else None


@dataclass(frozen=True)
class Freshness:
    """What is known of one data set now. last_at is null where nothing has arrived yet."""

    state: State
    last_at: datetime | None
    first_seen: datetime


@dataclass(frozen=True)
class Change:
    """One data set whose state became worth telling, or is well again."""

    asset: str
    event: Event
    now: Freshness


def load_freshness() -> FreshnessPolicy:
    """policies/freshness.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("freshness", FreshnessPolicy)


def state_of(last_at: datetime | None, now: datetime, window: Window, first_seen: datetime) -> State:
    """The state of a data set whose newest data passed the gate at `last_at` (null: none yet).

    Data from the future is fresh: a clock that runs ahead must not raise an alarm.
    """
    if last_at is None:
        return "never_arrived" if now - first_seen > window.never_arrived_after else "unknown"
    age = now - last_at
    if age > window.fail_after:
        return "late"
    return "warn" if age > window.warn_after else "fresh"


FRESHNESS_SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "signal": pl.String(),
        "last_event_at": TIMESTAMP,
        "age_hours": pl.Float64(),
        "warn_after_hours": pl.Float64(),
        "late_after_hours": pl.Float64(),
        "state": pl.String(),
        "policy_digest": pl.String(),
    }
)


def freshness_frame(
    newest: Mapping[tuple[str, str], datetime | None],
    now: datetime,
    expected_since: Mapping[str, datetime],
    policy: FreshnessPolicy,
) -> pl.DataFrame:
    """How old what was heard is; one row per source and signal (FRESHNESS_SCHEMA), the state null without a window.

    Args:
        newest: time of the newest record that passed the gate, by source and signal; null where none has.
        expected_since: by source, from when on what never came of it is missed; one that is not there: not yet.
    """
    rows = []
    for (source, signal), last_at in sorted(newest.items()):
        window = policy.fitting(f"checked/{source}/{signal}")
        age = (now - last_at) / timedelta(hours=1) if last_at else None
        limits = (window.warn_after_hours, window.late_after_hours) if window else (None, None)
        state = state_of(last_at, now, window, expected_since.get(source, now)) if window else None
        rows.append((source, signal, last_at, age, *limits, state, policy.digest))
    return pl.DataFrame(rows, FRESHNESS_SCHEMA, orient="row")


def changes(previous: Mapping[str, State], current: Mapping[str, Freshness]) -> list[Change]:
    """What to tell a reader who was last told `previous`, the worst first; empty where there is nothing to say.

    A data set that is not in `previous` counts as unknown: told where it is already late, not where it is well.
    """
    found = []
    for asset, now in current.items():
        event = _event(previous.get(asset, "unknown"), now.state)
        if event:
            found.append(Change(asset, event, now))
    return sorted(found, key=lambda change: (_ORDER[change.event], change.asset))


def _event(before: State, after: State) -> Event | None:
    if before in _ALARMS and after in ("fresh", "warn"):
        return "recovered"
    return _ALARMS.get(after) if after != before else None
