"""Freshness alerts: from what is known of each data set to one message per team.

What a team was told last is remembered per team, and only once the message was accepted. So a message that fails is
made again at the next tick from what is true then, and a data set that recovered meanwhile is not mentioned at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from governance.freshness import Change, Freshness, FreshnessPolicy, State, changes, state_of
from governance.subscriptions import Subscription, SubscriptionsPolicy
from orchestration.delivery.channels import failure_of
from orchestration.delivery.messages import Message, compose

_AT_ONCE = 8


@dataclass(frozen=True)
class Pending:
    """What the next tick must know: since when each data set is expected, and what each team was told last."""

    first_seen: Mapping[str, datetime] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, State]] = field(default_factory=dict)

    @staticmethod
    def from_json(text: str | None) -> Pending:
        """The stored form; an empty one where there is none yet, or it cannot be read (then alarms are told again)."""
        try:
            stored = json.loads(text or "{}")
            first_seen = {asset: datetime.fromisoformat(at) for asset, at in stored.get("first_seen", {}).items()}
            return Pending(first_seen, stored.get("told", {}))
        except (ValueError, TypeError, AttributeError):
            return Pending()

    def to_json(self) -> str:
        first_seen = {asset: at.isoformat() for asset, at in self.first_seen.items()}
        return json.dumps({"first_seen": first_seen, "told": self.told}, sort_keys=True)


@dataclass(frozen=True)
class Delivery:
    """What one team was to be told, and why it was not: null where it was."""

    team: str
    changes: tuple[Change, ...]
    failure: str | None


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
        sent = [f"{d.team} told of {len(d.changes)}" for d in self.deliveries if d.failure is None]
        failed = [f"{d.team} not told, tried again next time: {d.failure}" for d in self.deliveries if d.failure]
        return "; ".join([*failed, *sent])


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
    deliveries = deliver(found, now, freshness, subscriptions, environment)
    failed = {delivery.team: delivery for delivery in deliveries if delivery.failure}
    told = {team: _remembered(pending.told.get(team, {}), current, failed.get(team)) for team in subscriptions.teams}
    return Outcome(Pending(first_seen, told), tuple(deliveries))


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
        return f"{subscription.url_env} is not set; set it to the team's apprise URL"
    return failure_of(message, url)


def _freshness(
    last_at: datetime | None, now: datetime, policy: FreshnessPolicy, asset: str, first_seen: Mapping[str, datetime]
) -> Freshness:
    state = state_of(last_at, now, policy.window_of(asset), first_seen[asset])
    return Freshness(state, last_at, first_seen[asset])


def _remembered(
    told: Mapping[str, State], current: Mapping[str, Freshness], failed: Delivery | None
) -> dict[str, State]:
    """The states a team now knows of: the current ones, except those whose message did not arrive."""
    missed = {change.asset for change in failed.changes} if failed else set()
    return {asset: told.get(asset, "unknown") if asset in missed else now.state for asset, now in current.items()}
