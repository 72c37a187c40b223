"""Spans and log records of a batch of requests, as the OpenTelemetry protocol's JSON says them.

One `Entry` per record: when it was exported, which service and version it came from, and the record itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

import numpy as np

from orchestration.simulation.accounts import Accounts
from orchestration.simulation.calendar import DAY, MINUTE, Window
from orchestration.simulation.company import CHATTER, CLIENT, CONSUMER, SERVER, Node
from orchestration.simulation.faults import Message
from orchestration.simulation.rollouts import Versions
from orchestration.simulation.scenario import Noise, Scenario
from orchestration.simulation.traffic import Active, Batch

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Record: TypeAlias = dict[str, Json]

SEVERITIES: Mapping[str, int] = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
_OK_STATUS, _ERROR_STATUS = "200", "500"
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/139.0", "Mozilla/5.0 (Macintosh) Safari/605.1.15",
    "ShopApp/4.2 (iOS 19.1)",
)  # fmt: skip


@dataclass
class Entry:
    """A span or log record on its way out."""

    at_ns: int
    service: str
    version: str
    record: Record


def attribute(key: str, value: str) -> Record:
    """A text attribute."""
    return {"key": key, "value": {"stringValue": value}}


def number(key: str, value: int) -> Record:
    """An integer attribute; the protocol writes 64-bit integers as text."""
    return {"key": key, "value": {"intValue": str(value)}}


@dataclass
class Dice:
    """Cheap random numbers, drawn in bulk."""

    rng: np.random.Generator
    _floats: Iterator[float] = field(default_factory=lambda: iter(()))
    _ints: Iterator[int] = field(default_factory=lambda: iter(()))

    def chance(self) -> float:
        """0 to 1."""
        for value in self._floats:
            return value
        self._floats = iter(self.rng.random(4096).tolist())
        return next(self._floats)

    def integer(self) -> int:
        """0 to 2^40 - 1."""
        for value in self._ints:
            return value
        self._ints = iter(self.rng.integers(0, 1 << 40, 4096).tolist())
        return next(self._ints)

    def ids(self, count: int, size: int) -> list[str]:
        """`count` hex ids of `size` bytes."""
        text = self.rng.bytes(count * size).hex()
        return [text[i : i + 2 * size] for i in range(0, len(text), 2 * size)]


def fill(template: str, value: int, **names: str) -> str:
    """A template with its placeholders filled from one random integer and what is known of the request."""
    if "{" not in template:
        return template
    return template.format(
        id=f"{value & 0xFFFFFFFF:08x}",
        number=1 + value % 97,
        ms=3 + value % 4000,
        order=f"ORD-{100_000 + value % 900_000}",
        sku=f"SKU-{1000 + value % 9000}",
        **{"account": "none", "operation": "none", "dependency": "none", "version": "none", "service": "none", **names},
    )


@cache
def _static(node: Node) -> tuple[Record, ...]:
    operation = node.operation
    if operation.dependency is None:
        return ()
    system = operation.system
    attributes = [attribute("peer.service", operation.dependency)]
    if system in ("http", "s3", "smtp"):
        attributes.append(attribute("server.address", f"{operation.dependency}.example.net"))
    elif system:
        attributes.append(attribute("db.system.name", system))
    return tuple(attributes)


def tries(last: Entry, retries: int, dice: Dice) -> Iterator[Entry]:
    """A call that was tried again and again: a span per try, one after the other; the last one keeps its id."""
    start, end = (int(str(last.record[f"{edge}TimeUnixNano"])) for edge in ("start", "end"))
    edges = np.linspace(start, end, retries + 2).astype(np.int64).tolist()
    span_ids = [*dice.ids(retries, 8), str(last.record["spanId"])]
    for span_id, begun, ended in zip(span_ids, edges, edges[1:], strict=False):
        times: Record = {"startTimeUnixNano": str(begun), "endTimeUnixNano": str(ended)}
        yield Entry(ended, last.service, last.version, {**last.record, **times, "spanId": span_id})


@dataclass(frozen=True)
class Narrator:
    """Tells what happened in a batch of requests: its spans and what the services logged."""

    scenario: Scenario
    window: Window
    accounts: Accounts
    versions: Mapping[str, Versions]
    faults: Mapping[int, Active]

    def tell(self, batch: Batch, dice: Dice) -> tuple[list[Entry], list[Entry]]:
        """The spans and log records of a batch."""
        spans: list[Entry] = []
        logs: list[Entry] = []
        n, m = batch.called.shape
        trace_ids, span_ids = dice.ids(n, 16), dice.ids(n * m, 8)
        columns = [
            values.tolist()
            for values in (batch.accounts, batch.called, batch.starts, batch.durations, batch.failed, batch.origin)
        ]
        versions = {s: [self.versions[s].names[i] for i in v.tolist()] for s, v in batch.versions.items()}
        marks = self._log_marks(batch)
        for row, (account, called, starts, durations, failed, origin) in enumerate(zip(*columns, strict=True)):
            trace = _Trace(
                self,
                trace_ids[row],
                span_ids[row * m : (row + 1) * m],
                account,
                starts,
                durations,
                failed,
                origin,
                dice,
            )
            for place, node in enumerate(batch.tree.nodes):
                if not called[place]:
                    continue
                version = versions[node.operation.service][row]
                spans.append(trace.span(place, node, version))
                if origin[place] >= 2 and (retries := self.faults[origin[place] - 2].fault.retries):
                    spans.extend(tries(spans.pop(), retries, dice))
                logs.extend(trace.logs(place, node, version, marks.get((row, place), ())))
        return spans, logs

    def alone(self, day: int, scale: float, dice: Dice) -> Iterator[Entry]:
        """Log records of a day that belong to no request: noise that comes by itself."""
        start = self.window.start_ns + day * DAY
        for noise in self.scenario.noise:
            if noise.per_day is None:
                continue
            for _ in range(int(dice.rng.poisson(noise.per_day * scale))):
                at = start + int(dice.chance() * (DAY - MINUTE))
                version = self.version_at(noise.service, at)
                body = fill(noise.template, dice.integer(), service=noise.service, version=version)
                yield Entry(at, noise.service, version, _log(at, noise.severity, body))

    def version_at(self, service: str, at: int) -> str:
        """The version most of a service's requests meet at a time."""
        versions = self.versions[service]
        return versions.names[int(versions.serving(np.array([at]), np.array([0.9999]))[0])]

    def noise_of(self, service: str) -> list[Noise]:
        return [noise for noise in self.scenario.noise if noise.service == service and noise.per_request]

    def flags_of(self, service: str) -> list[str]:
        return [flag.key for flag in self.scenario.flags if flag.service == service]

    def _log_marks(self, batch: Batch) -> dict[tuple[int, int], tuple[Active, ...]]:
        """Where faults that have a log line of their own hit: (row, place) -> faults."""
        marks: dict[tuple[int, int], tuple[Active, ...]] = {}
        for fault_number, hit in batch.hits.items():
            if self.faults[fault_number].fault.log is not None:
                for row, place in np.argwhere(hit).tolist():
                    marks[row, place] = (*marks.get((row, place), ()), self.faults[fault_number])
        return marks


@dataclass
class _Trace:
    narrator: Narrator
    trace_id: str
    span_ids: list[str]
    account: int
    starts: list[int]
    durations: list[int]
    failed: list[bool]
    origin: list[int]
    dice: Dice

    def span(self, place: int, node: Node, version: str) -> Entry:
        operation = node.operation
        attributes: list[Json] = [*_static(node)]
        if place == 0:
            attributes += self._of_the_request(operation.name, is_web=operation.kind == SERVER)
        for key in self.narrator.flags_of(operation.service):
            variant = self.narrator.accounts.variants[operation.service, key][self.account]
            attributes += [attribute("feature_flag.key", key), attribute("feature_flag.result.variant", variant)]
        end = self.starts[place] + self.durations[place]
        record: Record = {
            "traceId": self.trace_id,
            "spanId": self.span_ids[place],
            "name": operation.name,
            "kind": operation.kind,
            "startTimeUnixNano": str(self.starts[place]),
            "endTimeUnixNano": str(end),
            "attributes": attributes,
            "status": {"code": 2, "message": self._why(place, node)} if self.failed[place] else {},
        }
        if place:
            record["parentSpanId"] = self.span_ids[node.parent]
        return Entry(end, operation.service, version, record)

    def logs(self, place: int, node: Node, version: str, hit_by: tuple[Active, ...]) -> Iterator[Entry]:
        operation, dice = node.operation, self.dice
        end = self.starts[place] + self.durations[place]
        told = {"account": self.narrator.accounts.ids[self.account], "service": operation.service, "version": version,
                "operation": operation.name, "dependency": operation.dependency or "none"}  # fmt: skip

        def say(at: int, message: Message | tuple[str, str]) -> Entry:
            severity, text = (message.severity, message.template) if isinstance(message, Message) else message
            log = _log(at, severity, fill(text, dice.integer(), **told))
            log |= {"traceId": self.trace_id, "spanId": self.span_ids[place]}
            if place == 0 or SEVERITIES[severity] >= SEVERITIES["ERROR"]:
                log["attributes"] = [attribute("enduser.id", told["account"])]
            return Entry(at, operation.service, version, log)

        for active in hit_by:
            if active.fault.log:
                yield say(end, active.fault.log)
        if self.origin[place] == 1:
            yield say(end, ("ERROR", "{operation} failed: unexpected answer, request {id}"))
        if operation.kind not in (SERVER, CONSUMER):
            return
        if place == 0:
            outcome = ("WARN", _ERROR_STATUS) if self.failed[0] else ("INFO", _OK_STATUS)
            yield say(end, (outcome[0], "{operation} answered " + outcome[1] + " in " + _ms(self.durations[0]) + " ms"))
        else:
            done = ("INFO", "{operation} done in " + _ms(self.durations[place]) + " ms")
            yield say(end, ("WARN", "{operation} gave up, request {id}") if self.failed[place] else done)
        inside = self.starts[place] + self.durations[place] // 3
        for severity, text, chance in CHATTER[operation.service]:
            if dice.chance() < chance:
                yield say(inside, (severity, text))
        for noise in self.narrator.noise_of(operation.service):
            if dice.chance() < (noise.per_request or 0):
                yield say(inside, noise)

    def _of_the_request(self, name: str, *, is_web: bool) -> list[Json]:
        accounts = self.narrator.accounts
        who: list[Json] = [
            attribute("enduser.id", accounts.ids[self.account]),
            attribute("app.account.plan", accounts.plans[self.account]),
        ]
        if not is_web:
            return who
        method, _, route = name.partition(" ")
        return [
            *who,
            attribute("http.request.method", method),
            attribute("http.route", route),
            number("http.response.status_code", 500 if self.failed[0] else 200),
            attribute("client.address", accounts.addresses[self.account]),
            attribute("user_agent.original", _AGENTS[self.account % len(_AGENTS)]),
        ]

    def _why(self, place: int, node: Node) -> str:
        source = self.origin[place]
        if source >= 2:
            fault = self.narrator.faults[source - 2].fault
            return fault.message or (
                f"{node.operation.dependency} did not answer" if node.operation.kind == CLIENT else "failed"
            )
        return "unexpected answer" if source else "a call failed"


def _log(at: int, severity: str, body: str) -> Record:
    return {
        "timeUnixNano": str(at),
        "observedTimeUnixNano": str(at + 150_000),
        "severityNumber": SEVERITIES[severity],
        "severityText": severity,
        "body": {"stringValue": body},
    }


def _ms(duration_ns: int) -> str:
    return str(duration_ns // 1_000_000)
