"""Puts the scenario's canaries into records: personal data and secrets, each at a place truth.json names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from orchestration.simulation.calendar import Window, day_of
from orchestration.simulation.scenario import Canary, Scenario
from orchestration.simulation.secrets import GENERATORS, PERSON
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.telemetry import SEVERITIES, Entry, Record, attribute
from orchestration.simulation.truth import CanaryTruth, Truth

_NAMES_KEPT = 2000


@dataclass(frozen=True)
class Due:
    """One value to plant, from a day on: where it finds no place that day, the next day is tried."""

    canary: Canary
    value: str
    day: int

    @property
    def text(self) -> str:
        return self.canary.text.replace("{value}", self.value)


@dataclass
class Planter:
    """Hands out canaries and notes where each went."""

    truth: Truth
    rng: np.random.Generator
    waiting: list[Due] = field(default_factory=list)
    names_noted: int = 0

    def take(
        self, signal: str, day: int, fits: Callable[[Canary], bool] = lambda _: True, limit: int | None = None
    ) -> list[Due]:
        """The canaries of a signal that are due by `day` and fit, at most `limit`; they no longer wait."""
        taken = [d for d in self.waiting if d.canary.signal == signal and d.day <= day and fits(d.canary)][:limit]
        self.waiting = [due for due in self.waiting if due not in taken]
        return taken

    def among(self, places: Sequence[int], signal: str, days: int) -> dict[int, list[Due]]:
        """The canaries of a signal that are due within so many days, each at one of the places."""
        assigned: dict[int, list[Due]] = {}
        for due in self.take(signal, days) if places else []:
            assigned.setdefault(places[int(self.rng.integers(len(places)))], []).append(due)
        return assigned

    def planted(self, due: Due, file: str, record: str, at_ns: int) -> None:
        """Note where a canary went."""
        canary = due.canary
        self.truth.canaries.append(
            CanaryTruth(
                due.value, canary.type, canary.signal, canary.field, file, record, day_of(at_ns),
                is_structured=canary.type != PERSON,
            )
        )  # fmt: skip

    def named(self, names: Iterable[str], signal: str, field: str, file: str, record: str, at_ns: int) -> None:
        """Note the people a text names, the first ones of a run: their number grows with it."""
        for name in names:
            if self.names_noted < _NAMES_KEPT:
                self.names_noted += 1
                day = day_of(at_ns)
                self.truth.canaries.append(CanaryTruth(name, PERSON, signal, field, file, record, day, False))

    def into_spans(self, spans: list[Entry], day: int, file: str) -> None:
        """Plant what is due into spans, as one more attribute or as the message of an error."""
        for due in self.take("spans", day):
            is_message = due.canary.field == "status_message"
            entry = self._place(due, [s for s in spans if not is_message or s.record["status"]])
            if entry is None:
                continue
            if is_message:
                entry.record["status"] = {"code": 2, "message": due.text}
            else:
                _add_attribute(entry.record, due)
            start = int(str(entry.record["startTimeUnixNano"]))
            self.planted(due, file, f"{entry.record['traceId']}/{entry.record['spanId']}", start)

    def into_logs(self, logs: list[Entry], day: int, file: str) -> None:
        """Plant what is due into logs: a line of its own in a trace that is there, or one more attribute."""
        for due in self.take("logs", day):
            entry = self._place(due, [log for log in logs if "traceId" in log.record])
            if entry is None:
                continue
            if due.canary.field == "body":
                body: Record = {"stringValue": due.text}
                said: Record = {"body": body, "severityNumber": SEVERITIES["INFO"], "severityText": "INFO"}
                logs.append(replace(entry, record={**entry.record, **said}))
            else:
                _add_attribute(entry.record, due)
            self.planted(due, file, f"{entry.record['traceId']}/{entry.record['spanId']}", entry.at_ns)

    def _place(self, due: Due, entries: list[Entry]) -> Entry | None:
        fitting = [entry for entry in entries if due.canary.service in (None, entry.service)]
        if not fitting:
            self.waiting.append(due)
            return None
        return fitting[int(self.rng.integers(len(fitting)))]


def make_planter(scenario: Scenario, window: Window, seed: int, truth: Truth) -> Planter:
    """A planter with every canary of the scenario waiting, spread over the days."""
    rng = stream(seed, Stream.CANARIES)
    planter = Planter(truth, rng)
    for canary in scenario.canaries:
        # None on the last day: one that finds no place must still have a day after it.
        for day in rng.integers(0, max(1, window.days - 1), canary.count).tolist():
            planter.waiting.append(Due(canary, GENERATORS[canary.type](rng), day))
    return planter


def _add_attribute(record: Record, due: Due) -> None:
    attributes = record.get("attributes", [])
    assert isinstance(attributes, list)
    key = due.canary.field.removeprefix("attribute:")
    record["attributes"] = [*attributes, attribute(key, due.text)]
