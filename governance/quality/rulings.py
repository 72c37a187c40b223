"""What stewards have decided about rows and failures, as the gate takes it into account.

The decision record alone says it. The gate asks whenever it judges, so that a rerun undoes no decision, and a row is
let in once however often it is released.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase

import polars as pl

from governance.audit import Recorded
from governance.signals import TIMESTAMP

WAIVERS_SCHEMA = pl.Schema(
    {
        "waiver": pl.Int64(),
        "dataset": pl.String(),
        "expectation": pl.String(),
        "first_date": pl.Date(),
        "last_date": pl.Date(),
        "expires_at": TIMESTAMP,
        "asked_by": pl.String(),
        "approved_by": pl.String(),
        "reason": pl.String(),
    }
)
RELEASE, DISCARD, WAIVE, REVOKE = "release", "discard", "waive", "revoke"
RULING_KINDS = (RELEASE, DISCARD, WAIVE, REVOKE)


@dataclass(frozen=True)
class Waiver:
    """A failure that does not withhold its day for a while.

    Attributes:
        number: its place in the decision record.
        dataset: `<source>/<signal>`, or a pattern with *.
        expectation: which one may fail.
        first, last: the days of feedback it is about.
        expires: from then on the failure withholds again.
        asked_by, approved_by: who wanted it, and who let it pass.
        why: the reason, as it was given.
    """

    number: int
    dataset: str
    expectation: str
    first: date
    last: date
    expires: datetime
    asked_by: str
    approved_by: str
    why: str

    @classmethod
    def of(cls, recorded: Recorded) -> Waiver:
        """The waiver that a `waive` decision grants."""
        what = recorded.decision.what
        return cls(
            recorded.number,
            str(what["dataset"]),
            str(what["expectation"]),
            date.fromisoformat(str(what["first"])),
            date.fromisoformat(str(what["last"])),
            datetime.fromisoformat(str(what["expires"])),
            str(what["asked_by"]),
            recorded.decision.who,
            recorded.decision.why,
        )

    def covers(self, dataset: str, day: str) -> bool:
        """Whether a day (ISO) of a dataset is one that it is about."""
        return fnmatchcase(dataset, self.dataset) and self.first <= date.fromisoformat(day) <= self.last


@dataclass(frozen=True)
class DayRulings:
    """What is decided about one day of a dataset.

    Attributes:
        released: ids of records that are let in though they failed.
        discarded: ids of records that never will be.
        waived: expectations whose failure does not withhold the day, with the number of the waiver.
    """

    released: frozenset[str] = frozenset()
    discarded: frozenset[str] = frozenset()
    waived: Mapping[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Hash of the decisions; empty: none."""
        if not (self.released or self.discarded or self.waived):
            return ""
        said = [sorted(self.released), sorted(self.discarded), sorted(self.waived.items())]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


class Rulings:
    """The decisions that are in force at a time."""

    def __init__(self, decisions: Iterable[Recorded] = (), as_of: datetime | None = None) -> None:
        standing = standing_decisions(decisions)
        self._rows: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for recorded in standing:
            kind, what = recorded.decision.kind, recorded.decision.what
            if kind in (RELEASE, DISCARD):
                self._rows[kind, str(what["dataset"]), str(what["day"])].update(ids_of(recorded))
        granted = [Waiver.of(recorded) for recorded in standing if recorded.decision.kind == WAIVE]
        self.waivers = tuple(one for one in granted if as_of is None or as_of < one.expires)

    @property
    def digest(self) -> str:
        """Hash of all of them; empty: none."""
        places = sorted({(dataset, day) for _, dataset, day in self._rows})
        said = [*(self.of(*place).digest for place in places), *(str(one.number) for one in self.waivers)]
        return hashlib.sha256("\x00".join(said).encode()).hexdigest()[:16] if said else ""

    def waivers_frame(self) -> pl.DataFrame:
        """One row per waiver in force (WAIVERS_SCHEMA)."""
        rows = [
            (w.number, w.dataset, w.expectation, w.first, w.last, w.expires, w.asked_by, w.approved_by, w.why)
            for w in self.waivers
        ]
        return pl.DataFrame(rows, WAIVERS_SCHEMA, orient="row")

    def of(self, dataset: str, day: str) -> DayRulings:
        """What is decided about a day (ISO) of a dataset (`<source>/<signal>`)."""
        waived = {one.expectation: one.number for one in self.waivers if one.covers(dataset, day)}
        released, discarded = (frozenset(self._rows.get((kind, dataset, day), ())) for kind in (RELEASE, DISCARD))
        return DayRulings(released, discarded, waived)


def standing_decisions(decisions: Iterable[Recorded]) -> list[Recorded]:
    """Those that were not revoked, in order."""
    known = {recorded.number: recorded for recorded in decisions}
    for recorded in list(known.values()):
        if recorded.decision.kind == REVOKE:
            known.pop(int(str(recorded.decision.what["decision"])), None)
    return list(known.values())


def ids_of(recorded: Recorded) -> list[str]:
    """The ids of the records that a release or a discard is about."""
    records = recorded.decision.what["records"]
    assert isinstance(records, list | tuple)
    return [str(one) for one in records]
