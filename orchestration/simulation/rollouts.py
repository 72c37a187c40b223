"""Deployments: the scenario's and the harmless ones every service has, and which version served which request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from orchestration.simulation.calendar import DAY, HOUR, MINUTE, Window
from orchestration.simulation.company import SERVICES
from orchestration.simulation.faults import Deployment
from orchestration.simulation.scenario import Scenario
from orchestration.simulation.streams import Stream, stream

FIRST_HARMLESS_ID = 3001
FIRST_VERSION = "1.0.0"
_UNNUMBERED = -1
_EVERY_DAYS = 9.0
_FAILS = 0.06
# A harmless deployment keeps this far from what the scenario does to its service: what caused what stays decidable.
_DISTANCE = 36 * HOUR
_CHANGES = (
    "Bump dependencies", "Log request sizes", "Tidy configuration", "Raise memory limit", "Refactor handlers",
    "Update translations", "Rename metrics", "Drop unused endpoint", "Rotate certificates", "Tune connection pool",
)  # fmt: skip


@dataclass(frozen=True)
class Rollout:
    """One deployment as it went: when it was asked for, when it finished and how."""

    id: int
    service: str
    version: str
    description: str
    created_ns: int
    finished_ns: int
    share: float = 1.0
    is_success: bool = True

    @property
    def sha(self) -> str:
        """The commit it ships."""
        return hashlib.sha256(f"{self.service} {self.version}".encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Versions:
    """Which version of a service serves a request: rollouts in time order, the first from before the window."""

    starts: tuple[int, ...]
    shares: tuple[float, ...]
    names: tuple[str, ...]

    def serving(self, at: np.ndarray, luck: np.ndarray) -> np.ndarray:
        """Index into `names` for requests at `at`, where `luck` (0..1) decides who meets a partial rollout."""
        index = np.zeros(len(at), dtype=np.int64)
        for number, (start, share) in enumerate(zip(self.starts, self.shares, strict=True)):
            index[(at >= start) & (luck < share)] = number
        return index


def plan_rollouts(scenario: Scenario, window: Window, seed: int) -> list[Rollout]:
    """Every deployment of the window, in time order."""
    told = [_told(deployment, window) for deployment in scenario.all_deployments]
    told = [rollout for rollout in told if rollout.finished_ns < window.end_ns]
    taken = {deployment.id for deployment in scenario.all_deployments}
    free = (number for number in count(FIRST_HARMLESS_ID) if number not in taken)
    order = sorted([*told, *_harmless(scenario, told, window, seed)], key=lambda r: (r.finished_ns, r.service))
    latest = dict.fromkeys(SERVICES, FIRST_VERSION)
    named = []
    for rollout in order:
        if rollout.id == _UNNUMBERED:
            rollout = replace(rollout, id=next(free), version=_next(latest[rollout.service]))
        if rollout.share == 1:
            latest[rollout.service] = rollout.version
        named.append(rollout)
    return named


def versions_of(rollouts: list[Rollout]) -> Mapping[str, Versions]:
    """For each service, which version served when."""
    found = {}
    for service in SERVICES:
        live = [rollout for rollout in rollouts if rollout.service == service and rollout.is_success]
        found[service] = Versions(
            (-(2**62), *(rollout.finished_ns for rollout in live)),
            (1.0, *(rollout.share for rollout in live)),
            (FIRST_VERSION, *(rollout.version for rollout in live)),
        )
    return found


def _told(deployment: Deployment, window: Window) -> Rollout:
    # The scenario's time is when the new version is live; it was asked for four minutes before.
    at = window.ns(deployment.at)
    return Rollout(
        deployment.id,
        deployment.service,
        deployment.version,
        deployment.description,
        at - 4 * MINUTE,
        at,
        deployment.share,
    )


def _next(version: str) -> str:
    """The minor version after `version`; 2.8.0 gives 2.9.0."""
    major, _, rest = version.partition(".")
    minor = re.match(r"\d+", rest)
    return f"{major}.{int(minor[0]) + 1 if minor else 1}.0"


def _harmless(scenario: Scenario, told: list[Rollout], window: Window, seed: int) -> list[Rollout]:
    """What every service ships without any effect; ids and versions are given later, in order of time."""
    rng = stream(seed, Stream.DEPLOYMENTS)
    made: list[Rollout] = []
    for service in SERVICES:
        quiet = _quiet_times(scenario, told, service, window)
        at = window.start_ns + int(rng.uniform(0.2, _EVERY_DAYS) * DAY)
        while at < window.end_ns - HOUR:
            at = at - at % DAY + int(rng.uniform(8, 17) * 60) * MINUTE
            asked, fails = at - int(rng.integers(120, 600)) * 1_000_000_000, bool(rng.random() < _FAILS)
            change = _CHANGES[int(rng.integers(len(_CHANGES)))]
            if at < window.end_ns - HOUR and not any(start < at < end for start, end in quiet):
                made.append(Rollout(_UNNUMBERED, service, "", change, asked, at, is_success=not fails))
            at += int(rng.uniform(0.6, 1.4) * _EVERY_DAYS * DAY)
    return made


def _quiet_times(scenario: Scenario, told: list[Rollout], service: str, window: Window) -> list[tuple[int, int]]:
    """When a service has no harmless deployment: near what the scenario does to it, or while a fault needs it."""
    quiet = [(r.finished_ns - _DISTANCE, r.finished_ns + _DISTANCE) for r in told if r.service == service]
    for fault in scenario.faults:
        if fault.service != service:
            continue
        if fault.begins:
            at = window.ns(fault.begins)
            quiet.append((at - _DISTANCE, at + _DISTANCE))
        starts = [r.finished_ns for r in told if r.service == service and r.version == fault.version]
        if starts:
            helps = fault.cured_by and fault.cured_by.helps
            until = window.ns(fault.cured_by.at) if fault.cured_by and helps else window.end_ns
            quiet.append((starts[0], until))
    return quiet
