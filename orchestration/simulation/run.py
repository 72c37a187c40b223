"""Runs a scenario day by day and writes what the company's systems would have written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from governance.errors import UsageError
from orchestration.simulation.accounts import make_accounts
from orchestration.simulation.calendar import DAY, MINUTE, Window, day_of, iso
from orchestration.simulation.canaries import Planter, make_planter
from orchestration.simulation.changes import write_deployments, write_incidents, write_issues
from orchestration.simulation.code_host import write_changes
from orchestration.simulation.files import Lines
from orchestration.simulation.outcomes import write_outcomes
from orchestration.simulation.poison import Poisoner
from orchestration.simulation.pull_requests import Change, plan_changes
from orchestration.simulation.rollouts import plan_rollouts, versions_of
from orchestration.simulation.scenario import Poison, Scenario
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.support import Complaint, Desk
from orchestration.simulation.surveys import write_surveys
from orchestration.simulation.telemetry import Dice, Entry, Narrator
from orchestration.simulation.topics import TOPICS
from orchestration.simulation.traffic import BY_WEEKDAY, Active, Batch, Traffic, time_of_day
from orchestration.simulation.truth import FaultTruth, Truth

_EARLIEST, _LATEST = date(1971, 1, 1), date(2261, 12, 31)  # nanoseconds in 64 bits, and weeks to spare
_GZIP_EVERY = 3  # every so many days the Collector's file is compressed
_TICKET_IDS_KEPT = 1000
_OWN = re.compile(
    r"otel/(traces|logs)-[0-9-]{10}\.jsonl(\.gz)?|zendesk/(tickets|ticket_events|users)-\d+\.json"
    r"|github/(issues|(deployments|pulls|runs|attempts)-[a-z]+)\.json|pagerduty/incidents-\d+\.json"
    r"|business/outcomes\.csv|surveys/answers\.csv"
)
_QUIET_DAYS = 7  # an account that wrote about a fault does not write about it again so soon


def simulate(
    scenario: Scenario,
    *,
    seed: int,
    end: date,
    days: int,
    scale: float = 1.0,
    out: Path,
    truth_path: Path | None = None,
    poison: Poison | None = None,
) -> Truth:
    """Write `days` whole UTC days up to and including `end` into `out`, and truth.json beside it.

    Same arguments, same bytes. Memory depends on neither `days` nor `scale`. Files a run before left, finished
    or not, are removed first. `poison` takes the place of the scenario's.

    Raises:
        UsageError: `days`, `end`, `scale` or `poison` make no sense, `out` cannot be written to, or it holds files that
            no simulation wrote.
    """
    _check(end, days, scale, poison)
    truth_path = truth_path or out.parent / "truth.json"
    window = Window(end, days)
    truth = Truth(scenario.description, seed, str(window.first), str(window.end), days, scale)
    try:
        _clear(out, truth_path)
        truth.write(truth_path)  # from here on the files in `out` are known to be a simulation's
    except OSError as error:
        raise UsageError(f"{out}: no folder that can be written to ({error.strerror}); choose another") from None
    _Run(scenario, window, seed, scale, out, truth, poison or scenario.poison).write()
    truth.write(truth_path)
    return truth


def _check(end: date, days: int, scale: float, poison: Poison | None) -> None:
    if days < 1:
        raise UsageError(f"days is {days}; expected at least 1")
    if not _EARLIEST <= end <= _LATEST or days > (end - _EARLIEST).days + 1:
        raise UsageError(f"end is {end}, days is {days}; expected days from {_EARLIEST} to {_LATEST}")
    if not 0 < scale < 1e6:
        raise UsageError(f"scale is {scale}; expected more than 0 and less than 1000000")
    if poison and not -days <= poison.day < days:
        raise UsageError(f"poison is on day {poison.day} of {days}; expected 0 to {days - 1}, or -{days} to -1")


def _clear(out: Path, truth_path: Path) -> None:
    """Remove what a simulation before wrote, finished or not; refuse where others' files are."""
    out.mkdir(parents=True, exist_ok=True)
    found = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    foreign = [name for name in found if not (truth_path.is_file() and _OWN.fullmatch(name))]
    if foreign:
        raise UsageError(f"{out}: {len(foreign)} files there were not written by a simulation; choose an empty folder")
    for name in found:
        (out / name).unlink()


@dataclass
class _Reach:
    """Whom a fault has touched so far."""

    truth: FaultTruth
    accounts: set[int] = field(default_factory=set)
    wrote: dict[int, int] = field(default_factory=dict)  # account -> day of its last ticket
    asked: set[int] = field(default_factory=set)  # accounts that have decided today


class _Run:
    def __init__(
        self,
        scenario: Scenario,
        window: Window,
        seed: int,
        scale: float,
        out: Path,
        truth: Truth,
        poison: Poison | None,
    ) -> None:
        self._scenario, self._window, self._seed, self._scale = scenario, window, seed, scale
        self._out, self._truth = out, truth
        self._rollouts = plan_rollouts(scenario, window, seed)
        versions = versions_of(self._rollouts)
        self._faults = _active(scenario, window)
        accounts = make_accounts(scenario, seed)
        self._accounts = accounts
        self._traffic = Traffic(scenario, window, seed, scale, accounts, versions, self._faults)
        self._narrator = Narrator(scenario, window, accounts, versions, {a.number: a for a in self._faults})
        self._planter: Planter = make_planter(scenario, window, seed, truth)
        self._desk = Desk(out, window, seed, accounts, self._planter, truth)
        self._reach = {active.number: _Reach(_fault_truth(active, window)) for active in self._faults}
        truth.faults = [reach.truth for reach in self._reach.values()]
        truth.noise_templates = [noise.template for noise in scenario.noise]
        self._poison = poison

    def write(self) -> None:
        self._desk.write_users()
        write_deployments(self._out, self._rollouts, self._window, self._planter, self._truth)
        write_issues(self._out, self._faults, self._window, self._seed, self._truth)
        write_incidents(self._out, self._faults, self._window, self._seed, self._planter, self._truth)
        write_changes(self._out, self._changes(), self._window, self._planter, self._truth)
        write_outcomes(self._out, self._scenario, self._faults, self._window, self._seed, self._scale, self._truth)
        write_surveys(self._out, self._faults, self._accounts, self._window, self._seed, self._planter, self._truth)
        for day in range(self._window.days):
            self._day(day)
        self._desk.close()
        for reach in self._reach.values():
            reach.truth.accounts_affected = len(reach.accounts)

    def _changes(self) -> list[Change]:
        causes = (active.fault.caused_by for active in self._faults)
        bad = {cause.deployment.id for cause in causes if cause and cause.deployment}
        return plan_changes(self._rollouts, bad, self._window, self._seed)

    def _day(self, day: int) -> None:
        date_ = self._window.day(day)
        suffix = ".jsonl.gz" if day % _GZIP_EVERY == 2 else ".jsonl"
        names = {signal: f"otel/{name}-{date_}{suffix}" for signal, name in (("spans", "traces"), ("logs", "logs"))}
        poisoner = self._poisoner(day)
        desk_dice = Dice(stream(self._seed, Stream.TICKETS, day))
        for reach in self._reach.values():
            reach.asked.clear()
        with ExitStack() as stack:
            files = {signal: stack.enter_context(Lines(self._out / name, signal)) for signal, name in names.items()}
            for number, batches in enumerate(self._traffic.slices(day)):
                dice = Dice(stream(self._seed, Stream.TELEMETRY, day, number))
                self._slice(day, batches, dice, files, names, poisoner, is_first=number == 0)
                self._complaints_of_the_hit(day, batches, desk_dice)
        for signal, file in files.items():
            self._truth.file(names[signal], signal, rows=file.count, lines=file.lines)
        self._complaints_of_the_day(day, desk_dice)
        self._desk.advance(self._window.start_ns + (day + 1) * DAY, poisoner)

    def _slice(
        self,
        day: int,
        batches: Sequence[Batch],
        dice: Dice,
        files: dict[str, Lines],
        names: dict[str, str],
        poisoner: Poisoner | None,
        *,
        is_first: bool,
    ) -> None:
        spans: list[Entry] = []
        logs: list[Entry] = list(self._narrator.alone(day, self._scale, dice)) if is_first else []
        for batch in batches:
            told = self._narrator.tell(batch, dice)
            spans += told[0]
            logs += told[1]
        self._planter.into_spans(spans, day, names["spans"])
        self._planter.into_logs(logs, day, names["logs"])
        for signal, entries in (("spans", spans), ("logs", logs)):
            entries.sort(key=lambda entry: entry.at_ns)
            files[signal].write(entries)
            self._count(signal, day, entries)
            if poisoner and entries:
                bad = poisoner.spoil(entries, files[signal], names[signal])
                self._count(signal, day, bad)

    def _count(self, signal: str, day: int, entries: Sequence[Entry]) -> None:
        """A span belongs to the day it starts, a log record to that of its time: this one or the next."""
        next_day = self._window.start_ns + (day + 1) * DAY
        key = "startTimeUnixNano" if signal == "spans" else "timeUnixNano"
        later = sum(int(str(entry.record[key])) >= next_day for entry in entries)
        self._truth.count(signal, day_of(next_day - 1), len(entries) - later)
        if later:
            self._truth.count(signal, day_of(next_day), later)

    def _complaints_of_the_hit(self, day: int, batches: Sequence[Batch], dice: Dice) -> None:
        """Some of the accounts a fault hits write a ticket, at most one a day and one a week."""
        for batch in batches:
            for number, hit in batch.hits.items():
                rows = np.flatnonzero(hit.any(axis=1))
                reach, fault = self._reach[number], self._scenario.faults[number]
                reach.truth.requests_affected += len(rows)
                accounts = batch.accounts[rows].tolist()
                reach.accounts.update(accounts)
                share = fault.tickets.share if fault.tickets else None
                for account, begun in zip(accounts, batch.begun[rows].tolist(), strict=True):
                    if share is None or account in reach.asked:
                        continue
                    reach.asked.add(account)
                    if dice.chance() < share and day - reach.wrote.get(account, -_QUIET_DAYS) >= _QUIET_DAYS:
                        reach.wrote[account] = day
                        delay = int((8 + 180 * dice.chance() ** 2) * MINUTE)
                        self._complain(number, begun + delay, account, dice)

    def _complaints_of_the_day(self, day: int, dice: Dice) -> None:
        """Ordinary tickets, and those of themes that come at a rate."""
        start = self._window.start_ns + day * DAY
        weekday = BY_WEEKDAY[self._window.day(day).weekday()] * self._scale
        for _ in range(int(dice.rng.poisson(self._scenario.tickets_per_day * weekday))):
            service, subject, body = TOPICS[dice.integer() % len(TOPICS)]
            account = int(self._accounts.draw(dice.rng, 1)[0])
            at = start + time_of_day(dice.chance())
            self._desk.open(at, account, Complaint(service, subject, body, named=0.75), dice)
        for active in self._faults:
            tickets = active.fault.tickets
            for _ in range(int(dice.rng.poisson(tickets.per_day * weekday)) if tickets and tickets.per_day else 0):
                at = start + time_of_day(dice.chance())
                account = int(self._accounts.draw(dice.rng, 1)[0])
                if active.start_ns <= at < active.end_ns:
                    self._reach[active.number].accounts.add(account)
                    self._complain(active.number, at, account, dice)

    def _complain(self, number: int, at_ns: int, account: int, dice: Dice) -> None:
        fault, truth = self._scenario.faults[number], self._reach[number].truth
        if fault.tickets is None or at_ns >= self._window.end_ns:
            return
        subjects, bodies = fault.tickets.subjects, fault.tickets.bodies
        known = {"operation": fault.operation or "none", "dependency": fault.dependency or "none"}
        complaint = Complaint(
            fault.service, subjects[dice.integer() % len(subjects)], bodies[dice.integer() % len(bodies)],
            fault.tickets.named, fault.tickets.priority, known,
        )  # fmt: skip
        ticket = self._desk.open(at_ns, account, complaint, dice)
        truth.tickets += 1
        if len(truth.ticket_ids) < _TICKET_IDS_KEPT:
            truth.ticket_ids.append(ticket)

    def _poisoner(self, day: int) -> Poisoner | None:
        if self._poison is None:
            return None
        wanted = self._poison.day if self._poison.day >= 0 else self._window.days + self._poison.day
        rng = stream(self._seed, Stream.POISON)
        end = self._window.start_ns + (day + 1) * DAY
        return Poisoner(end, self._poison.share, self._truth, rng) if day == wanted else None


def _active(scenario: Scenario, window: Window) -> tuple[Active, ...]:
    """The faults that happen in the window, with their times; a cure that helps ends its fault."""
    found = []
    for number, fault in enumerate(scenario.faults):
        start = window.ns(fault.begins) if fault.begins else window.ns(fault.deployments[0].at)
        ends = [window.ns(fault.ends)] if fault.ends else []
        if fault.cured_by and fault.cured_by.helps:
            ends.append(window.ns(fault.cured_by.at))
        active = Active(number, fault, start, min([*ends, window.end_ns]))
        if start < min(active.end_ns, window.end_ns) and active.end_ns > window.start_ns:
            found.append(active)
    return tuple(found)


def _fault_truth(active: Active, window: Window) -> FaultTruth:
    fault = active.fault
    cause, cure = fault.caused_by, fault.cured_by
    shipped = cure if cure and window.ns(cure.at) < window.end_ns else None
    is_over = active.end_ns < window.end_ns
    return FaultTruth(
        fault.name, fault.kind, fault.service, fault.operation, fault.dependency,
        fault.version, fault.flag, fault.variant, fault.plan, fault.log.template if fault.log else None,
        list(fault.tickets.subjects) if fault.tickets else [],
        iso(active.start_ns), iso(active.end_ns) if is_over else None, "resolved" if is_over else "ongoing",
        str(cause.deployment.id) if cause and cause.deployment else None, cause.initiative if cause else None,
        str(shipped.id) if shipped else None, shipped.helps if shipped else None,
    )  # fmt: skip
