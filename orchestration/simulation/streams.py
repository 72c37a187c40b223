"""Independent random streams: each purpose draws from its own, so that adding one thing changes no other."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream of random numbers is for."""

    ACCOUNTS = 1
    DEPLOYMENTS = 2
    TRAFFIC = 3
    TELEMETRY = 4
    TICKETS = 5
    INCIDENTS = 6
    CANARIES = 7
    POISON = 8
    ISSUES = 9
    NAMES = 10
    CHANGES = 11
    OUTCOMES = 12
    SURVEYS = 13


def stream(seed: int, purpose: Stream, *place: int) -> np.random.Generator:
    """The random numbers of one purpose at one place (a day, a slice of it)."""
    return np.random.default_rng([seed, int(purpose), *place])
