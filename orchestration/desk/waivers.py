"""Waivers and requests for them, each with what has become of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from governance.audit import Recorded
from governance.quality.rulings import REVOKE, WAIVE, standing_decisions

REQUEST = "waiver_request"
IN_FORCE, WAITS, EXPIRED, REVOKED = "in force", "waits for approval", "expired", "revoked"


@dataclass(frozen=True)
class Told:
    """A waiver, or a request that nobody has approved.

    Attributes:
        first, last: the days of feedback it is about.
        expires: the first day on which it is not in force any more.
        approved_by: empty: nobody yet.
        state: IN_FORCE, WAITS, EXPIRED or REVOKED.
    """

    number: int
    dataset: str
    expectation: str
    first: str
    last: str
    expires: date
    asked_by: str
    approved_by: str
    why: str
    state: str


def waivers(entries: Iterable[Recorded], now: datetime) -> list[Told]:
    """All of them, the newest first; a request that was approved is its waiver.

    Args:
        entries: of the decision record, those of kinds `waiver_request`, `waive` and `revoke` at least.
    """
    known = [one for one in entries if one.decision.kind in (REQUEST, WAIVE, REVOKE)]
    standing = {one.number for one in standing_decisions(known)}
    granted = {int(str(one.decision.what["request"])) for one in known if one.decision.kind == WAIVE}
    found = []
    for one in reversed(known):
        what, is_granted = one.decision.what, one.decision.kind == WAIVE
        if one.decision.kind == REVOKE or (not is_granted and one.number in granted):
            continue
        expires = datetime.fromisoformat(str(what["expires"]))
        state = EXPIRED if expires <= now else IN_FORCE if is_granted else WAITS
        state = state if one.number in standing else REVOKED
        found.append(
            Told(
                one.number,
                str(what["dataset"]),
                str(what["expectation"]),
                str(what["first"]),
                str(what["last"]),
                expires.date(),
                asked_by=str(what["asked_by"]) if is_granted else one.decision.who,
                approved_by=one.decision.who if is_granted else "",
                why=one.decision.why,
                state=state,
            )
        )
    return found
