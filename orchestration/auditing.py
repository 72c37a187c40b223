"""What `feedback audit` and `feedback reviews` do: the decision record on the screen, and reviews put into it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from governance.audit import JSON, Recorded, read_head
from governance.errors import UsageError
from governance.stewards import load_stewards
from orchestration.deciding import decide, decision_record, os_user
from orchestration.settings import Home

# So many problems and values of a list are told; the others are counted.
_MOST_PROBLEMS = 50
_MOST_VALUES = 3

_COLOURS = {"done": "green", "due": "yellow", "overdue": "bold red"}


def show_decisions(console: Console, deployment: Home, kind: str, since: datetime | None, *, is_json: bool) -> None:
    """One row per decision, in order.

    Raises:
        FeedbackError: the record is not whole.
    """
    record = decision_record(deployment)
    found = [entry for entry in record.entries({kind} if kind else ()) if since is None or entry.decision.at >= since]
    if is_json:
        for entry in found:
            print(json.dumps(_plain(entry)))
        return
    if not found:
        kinds = sorted({entry.decision.kind for entry in record.entries()})
        console.print(f"No such decision is on record; kinds that are: {', '.join(kinds) or 'none'}.")
        return
    table = Table(title="Decisions")
    for heading in ("entry", "when (UTC)", "kind", "who", "what", "why"):
        table.add_column(heading, overflow="fold")
    for entry in found:
        said = entry.decision
        row = (f"{said.at:%Y-%m-%d %H:%M:%S}", said.kind, said.who, _told(said.what), said.why)
        table.add_row(str(entry.number), *map(escape, row))
    console.print(table)


def verify_record(console: Console, deployment: Home, head: Path | None) -> int:
    """Tell what is wrong with the record, or that nothing is; 1 where something is, else 0.

    Raises:
        UsageError: there is no such file with a head.
    """
    copy = read_head(head) if head else None
    if head and copy is None:
        raise UsageError(f"--head {head}: no such file; expected a copy of {deployment.decisions / 'head.json'}")
    found = decision_record(deployment).verify(copy)
    for problem in islice(found.problems, _MOST_PROBLEMS):
        console.print(f"[bold red]{escape(str(problem))}[/]", soft_wrap=True)
    if (more := len(found.problems) - _MOST_PROBLEMS) > 0:
        console.print(f"and {more:,} more")
    verdict = f"{len(found.problems):,} problems" if found.problems else "whole, and ends where its head says"
    end = f"; head {found.head.digest}" if found.head else ""
    console.print(f"{found.entries:,} decisions: {verdict}{end}", soft_wrap=True)
    return 1 if found.problems else 0


def accept_loss(console: Console, deployment: Home, by: str, why: str) -> None:
    """Go on from what is there of a record whose end, head or guards were lost.

    Raises:
        UsageError: nothing is lost, or the person may not accept it.
        FeedbackError: entries that are there were changed.
    """
    who = by or os_user()
    load_stewards().check_may(who, "accept", "decisions")
    entry = decision_record(deployment).accept(who, why, datetime.now(UTC))
    console.print(f"Entry {entry.number} says what was lost; the record goes on from there.")


def print_head(deployment: Home) -> None:
    """The head as JSON, as its file has it.

    Raises:
        UsageError: nothing was decided yet.
        FeedbackError: the record does not go with its head.
    """
    head = decision_record(deployment).export()
    if head is None:
        raise UsageError("nothing was decided yet, so there is no head; the first `feedback run` records its policies")
    sys.stdout.write(json.dumps(asdict(head)) + "\n")


def show_reviews(console: Console, deployment: Home, as_of: datetime, *, is_json: bool) -> None:
    """One row per domain and role, the most urgent first."""
    calendar = load_stewards().review_calendar(as_of, decision_record(deployment).entries())
    if is_json:
        for review in calendar:
            print(json.dumps(asdict(review), default=str))
        return
    table = Table(title="Reviews (policies/stewards.yml)")
    for heading in ("domain", "role", "state", "due on", "last", "stewards"):
        table.add_column(heading, overflow="fold")
    for one in calendar:
        state = f"[{_COLOURS[one.state]}]{'not yet due' if one.state == 'done' else one.state}[/]"
        last = one.last_on.isoformat() if one.last_on else "never"
        stewards = ", ".join(map(escape, one.stewards))
        table.add_row(escape(one.domain), one.role, state, one.due_on.isoformat(), last, stewards)
    console.print(table)


def record_review(console: Console, deployment: Home, domain: str, role: str, by: str, why: str) -> None:
    """Record a review as done now.

    Raises:
        UsageError: there is no such review, or the person may not do it.
    """
    who = by or os_user()
    load_stewards().check_may_review(who, domain, role)
    entry = decide(deployment, "review", {"domain": domain, "role": role}, who, why)
    console.print(f"Entry {entry.number}: {escape(domain)} was reviewed for {role} by {escape(who)}.", soft_wrap=True)


def _plain(entry: Recorded) -> dict[str, JSON]:
    said = entry.decision
    parts: dict[str, JSON] = {"number": entry.number, "at": said.at.isoformat(), "kind": said.kind, "who": said.who}
    return {**parts, "why": said.why, "what": said.what, "digest": entry.digest}


def _told(what: Mapping[str, JSON]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in _values(what))


def _values(what: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    for name, value in what.items():
        if isinstance(value, Mapping):
            yield name, f"{len(value):,}"
        elif isinstance(value, list):
            more = f" and {len(value) - _MOST_VALUES:,} more" if len(value) > _MOST_VALUES else ""
            yield name, (" ".join(map(str, value[:_MOST_VALUES])) or "none") + more
        else:
            yield name, str(value)
