"""How long each state is kept: policies/retention.yml. Age counts from the pull, not from the event; what was said of a
run counts from then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, field_validator, model_validator

from governance.errors import one_of
from governance.faults import Misplaced
from governance.policy import Policy, Strict, load_policy

# State -> the states made from it. What is made must not expire first: it would be made again.
MADE_FROM: dict[str, tuple[str, ...]] = {
    "received": ("landing",),
    "landing": ("mentions", "anonymized", "held"),
    "mentions": (),
    "held": (),
    "anonymized": ("checked", "quarantine"),
    "quarantine": (),
    "checked": ("traits", "rollups", "sampled", "themes"),
    "traits": ("rates", "sampled"),
    "rates": ("sampled",),
    "rollups": (),
    "sampled": (),
    "themes": (),
    "history": (),
}


class Keeping(Strict):
    """How many days something is kept, and why; no days: for ever."""

    days: int | None = Field(ge=1)
    reason: str


class Grains(Strict):
    """Up to which age of a UTC day, in days, its rollups say every minute, then every hour; later they say the day."""

    minutes_kept_for_days: int = Field(ge=1)
    hours_kept_for_days: int = Field(ge=1)
    reason: str

    @model_validator(mode="after")
    def minutes_go_before_hours(self) -> Grains:
        if self.minutes_kept_for_days > self.hours_kept_for_days:
            raise ValueError(
                f"minutes_kept_for_days is {self.minutes_kept_for_days}, hours_kept_for_days"
                f" {self.hours_kept_for_days}; expected no more days of minutes than of hours"
            )
        return self

    def at_age(self, days: int) -> Literal["minute", "hour", "day"]:
        """The grain of the rollups of a day that began so many days ago."""
        if days <= self.minutes_kept_for_days:
            return "minute"
        return "hour" if days <= self.hours_kept_for_days else "day"


class RetentionPolicy(Policy):
    """The keeping of every state; a state nobody names would be kept for ever unseen, so all are named."""

    states: dict[str, Keeping]
    rollup_grains: Grains
    run_events: Keeping

    @field_validator("states")
    @classmethod
    def names_every_state(cls, value: dict[str, Keeping]) -> dict[str, Keeping]:
        for state in value:
            if state not in MADE_FROM:
                raise Misplaced(f"state {state} does not exist; {one_of(state, MADE_FROM)}", state)
        if missing := sorted(MADE_FROM.keys() - value.keys()):
            raise ValueError(f"states lacks {', '.join(missing)}; say how many days, or null for ever")
        return value

    @model_validator(mode="after")
    def nothing_expires_before_what_it_is_made_from(self) -> RetentionPolicy:
        for state, made in MADE_FROM.items():
            kept = self.states[state].days
            for later in made:
                limit = self.states[later].days
                if limit is not None and (kept is None or kept > limit):
                    raise Misplaced(
                        f"states.{state} is kept longer than {later}, which is made from it and would be made again;"
                        f" expected at most {limit} days",
                        *("states", state, "days"),
                    )
        return self


def expired(partitions: Iterable[tuple[str, datetime]], now: datetime, policy: RetentionPolicy) -> list[str]:
    """The keys whose time is over, in the order given.

    Args:
        partitions: key (`<state>/...`) and time of the pull of each partition; other states than the policy's stay.
    """
    return [key for key, pulled_at in partitions if _is_over(key.split("/", 1)[0], pulled_at, now, policy)]


def _is_over(state: str, pulled_at: datetime, now: datetime, policy: RetentionPolicy) -> bool:
    keeping = policy.states.get(state)
    return keeping is not None and keeping.days is not None and now - pulled_at >= timedelta(days=keeping.days)


def load_retention() -> RetentionPolicy:
    """policies/retention.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("retention", RetentionPolicy)
