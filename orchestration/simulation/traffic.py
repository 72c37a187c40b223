"""Requests of one slice of a day as arrays: who, when, which operations, how long, what failed.

Everything is drawn for all requests of one kind at once: rows are traces, columns are the operations of its tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from orchestration.simulation.accounts import Accounts
from orchestration.simulation.calendar import DAY, HOUR, MINUTE, SECOND, Window
from orchestration.simulation.company import CLIENT, Tree, trees
from orchestration.simulation.faults import Fault
from orchestration.simulation.rollouts import Versions
from orchestration.simulation.scenario import Scenario
from orchestration.simulation.streams import Stream, stream

SLICE_TRACES = 1000  # about 15 MB of records at a time
_BASE_ERROR = 0.0006  # per operation: 0.2 to 0.5 % of requests
_CLIMBS = 0.95  # of errors that reach the caller
_HOURS = np.array([2, 1.5, 1, 1, 1.5, 2, 3, 5, 8, 10, 11, 11, 10, 11, 11, 10, 9, 8, 7, 6, 5, 4.5, 4, 3])
_BY_HOUR = np.concatenate([[0.0], np.cumsum(_HOURS / _HOURS.sum())])
BY_WEEKDAY = (1.08, 1.1, 1.1, 1.08, 1.04, 0.82, 0.78)
_FREQUENT = 16  # kinds of this weight or more have a request that begins in the last moments of each day


@dataclass(frozen=True)
class Active:
    """A fault with its times resolved."""

    number: int
    fault: Fault
    start_ns: int
    end_ns: int

    def hits(self, tree: Tree) -> list[int]:
        """The operations of a request that the fault can hit."""
        fault = self.fault
        if fault.kind == "ticket_theme":
            return []
        return [
            place
            for place, node in enumerate(tree.nodes)
            if node.operation.service == fault.service
            and (fault.operation is None or node.operation.name == fault.operation)
            and (node.operation.dependency == fault.dependency if fault.dependency or not fault.operation else True)
        ]


@dataclass
class Batch:
    """Requests of one kind: n traces by m operations. Times in Unix nanoseconds, durations in nanoseconds."""

    tree: Tree
    begun: np.ndarray  # (n,)
    accounts: np.ndarray  # (n,) account numbers
    versions: dict[str, np.ndarray]  # service -> (n,) index into its versions
    called: np.ndarray  # (n, m)
    own: np.ndarray  # (n, m) own work
    origin: np.ndarray  # (n, m): 0 no error, 1 by chance, 2 + fault number; where an error began
    failed: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), bool))  # (n, m) error, climbed ones included
    hits: dict[int, np.ndarray] = field(default_factory=dict)  # fault number -> (n, m)
    starts: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    durations: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def keep(self, mask: np.ndarray) -> Batch:
        """Only the traces `mask` names."""
        return Batch(
            self.tree, self.begun[mask], self.accounts[mask], {s: v[mask] for s, v in self.versions.items()},
            self.called[mask], self.own[mask], self.origin[mask], self.failed[mask],
            {number: hit[mask] for number, hit in self.hits.items()}, self.starts[mask], self.durations[mask],
        )  # fmt: skip


@dataclass(frozen=True)
class Traffic:
    """The company's requests, slice by slice; every slice is drawn from its own random stream."""

    scenario: Scenario
    window: Window
    seed: int
    scale: float
    accounts: Accounts
    versions: Mapping[str, Versions]
    faults: tuple[Active, ...]

    @cached_property
    def _weights(self) -> float:
        return sum(tree.request.weight for tree in trees())

    def slices(self, day: int) -> Iterator[list[Batch]]:
        """The requests of a day, in slices of about a thousand traces, in time order."""
        expected = self.scenario.traces_per_day * self.scale * BY_WEEKDAY[self.window.day(day).weekday()]
        count = max(1, round(expected / SLICE_TRACES))
        for number in range(count):
            rng = stream(self.seed, Stream.TRAFFIC, day, number)
            yield [self._batch(tree, day, number, count, expected, rng) for tree in trees()]

    def _batch(
        self, tree: Tree, day: int, number: int, slices: int, expected: float, rng: np.random.Generator
    ) -> Batch:
        count = int(rng.poisson(expected / slices * tree.request.weight / self._weights))
        begun = self.window.start_ns + day * DAY + _times(tree, number, slices, count, rng)
        n, m = len(begun), len(tree.nodes)
        luck = rng.random(n)
        batch = Batch(
            tree,
            begun,
            self.accounts.draw(rng, n),
            {service: self.versions[service].serving(begun, luck) for service in tree.services},
            _called(tree, n, rng),
            _own_work(tree, n, rng),
            (rng.random((n, m)) < _BASE_ERROR).astype(np.int64),
        )
        for active in self.faults:
            self._apply(active, batch, rng)
        _climb(batch, rng)
        _lay_out(batch)
        return batch.keep(batch.begun + batch.durations[:, 0] < self.window.end_ns - SECOND)

    def _apply(self, active: Active, batch: Batch, rng: np.random.Generator) -> None:
        places = active.hits(batch.tree)
        if not places:
            return
        fault, n = active.fault, len(batch.begun)
        met = (batch.begun >= active.start_ns) & (batch.begun < active.end_ns) & (rng.random(n) < fault.share)
        if fault.version:
            names = np.array(self.versions[fault.service].names)
            met &= names[batch.versions[fault.service]] == fault.version
        if fault.flag:
            variants = np.array(self.accounts.variants[fault.service, fault.flag])
            met &= variants[batch.accounts] == fault.variant
        if fault.plan:
            met &= np.array(self.accounts.plans)[batch.accounts] == fault.plan
        hit = np.zeros_like(batch.called)
        hit[:, places] = met[:, None] & batch.called[:, places]
        strength = fault.strength
        if strength.ratio is not None:
            hit &= rng.random(hit.shape) < strength.ratio
        if fault.kind == "error":
            batch.origin[hit] = 2 + active.number
            batch.own[hit] *= 1 + (fault.retries or 0)
        elif strength.added_ms is not None:
            added = strength.added_ms * 1e6 * np.exp(rng.normal(0, 0.25, hit.shape))
            batch.own[hit] += added[hit].astype(np.int64)
        elif strength.factor is not None:
            batch.own[hit] = (batch.own[hit] * strength.factor).astype(np.int64)
        if hit.any():
            batch.hits[active.number] = hit


def time_of_day(share: float) -> int:
    """The nanoseconds into a day before which `share` of its traffic comes."""
    return min(int(float(np.interp(share, _BY_HOUR, np.arange(25.0))) * HOUR), DAY - 1)


def _times(tree: Tree, number: int, slices: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Nanoseconds into the day: a day's curve, or the last minutes of it for what runs at night."""
    if tree.request.is_nightly:
        return (DAY - rng.uniform(0.2, 4, count) * MINUTE).astype(np.int64)
    share = (number + rng.random(count)) / slices
    hour = np.interp(share, _BY_HOUR, np.arange(25.0))
    times = (hour * HOUR).astype(np.int64)
    if number == slices - 1 and tree.request.weight >= _FREQUENT:
        times = np.concatenate([times, DAY - rng.integers(3_000_000, 60_000_000, 1)])
    return np.sort(times).clip(max=DAY - 1)


def _called(tree: Tree, n: int, rng: np.random.Generator) -> np.ndarray:
    called = np.ones((n, len(tree.nodes)), dtype=bool)
    for place, node in enumerate(tree.nodes):
        if node.parent >= 0:
            called[:, place] = called[:, node.parent]
        if node.operation.chance < 1:
            called[:, place] &= rng.random(n) < node.operation.chance
    return called


def _own_work(tree: Tree, n: int, rng: np.random.Generator) -> np.ndarray:
    medians = np.array([node.operation.own_ms for node in tree.nodes])
    spread = np.array([0.45 if node.operation.kind == CLIENT else 0.3 for node in tree.nodes])
    own: np.ndarray = (medians * 1e6 * np.exp(rng.normal(0, 1, (n, len(medians))) * spread)).astype(np.int64)
    return own


def _climb(batch: Batch, rng: np.random.Generator) -> None:
    """Errors reach the caller, usually."""
    batch.origin *= batch.called
    failed = batch.origin > 0
    climbs = rng.random(failed.shape) < _CLIMBS
    for place in range(len(batch.tree.nodes) - 1, 0, -1):
        failed[:, batch.tree.nodes[place].parent] |= failed[:, place] & climbs[:, place]
    batch.failed = failed


def _lay_out(batch: Batch) -> None:
    """Durations from the leaves up, then starts from the root down; children one after the other, work between them."""
    nodes = batch.tree.nodes
    batch.own *= batch.called
    durations = batch.own.copy()
    for place in range(len(nodes) - 1, 0, -1):
        durations[:, nodes[place].parent] += durations[:, place]
    starts = np.zeros_like(durations)
    starts[:, 0] = batch.begun
    children = np.bincount([node.parent for node in nodes[1:]], minlength=len(nodes))
    cursor = np.zeros_like(durations)
    for place, node in enumerate(nodes):
        if place:
            starts[:, place] = cursor[:, node.parent]
            pause = batch.own[:, node.parent] // (children[node.parent] + 1)
            cursor[:, node.parent] += durations[:, place] + pause
        cursor[:, place] = starts[:, place] + batch.own[:, place] // (children[place] + 1)
    batch.durations, batch.starts = durations, starts
