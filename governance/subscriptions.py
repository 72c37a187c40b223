"""Who is told what, and where: policies/subscriptions.yml. Addresses with secrets stay in the environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from governance.freshness import Change, Event
from governance.policy import Policy, Strict, load_policy

_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Subscription(Strict):
    """What one team wants to hear of."""

    assets: tuple[str, ...] = Field(min_length=1)
    events: tuple[Event, ...] = Field(min_length=1)
    url: str | None = None
    url_env: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    zone: str = "UTC"
    reason: str

    @field_validator("zone")
    @classmethod
    def zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("no such time zone; write one as Europe/Berlin or UTC") from None
        return value

    @model_validator(mode="after")
    def has_one_address(self) -> Subscription:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("expected one of url and url_env")
        return self

    # On the whole subscription, not on url: a message about one value names it, and this one may hold a password.
    @model_validator(mode="after")
    def address_in_the_file_holds_no_secret(self) -> Subscription:
        parts = urlsplit(self.url or "")
        if self.url and (parts.hostname not in _THIS_MACHINE or parts.username or parts.password):
            raise ValueError("url: only an address on this machine without a password may stand here; use url_env")
        return self

    def covers(self, asset: str) -> bool:
        """Whether the team reads this data set."""
        return any(fnmatchcase(asset, pattern) for pattern in self.assets)

    def wanted(self, changes: Iterable[Change]) -> list[Change]:
        """Of these changes, the ones the team asked for, in the same order."""
        return [change for change in changes if self.covers(change.asset) and change.event in self.events]

    def address(self, environment: Mapping[str, str]) -> str | None:
        """The team's apprise URL; null where its environment variable is not set."""
        return self.url if self.url_env is None else environment.get(self.url_env) or None


class SubscriptionsPolicy(Policy):
    """`policies/subscriptions.yml`: one subscription per team."""

    teams: dict[str, Subscription]


def load_subscriptions() -> SubscriptionsPolicy:
    """policies/subscriptions.yml; raises PolicyError where it is missing or wrong."""
    return load_policy("subscriptions", SubscriptionsPolicy)
