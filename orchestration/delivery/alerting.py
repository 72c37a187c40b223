"""Freshness alerts: from what is known of each data set to one message per team.

What a team was told last is remembered per team, and only once the message was accepted. So a message that fails is
made again at the next tick from what is true then, and a data set that recovered meanwhile is not mentioned at all.
After a day the team is taken as told: an address that nobody sets or mends is not tried for ever.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from governance.freshness import Change, Freshness, FreshnessPolicy, State, changes, state_of
from governance.subscriptions import Subscription, SubscriptionsPolicy
from orchestration.delivery.channels import failure_of
from orchestration.delivery.messages import Message, compose

_AT_ONCE = 8
_GIVEN_UP_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class Pending:
    """What the next tick must know.

    Attributes:
        first_seen: since when each data set is expected.
        told: what each team was told last, by data set.
        waiting: since when each team waits for a message that could not be delivered, by data set.
    """

    first_seen: Mapping[str, datetime] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, State]] = field(default_factory=dict)
    waiting: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)

    @staticmethod
    def from_json(text: str | None) -> Pending:
        """The stored form; an empty one where there is none yet, or it cannot be read (then alarms are told again)."""
        try:
            stored = json.loads(text or "{}")
            waiting = {team: _times(of_team) for team, of_team in stored.get("waiting", {}).items()}
            return Pending(_times(stored.get("first_seen", {})), stored.get("told", {}), waiting)
        except (ValueError, TypeError, AttributeError):
            return Pending()

    def to_json(self) -> str:
        stored = {"first_seen": self.first_seen, "told": self.told, "waiting": self.waiting}
        return json.dumps(stored, sort_keys=True, default=datetime.isoformat)


def _times(stored: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(at) for name, at in stored.items()}


@dataclass(frozen=True)
class Delivery:
    """What one team was to be told, why it was not (null: it was), and the data sets given up on."""

    team: str
    changes: tuple[Change, ...]
    failure: str | None
    given_up: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.failure is None:
            return f"{self.team} told of {len(self.changes)}"
        if not self.given_up:
            return f"{self.team} not told, tried again next time: {self.failure}"
        return f"{self.team} not told, given up after a day on {', '.join(sorted(self.given_up))}: {self.failure}"


@dataclass(frozen=True)
class Outcome:
    """One tick: what to remember, each attempt, and both in a sentence."""

    pending: Pending
    deliveries: tuple[Delivery, ...]

    @property
    def told(self) -> str:
        """One line for whoever reads the tick."""
        if not self.deliveries:
            return "nothing changed, nobody told"
        return "; ".join(map(str, sorted(self.deliveries, key=lambda delivery: delivery.failure is None)))


def alert_teams(
    last: Mapping[str, datetime | None],
    now: datetime,
    freshness: FreshnessPolicy,
    subscriptions: SubscriptionsPolicy,
    pending: Pending,
    environment: Mapping[str, str] = os.environ,
) -> Outcome:
    """Tell each team what changed for it since it was last told.

    Args:
        last: for each data set, when data that passed the gate last arrived; null where none has.
        environment: where the addresses named by `url_env` are.
    """
    first_seen = {asset: pending.first_seen.get(asset, now) for asset in last}
    current = {asset: _freshness(last_at, now, freshness, asset, first_seen) for asset, last_at in last.items()}
    found = {team: changes(pending.told.get(team, {}), current) for team in subscriptions.teams}
    waiting: dict[str, dict[str, datetime]] = {}
    missed: dict[str, set[str]] = {}
    deliveries = []
    for delivery in deliver(found, now, freshness, subscriptions, environment):
        since = _waiting(delivery, pending.waiting.get(delivery.team, {}), now)
        given_up = frozenset(asset for asset, began in since.items() if now - began >= _GIVEN_UP_AFTER)
        waiting[delivery.team] = {asset: began for asset, began in since.items() if asset not in given_up}
        missed[delivery.team] = set(waiting[delivery.team])
        deliveries.append(replace(delivery, given_up=given_up))
    told = {team: _remembered(pending.told.get(team, {}), current, missed.get(team, set())) for team in found}
    return Outcome(Pending(first_seen, told, {team: of for team, of in waiting.items() if of}), tuple(deliveries))


def deliver(
    found: Mapping[str, list[Change]],
    now: datetime,
    freshness: FreshnessPolicy,
    subscriptions: SubscriptionsPolicy,
    environment: Mapping[str, str],
) -> list[Delivery]:
    """One message to each team that asked for any of its changes; teams without one get nothing.

    Teams are told side by side: one slow address must not cost the others their minute.
    """

    def tell(team: str, wanted: list[Change]) -> Delivery:
        subscription = subscriptions.teams[team]
        message = compose(wanted, freshness, subscriptions.owner, now, subscription.zone)
        return Delivery(team, tuple(wanted), _failure(message, subscription, environment))

    wanted = {team: subscriptions.teams[team].wanted(of_team) for team, of_team in found.items()}
    asked = {team: of_team for team, of_team in wanted.items() if of_team}
    if not asked:
        return []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(tell, asked.keys(), asked.values()))


def _failure(message: Message, subscription: Subscription, environment: Mapping[str, str]) -> str | None:
    url = subscription.address(environment)
    if url is None:
        return f"no address: {subscription.url_env} is not set; set it to the team's apprise URL"
    return failure_of(message, url)


def _freshness(
    last_at: datetime | None, now: datetime, policy: FreshnessPolicy, asset: str, first_seen: Mapping[str, datetime]
) -> Freshness:
    state = state_of(last_at, now, policy.window_of(asset), first_seen[asset])
    return Freshness(state, last_at, first_seen[asset])


def _waiting(delivery: Delivery, since: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Since when the team waits for each part of a message that did not arrive; empty where it did."""
    return {change.asset: since.get(change.asset, now) for change in delivery.changes} if delivery.failure else {}


def _remembered(told: Mapping[str, State], current: Mapping[str, Freshness], missed: set[str]) -> dict[str, State]:
    """The states a team now knows of: the current ones, except those whose message did not arrive yet."""
    return {asset: told.get(asset, "unknown") if asset in missed else now.state for asset, now in current.items()}
