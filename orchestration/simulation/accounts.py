"""Accounts and their people: plans, skewed activity, which variant of each flag they see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from orchestration.simulation.company import PLANS
from orchestration.simulation.people import Person
from orchestration.simulation.scenario import Scenario
from orchestration.simulation.streams import Stream, stream

AGENT_IDS = tuple(range(9001, 9009))
_FIRST = ("Amara", "Bruno", "Chiara", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ingrid", "Jamal", "Keiko", "Lars",
          "Maya", "Nils", "Olga", "Pedro", "Quinn", "Rosa", "Samir", "Tove")  # fmt: skip
_LAST = ("Abbott", "Bergmann", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ito", "Jansen", "Kowalski",
         "Lopez", "Marino", "Nakamura", "Olsen", "Petrov", "Quiroga", "Rossi", "Singh", "Tran")  # fmt: skip


@dataclass(frozen=True)
class Accounts:
    """Every account, by number; each has `people_each` people whose ids follow from its number."""

    ids: list[str]
    plans: list[str]
    addresses: list[str]  # where its requests come from
    activity: np.ndarray  # cumulative share of all requests
    variants: Mapping[tuple[str, str], list[str]]  # (service, flag) -> variant of each account
    people_each: int = 2

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """The accounts that make `count` requests, the busy ones more often."""
        return np.searchsorted(self.activity, rng.random(count), side="right").clip(max=len(self.ids) - 1)

    def person(self, account: int, which: int) -> Person:
        """One of an account's people."""
        number = account * self.people_each + which
        first, last = _FIRST[number * 7 % len(_FIRST)], _LAST[(number * 3 + account // 20) % len(_LAST)]
        email = f"{first}.{last}{number}@customer{account:05d}.example.com".lower()
        return Person(100_000 + number, f"{first} {last}", email, "end-user", 50_000 + account)


def agents() -> list[Person]:
    """The people who answer tickets."""
    return [
        Person(id_, f"{_FIRST[-i - 1]} {_LAST[i]}", f"{_FIRST[-i - 1]}.{_LAST[i]}@shop.example".lower(), "agent", None)
        for i, id_ in enumerate(AGENT_IDS)
    ]


def make_accounts(scenario: Scenario, seed: int) -> Accounts:
    """The company's accounts; a tenth of them makes about half of the requests."""
    rng = stream(seed, Stream.ACCOUNTS)
    count = scenario.accounts
    weights = rng.permutation(1 / (np.arange(count) + 8.0) ** 0.8)
    plan = rng.choice(len(PLANS), count, p=[share for _, share in PLANS])
    variants = {}
    for flag in scenario.flags:
        names = list(flag.variants)
        drawn = rng.choice(len(names), count, p=list(flag.variants.values()))
        variants[flag.service, flag.key] = [names[i] for i in drawn]
    octets = rng.integers(1, 255, (count, 3))
    return Accounts(
        ids=[f"acct_{10_000 + 7 * number}" for number in range(count)],
        plans=[PLANS[i][0] for i in plan],
        addresses=[f"100.{a}.{b}.{c}" for a, b, c in octets.tolist()],
        activity=np.cumsum(weights / weights.sum()),
        variants=variants,
    )
