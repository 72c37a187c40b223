"""The help desk: tickets with threads, written as Zendesk's incremental exports show them over time.

A ticket comes once per version. What will happen to it is drawn when it is opened and waits in a queue by time,
so that only tickets of the last days are in memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from orchestration.simulation import people
from orchestration.simulation.accounts import AGENT_IDS, Accounts, agents
from orchestration.simulation.calendar import DAY, HOUR, MINUTE, Window, day_of
from orchestration.simulation.canaries import Due, Planter
from orchestration.simulation.files import Pages
from orchestration.simulation.poison import Poisoner
from orchestration.simulation.streams import Stream, stream
from orchestration.simulation.telemetry import Dice, fill
from orchestration.simulation.topics import ANSWERS, CLOSINGS, REPLIES
from orchestration.simulation.truth import Truth
from orchestration.simulation.zendesk import (
    Step,
    Ticket,
    audit_row,
    event_page,
    ticket_page,
    ticket_row,
    user_page,
    user_row,
)

_CHANNELS = (("web", 0.5), ("email", 0.35), ("chat", 0.1), ("api", 0.05))


@dataclass(frozen=True)
class Complaint:
    """What somebody writes: which service it is about, the templates, and how often the form's field names it."""

    service: str
    subject: str
    body: str
    named: float
    priority: str = "normal"
    known: Mapping[str, str] = field(default_factory=dict)


class Desk:
    """Takes complaints and writes what becomes of them."""

    def __init__(
        self, out: Path, window: Window, seed: int, accounts: Accounts, planter: Planter, truth: Truth
    ) -> None:
        self._window, self._seed, self._accounts, self._planter, self._truth = window, seed, accounts, planter, truth
        self._agents = {agent.id: agent for agent in agents()}
        self._steps: list[Step] = []
        self._opened = self._drawn = self._events = 0
        self._tickets = Pages(out / "zendesk", "tickets", ticket_page, truth, "tickets")
        self._audits = Pages(out / "zendesk", "ticket_events", event_page, truth, "ticket_events")
        self._out = out

    def write_users(self) -> None:
        """Everybody with a login: pages of users."""
        pages = Pages(self._out / "zendesk", "users", user_page, self._truth, "users")
        customers = (
            self._accounts.person(account, which)
            for account in range(len(self._accounts.ids))
            for which in range(self._accounts.people_each)
        )
        for person in chain(agents(), customers):
            pages.add(user_row(person))
        pages.close()

    def open(self, at_ns: int, account: int, complaint: Complaint, dice: Dice) -> str:
        """Somebody of an account complains at `at_ns`; the ticket's id."""
        self._opened += 1
        told = {**complaint.known, "account": self._accounts.ids[account], "service": complaint.service}
        value = dice.integer()
        body = fill(complaint.body, value, **told)
        tags: tuple[str, ...] = ("from_form",)
        service = None
        if dice.chance() < complaint.named:
            service = complaint.service
        elif dice.chance() < 0.5:
            tags = (*tags, complaint.service)
        elif complaint.service not in body:
            body += f" I think it is about {complaint.service}."
        ticket = Ticket(
            20_000 + self._opened,
            self._accounts.person(account, value % self._accounts.people_each),
            self._accounts.ids[account] if dice.chance() < 0.85 else None,
            at_ns, fill(complaint.subject, value, **told), body, service, tags,
            _draw(_CHANNELS, dice.chance()), complaint.priority,
        )  # fmt: skip
        self._push(at_ns, ticket, "new", ticket.person.id, body)
        self._plan(ticket, dice)
        return str(ticket.id)

    def advance(self, until_ns: int, poisoner: Poisoner | None = None) -> None:
        """Write everything that happens before `until_ns`."""
        while self._steps and self._steps[0].at_ns < until_ns:
            self._happen(heapq.heappop(self._steps), poisoner)

    def close(self) -> None:
        """Write the last pages; what would have happened later is not known yet."""
        self._tickets.close()
        self._audits.close()

    def _push(
        self, at_ns: int, ticket: Ticket, status: str, author: int, body: str | None, *, is_public: bool = True
    ) -> None:
        self._drawn += 1
        heapq.heappush(self._steps, Step(at_ns, self._drawn, ticket, status, author, body, is_public))

    def _plan(self, ticket: Ticket, dice: Dice) -> None:
        agent = AGENT_IDS[dice.integer() % len(AGENT_IDS)]
        at = _later(ticket.created_ns, 2.5 * HOUR, dice)
        self._push(at, ticket, "pending" if dice.chance() < 0.4 else "open", agent, _one(REPLIES, dice))
        if dice.chance() < 0.15:
            at = _later(at, 0.5 * HOUR, dice)
            self._push(at, ticket, "open", agent, "Asked the team about it.", is_public=False)
        if dice.chance() < 0.45:
            at = _later(at, 6 * HOUR, dice)
            self._push(at, ticket, "open", ticket.person.id, _one(ANSWERS, dice))
        if dice.chance() < 0.12:
            return  # stays open
        at = _later(at, 20 * HOUR, dice)
        self._push(at, ticket, "solved", agent, _one(CLOSINGS, dice))
        if dice.chance() < 0.06:
            at = _later(at, 10 * HOUR, dice)
            self._push(at, ticket, "open", ticket.person.id, _one(ANSWERS, dice))
            at = _later(at, 12 * HOUR, dice)
            self._push(at, ticket, "solved", agent, _one(CLOSINGS, dice))
        self._push(at + 4 * DAY, ticket, "closed", -1, None)

    def _happen(self, step: Step, poisoner: Poisoner | None) -> None:
        ticket, day = step.ticket, (step.at_ns - self._window.start_ns) // DAY
        before, ticket.status = ticket.status, step.status
        if step.author in AGENT_IDS:
            ticket.assignee = step.author
        is_first = step.at_ns == ticket.created_ns
        due = self._plant_ticket(ticket, day) if is_first else self._plant_event(step, day)
        names = self._tell(step, is_first=is_first)
        row = ticket_row(ticket, step.at_ns)
        file = self._tickets.add(row)
        self._truth.count("tickets", day_of(step.at_ns))
        if is_first:
            for one in due:
                self._planter.planted(one, file, str(ticket.id), step.at_ns)
            self._planter.named(names, "tickets", "description", file, str(ticket.id), step.at_ns)
        if poisoner and (bad := poisoner.spoil_ticket(row, step.at_ns, file)):
            self._tickets.add(bad)
            self._truth.count("tickets", day_of(step.at_ns))
        audit, file = self._audit(step, before if before != step.status else None, is_first=is_first)
        for one in () if is_first else due:
            self._planter.planted(one, file, audit, step.at_ns)
        self._planter.named(names, "ticket_events", "body", file, audit, step.at_ns)

    def _plant_ticket(self, ticket: Ticket, day: int) -> list[Due]:
        due = self._planter.take("tickets", day, lambda c: c.service in (None, ticket.service), limit=1)
        for one in due:
            if one.canary.field == "subject":
                ticket.subject += f" {one.text}"
            else:
                ticket.description += f" {one.text}"
        return due

    def _plant_event(self, step: Step, day: int) -> list[Due]:
        if step.body is None or not step.is_public:
            return []
        due = self._planter.take("ticket_events", day, limit=1)
        step.body = " ".join([step.body, *(one.text for one in due)])
        return due

    def _tell(self, step: Step, *, is_first: bool) -> tuple[str, ...]:
        """Put greeting, people and signature around what a step says; the names in it."""
        if step.body is None:
            return ()
        ticket = step.ticket
        rng = stream(self._seed, Stream.NAMES, step.number)
        agent = self._agents.get(step.author) or self._agents[AGENT_IDS[step.number % len(AGENT_IDS)]]
        if is_first:
            told = people.complaint(ticket.description, ticket.person, agent, rng)
            ticket.description = told.text
        elif step.author not in AGENT_IDS:
            told = people.answer(step.body, ticket.person, agent, rng)
        else:
            tell = people.reply if step.is_public else people.internal
            told = tell(step.body, ticket.person, agent, rng)
        step.body = told.text
        return told.names

    def _audit(self, step: Step, before: str | None, *, is_first: bool) -> tuple[str, str]:
        """Write what changed with a step; the event's id and the file it is in."""
        audit = audit_row(step, before, self._events, is_first=is_first)
        children = audit["child_events"]
        assert isinstance(children, list)
        self._events += len(children) + 1
        file = self._audits.add(audit)
        self._truth.count("ticket_events", day_of(step.at_ns), len(children))
        return str(audit["id"]), file


def _later(at_ns: int, median_ns: float, dice: Dice) -> int:
    return at_ns + MINUTE + int(median_ns * np.exp(dice.rng.normal(0, 0.9)))


def _one(texts: tuple[str, ...], dice: Dice) -> str:
    return texts[dice.integer() % len(texts)]


def _draw(shares: tuple[tuple[str, float], ...], luck: float) -> str:
    for name, share in shares:
        luck -= share
        if luck < 0:
            return name
    return shares[-1][0]
