"""Decisions of stewards: checked against what is there, then recorded. The next run does what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from fnmatch import fnmatchcase
from functools import partial

import polars as pl

from governance.access import load_access
from governance.audit import JSON, Decision, DecisionRecord, Recorded
from governance.errors import UsageError, one_of
from governance.quality import FEW_QUARANTINED, NEVER_WAIVED, load_suite
from governance.quality.rulings import DISCARD, RELEASE, REVOKE, WAIVE, ids_of, standing_decisions
from governance.sign_offs import SIGN_OFF, assets_to_sign, check_signer, signed_states
from governance.sources import load_sources
from governance.stewards import StewardsPolicy
from orchestration.desk.quarantine import final_expectations, quarantined_rows
from orchestration.desk.waivers import REQUEST
from orchestration.lake import Lake
from orchestration.ledger import ledger
from orchestration.signing import WAITING

REPLAY = "replay"
_WAITING = ("held", "quarantined", "withheld")
_IDS_IN_ONE = 2_000  # an entry stays small enough to be read


@dataclass(frozen=True)
class Ruling:
    """Who decides, why and when."""

    who: str
    why: str
    at: datetime


@dataclass(frozen=True)
class Desk:
    """What a decision is checked against, and where it is recorded."""

    lake: Lake
    record: DecisionRecord
    stewards: StewardsPolicy

    def rule_on_rows(
        self, kind: str, dataset: str, day: str, ruling: Ruling, *, expectation: str = "", records: Sequence[str] = ()
    ) -> int:
        """Release or discard rows in quarantine; returns how many.

        Args:
            kind: RELEASE or DISCARD.
            expectation: all rows of the day that failed it; with neither this nor `records`: all of the day.
            records: their record ids.

        Raises:
            UsageError: who decides may not, rows are not there or were ruled on before, or one cannot be released.
        """
        self.stewards.check_may(ruling.who, kind, dataset)
        chosen = _chosen(quarantined_rows(self.lake, dataset, day, expectation), records, dataset, day)
        if kind == RELEASE:
            _check_releasable(chosen, dataset, day)
        about, ids = (
            {"dataset": dataset, "day": day, "expectation": expectation or "any"},
            chosen["record_id"].to_list(),
        )
        several = [{**about, "records": ids[at : at + _IDS_IN_ONE]} for at in range(0, len(ids), _IDS_IN_ONE)]
        self._append_all(kind, ruling, several, partial(_check_unruled, dataset, day, ids))
        return chosen.height

    def ask_for_waiver(
        self, dataset: str, expectation: str, days: tuple[date, date], expires: date, ruling: Ruling
    ) -> Recorded:
        """Ask that a failure withhold nothing for a while; in force once somebody else approves it.

        Args:
            dataset: `<source>/<signal>` or a pattern with *.
            days: first and last day of feedback that it is about.
            expires: the first day on which it is not in force any more (UTC).

        Raises:
            UsageError: the dataset, the expectation or the days do not exist, or it would last too long.
        """
        self.stewards.check_may(ruling.who, REQUEST, dataset)
        _check_waivable(dataset, expectation)
        first, last = days
        if last < first:
            raise UsageError(f"waiver: the last day {last} lies before the first, {first}")
        self.stewards.check_expiry(ruling.at.date(), expires)
        ends = datetime.combine(expires, time.min, UTC).isoformat()
        what = {"dataset": dataset, "expectation": expectation, "first": str(first), "last": str(last), "expires": ends}
        return self._append(REQUEST, ruling, what)

    def approve_waiver(self, number: int, ruling: Ruling) -> Recorded:
        """Let a waiver that was asked for come into force.

        Raises:
            UsageError: there is no such request, it is over or decided, or who approves may not.
        """
        asked = self._of_kind(number, REQUEST, "waiver request")
        what = asked.decision.what
        self.stewards.check_may(ruling.who, WAIVE, str(what["dataset"]))
        self.stewards.check_approval(ruling.who, asked.decision.who)
        if datetime.fromisoformat(str(what["expires"])) <= ruling.at:
            raise UsageError(
                f"waiver request {number}: it would have expired {str(what['expires'])[:10]}; ask for another"
            )

        def check(known: Sequence[Recorded]) -> None:
            _check_standing(number, known)
            for one in standing_decisions(known):
                if one.decision.kind == WAIVE and one.decision.what["request"] == number:
                    raise UsageError(f"waiver request {number}: {one.decision.who} approved it (decision {one.number})")

        granted = {**what, "request": number, "asked_by": asked.decision.who}
        return self._append(WAIVE, ruling, granted, check)

    def sign_off(self, asset: str, ruling: Ruling, state: str = "") -> Recorded:
        """Sign off the rows of an asset that wait: its next publication has them.

        Args:
            asset: `marts/<model>`.
            state: of these rows and no others, as `feedback sign-off list` names them; empty: whatever waits.

        Raises:
            UsageError: the asset needs no sign-off, nothing (or something else) waits, or who signs may not.
        """
        assets = assets_to_sign(self.stewards, load_access())
        if asset not in assets:
            raise UsageError(f"{asset} needs no sign-off (policies/stewards.yml); {one_of(asset, assets)}")
        waits = self.lake.manifest(f"{WAITING}/{asset}")
        if waits is None:
            raise UsageError(f"{asset}: nothing waits for sign-off; `feedback sign-off list` says what does")
        facts = waits.facts
        if state and not facts["state"].startswith(state):
            raise UsageError(f"{asset}: state {state} does not wait any more, {facts['state']} does; look at it again")
        self.stewards.check_may(ruling.who, SIGN_OFF, facts["dataset"])

        def check(known: Sequence[Recorded]) -> None:
            if again := signed_states(known).get(asset, {}).get(facts["state"]):
                raise UsageError(f"{asset}: {again.decision.who} signed it (decision {again.number})")
            check_signer(self.stewards, ruling.who, asset, known)

        what: dict[str, JSON] = {"asset": asset, "dataset": facts["dataset"], "state": facts["state"]}
        return self._append(SIGN_OFF, ruling, {**what, "rows": waits.rows("rows")}, check)

    def replay(self, ruling: Ruling) -> dict[str, int]:
        """Record that what waits is put through today's policies again; returns what waits, see `waiting_counts`.

        Raises:
            UsageError: who asks for it may not, or gives no reason.
        """
        self.stewards.check_may(ruling.who, REPLAY, "*")
        before = self.waiting_counts()
        self._append(REPLAY, ruling, {f"{name}_before": count for name, count in before.items()})
        return before

    def waiting_counts(self) -> dict[str, int]:
        """Records that are held, in quarantine and of days that are withheld."""
        totals = ledger(self.lake).select(_WAITING).sum().row(0, named=True)
        return {name: int(totals[name] or 0) for name in _WAITING}

    def revoke(self, number: int, ruling: Ruling, kind: str = "") -> Recorded:
        """Take a release, discard, waiver, request or sign-off back: the next run judges and publishes without it.

        Args:
            kind: what it must be; empty: any that can be taken back.

        Raises:
            UsageError: there is no such decision, it was revoked, or who revokes may not.
        """
        kinds = (kind,) if kind else (RELEASE, DISCARD, WAIVE, REQUEST, SIGN_OFF)
        revoked = self._of_kind(number, kinds, "decision to take back")
        self.stewards.check_may(ruling.who, REVOKE, str(revoked.decision.what["dataset"]))
        what: dict[str, JSON] = {
            "decision": number,
            "kind": revoked.decision.kind,
            "dataset": revoked.decision.what["dataset"],
        }
        return self._append(REVOKE, ruling, what, partial(_check_standing, number))

    def _append(
        self,
        kind: str,
        ruling: Ruling,
        what: Mapping[str, JSON],
        check: Callable[[Sequence[Recorded]], None] | None = None,
    ) -> Recorded:
        return self._append_all(kind, ruling, [what], check)[0]

    def _append_all(
        self,
        kind: str,
        ruling: Ruling,
        several: Sequence[Mapping[str, JSON]],
        check: Callable[[Sequence[Recorded]], None] | None = None,
    ) -> list[Recorded]:
        """All of it or, where it is refused, nothing."""
        if not ruling.why.strip():
            raise UsageError(f"{kind}: a decision needs a reason; give --why")
        decisions = [Decision(kind, ruling.who, ruling.why.strip(), ruling.at, what) for what in several]
        return self.record.append_all(decisions, check)

    def _of_kind(self, number: int, kinds: str | tuple[str, ...], called: str) -> Recorded:
        for recorded in self.record.entries():
            if recorded.number == number and recorded.decision.kind in (
                kinds if isinstance(kinds, tuple) else (kinds,)
            ):
                return recorded
        raise UsageError(f"{number}: no such {called}; `feedback audit list` has all decisions")


def _chosen(rows: pl.DataFrame, records: Sequence[str], dataset: str, day: str) -> pl.DataFrame:
    if not records:
        if rows.is_empty():
            raise UsageError(f"{dataset} {day}: nothing is in quarantine")
        return rows
    chosen = rows.filter(pl.col("record_id").is_in(list(records)))
    if missing := sorted(set(records) - set(chosen["record_id"])):
        raise UsageError(
            f"{dataset} {day}: {len(missing)} of these records are not in quarantine, {missing[0]} for one;"
            f" `feedback quarantine show {dataset} {day}` has those that are"
        )
    return chosen


def _check_releasable(rows: pl.DataFrame, dataset: str, day: str) -> None:
    suite = load_suite(dataset)
    failed = rows["expectations"].explode().unique().to_list()
    if final := sorted(final_expectations(suite, failed)):
        count = rows.filter(pl.col("expectations").list.set_intersection(final).list.len() > 0).height
        raise UsageError(
            f"{dataset} {day}: {count} of the rows failed {', '.join(final)}, which nobody can release a row from;"
            " discard them, or correct the source and pull again"
        )


def _check_unruled(dataset: str, day: str, ids: Sequence[str], known: Sequence[Recorded]) -> None:
    for one in standing_decisions(known):
        kind, what = one.decision.kind, one.decision.what
        is_of_day = kind in (RELEASE, DISCARD) and (what["dataset"], what["day"]) == (dataset, day)
        if is_of_day and (again := set(ids_of(one)).intersection(ids)):
            raise UsageError(
                f"{dataset} {day}: decision {one.number} of {one.decision.who} is a {kind} of {len(again)} of these"
                f" rows; take it back first with `feedback quarantine revoke {one.number}`"
            )


def _check_standing(number: int, known: Sequence[Recorded]) -> None:
    for one in known:
        if one.decision.kind == REVOKE and one.decision.what["decision"] == number:
            raise UsageError(f"decision {number}: {one.decision.who} took it back (decision {one.number})")


def _check_waivable(dataset: str, expectation: str) -> None:
    datasets = [f"{source.name}/{signal}" for source in load_sources().values() for signal in source.signals]
    covered = [name for name in datasets if fnmatchcase(name, dataset)]
    if not covered:
        raise UsageError(f"waiver: no source has the dataset {dataset}; {one_of(dataset, datasets)}")
    if expectation in NEVER_WAIVED:
        raise UsageError(f"waiver: {expectation} is never waived; find the cause, and anonymise the day again")
    allowed = {FEW_QUARANTINED, *(name for one in covered for name in _blocking(one))}
    if expectation not in allowed:
        raise UsageError(f"waiver: {expectation} withholds no day of {dataset}; {one_of(expectation, allowed)}")


def _blocking(dataset: str) -> Iterator[str]:
    return (one.name for one in load_suite(dataset).expectations if one.blocking)
