"""What the simulation did, for tests and for anybody who wants to know whether the product finds it: truth.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson


@dataclass
class FaultTruth:
    """One planted problem and whom it touched."""

    name: str
    kind: str
    service: str
    operation: str | None
    dependency: str | None
    service_version: str | None
    feature_flag: str | None
    feature_variant: str | None
    plan: str | None  # the only one whose accounts meet it
    template: str | None
    theme: list[str]
    started_at: str
    ended_at: str | None  # null: ongoing
    status: str  # ongoing | resolved
    deployment_id: str | None
    initiative: str | None
    fix_deployment_id: str | None
    is_fix_effective: bool | None
    incident_id: str | None = None
    issue_id: str | None = None  # with which something was decided about it
    pull_request_id: str | None = None  # the change that was deployed with the fault in it
    journeys: dict[str, float] = field(default_factory=dict)  # whose outcomes it makes worse: successes to be missed
    requests_affected: int = 0
    accounts_affected: int = 0
    tickets: int = 0
    ticket_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CanaryTruth:
    """One planted value and exactly where it is."""

    value: str
    type: str
    signal: str
    field: str
    file: str
    record: str  # trace id/span id, ticket id, event id, deployment id, incident id
    event_date: str
    is_structured: bool = True  # false: a name in free text, which has no form of its own


@dataclass(frozen=True)
class PoisonTruth:
    """One bad record, or one malformed line."""

    signal: str
    reason: str
    file: str
    record: str  # its id, or `line <n>`
    is_malformed: bool = False


@dataclass
class FileTruth:
    """One file: how many records it holds (malformed lines are not records) and on how many lines."""

    signal: str
    records: int
    lines: int


@dataclass
class Truth:
    """Everything a run of the simulation knows about what it wrote."""

    scenario: str
    seed: int
    first_day: str
    last_day: str
    days: int
    scale: float
    faults: list[FaultTruth] = field(default_factory=list)
    canaries: list[CanaryTruth] = field(default_factory=list)
    poison: list[PoisonTruth] = field(default_factory=list)
    noise_templates: list[str] = field(default_factory=list)
    files: dict[str, FileTruth] = field(default_factory=dict)
    days_of: dict[str, dict[str, int]] = field(default_factory=dict)  # signal -> day -> records

    def count(self, signal: str, day: str, records: int = 1) -> None:
        """Count records of a signal on the UTC day of their own version time."""
        days = self.days_of.setdefault(signal, {})
        days[day] = days.get(day, 0) + records

    def file(self, name: str, signal: str, *, rows: int, lines: int) -> None:
        """Note a file that has been written."""
        self.files[name] = FileTruth(signal, rows, lines)

    @property
    def totals(self) -> dict[str, int]:
        """Records per signal."""
        return {signal: sum(days.values()) for signal, days in sorted(self.days_of.items())}

    def write(self, path: Path) -> None:
        """Write it all as truth.json."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {**asdict(self), "totals": self.totals}
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
