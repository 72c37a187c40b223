"""Bad records for one day, beside the good ones, which stay byte for byte what they are without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from orchestration.simulation.calendar import DAY, SECOND, iso
from orchestration.simulation.files import Lines
from orchestration.simulation.telemetry import Entry, Record
from orchestration.simulation.truth import PoisonTruth, Truth

_TRUNCATED: Mapping[str, bytes] = {
    "spans": b'{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringVal',
    "logs": b'{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringVal',
}


def _missing_service(entry: Entry) -> None:
    entry.service = ""


def _unknown_status(entry: Entry) -> None:
    entry.record["status"] = {"code": 9}


def _empty_operation(entry: Entry) -> None:
    entry.record["name"] = ""


def _absurd_duration(entry: Entry) -> None:
    entry.record["endTimeUnixNano"] = str(int(str(entry.record["startTimeUnixNano"])) + 40 * DAY)


def _absurd_severity(entry: Entry) -> None:
    entry.record["severityNumber"] = 99


_WAYS: Mapping[str, Sequence[Callable[[Entry], None]]] = {
    "spans": (_missing_service, _unknown_status, _empty_operation, _absurd_duration),
    "logs": (_missing_service, _absurd_severity),
}
_TICKET_WAYS = ("created_after_updated", "unknown_status")


@dataclass
class Poisoner:
    """Makes bad copies of good records under ids of their own."""

    end_ns: int  # of the day: only records of its own are copied
    share: float
    truth: Truth
    rng: np.random.Generator
    tickets: int = 0

    def spoil(self, entries: list[Entry], lines: Lines, file: str) -> list[Entry]:
        """Append bad copies of a share of the entries, and one line cut off; the copies."""
        own = [entry for entry in entries if entry.at_ns < self.end_ns]
        count = max(1, round(self.share * len(own))) if own else 0
        bad = [self._spoilt(own[i], lines.signal, file) for i in self.rng.integers(0, max(1, len(own)), count)]
        lines.write(bad)
        cut = lines.write_raw(_TRUNCATED[lines.signal])
        self.truth.poison.append(PoisonTruth(lines.signal, "truncated_line", file, f"line {cut}", True))
        return bad

    def spoil_ticket(self, row: Record, at_ns: int, file: str) -> Record | None:
        """A bad copy of a ticket version, for a share of them."""
        if self.tickets and self.rng.random() >= self.share:
            return None
        way = _TICKET_WAYS[self.tickets % len(_TICKET_WAYS)]
        self.tickets += 1
        bad: Record = {**row, "id": 90_000_000 + self.tickets}
        if way == "created_after_updated":
            bad["created_at"] = iso(at_ns + 3 * DAY + self.tickets * SECOND)
        else:
            bad["status"] = "exploded"
        self.truth.poison.append(PoisonTruth("tickets", way, file, str(bad["id"])))
        return bad

    def _spoilt(self, entry: Entry, signal: str, file: str) -> Entry:
        bad = Entry(entry.at_ns, entry.service, entry.version, orjson.loads(orjson.dumps(entry.record)))
        bad.record |= {"traceId": self.rng.bytes(16).hex(), "spanId": self.rng.bytes(8).hex()}
        way = _WAYS[signal][int(self.rng.integers(len(_WAYS[signal])))]
        way(bad)
        record = f"{bad.record['traceId']}/{bad.record['spanId']}"
        self.truth.poison.append(PoisonTruth(signal, way.__name__.removeprefix("_"), file, record))
        return bad
