"""What the help desk's system writes: rows and pages of Zendesk's incremental exports."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from orchestration.simulation.calendar import SECOND, iso
from orchestration.simulation.people import Person
from orchestration.simulation.telemetry import Json, Record

API = "https://shop.zendesk.example/api/v2"
SERVICE_FIELD = 360001  # the custom field with the product area: a service's name, or null


@dataclass
class Ticket:
    """A ticket as it is now."""

    id: int
    person: Person
    account_id: str | None
    created_ns: int
    subject: str
    description: str
    service: str | None
    tags: tuple[str, ...]
    channel: str
    priority: str
    status: str = "new"
    assignee: int | None = None


@dataclass(order=True)
class Step:
    """One thing that happens to a ticket at a time: a version of it."""

    at_ns: int
    number: int
    ticket: Ticket = field(compare=False)
    status: str = field(compare=False)
    author: int = field(compare=False)
    body: str | None = field(compare=False)
    is_public: bool = field(compare=False, default=True)


def ticket_row(ticket: Ticket, at_ns: int) -> Record:
    """One version of a ticket as the ticket export says it."""
    person = ticket.person
    sender: Record = {"address": person.email, "name": person.name} if ticket.channel == "email" else {}
    return {
        "url": f"{API}/tickets/{ticket.id}.json", "id": ticket.id, "external_id": ticket.account_id,
        "via": {"channel": ticket.channel, "source": {"from": sender, "to": {}, "rel": None}},
        "created_at": iso(ticket.created_ns), "updated_at": iso(at_ns), "type": "problem",
        "subject": ticket.subject, "raw_subject": ticket.subject, "description": ticket.description,
        "priority": ticket.priority, "status": ticket.status, "recipient": None,
        "requester_id": person.id, "submitter_id": person.id, "assignee_id": ticket.assignee,
        "organization_id": person.organization_id if ticket.account_id else None, "group_id": None, "is_public": True,
        "tags": list(ticket.tags), "custom_fields": [{"id": SERVICE_FIELD, "value": ticket.service}],
        "satisfaction_rating": _rating(ticket), "brand_id": 7001, "generated_timestamp": at_ns // SECOND,
    }  # fmt: skip


def _rating(ticket: Ticket) -> Record | None:
    """Every third customer rates a ticket once it is closed, one in four of them badly; nothing is drawn for it."""
    if ticket.status != "closed" or ticket.id % 3:
        return None
    return {"score": "good" if ticket.id % 4 else "bad"}


def audit_row(step: Step, before: str | None, events: int, *, is_first: bool) -> Record:
    """What changed with a version, as the ticket event export says it; ids follow on `events` given out before."""
    children: list[Json] = []
    if step.body is not None:
        events += 1
        children.append(
            {"id": 800_000 + events, "event_type": "Comment", "type": "Comment", "public": step.is_public,
             "author_id": step.author, "body": step.body, "html_body": f"<p>{step.body}</p>", "attachments": [],
             "comment_present": True, "comment_public": step.is_public}
        )  # fmt: skip
    if is_first or before is not None:
        events += 1
        kind: Record = {"event_type": "Create"} if is_first else {"event_type": "Change", "previous_value": before}
        children.append({"id": 800_000 + events, "status": step.status, **kind})
    return {
        "id": 800_001 + events, "ticket_id": step.ticket.id, "timestamp": step.at_ns // SECOND,
        "created_at": iso(step.at_ns), "updater_id": step.author, "via": "Web form", "event_type": "Audit",
        "child_events": children,
    }  # fmt: skip


def user_row(person: Person) -> Record:
    """A user as the user export says it."""
    return {
        "id": person.id, "url": f"{API}/users/{person.id}.json", "name": person.name, "email": person.email,
        "role": person.role, "organization_id": person.organization_id, "active": True,
    }  # fmt: skip


def ticket_page(rows: list[Json], number: int, is_last: bool) -> Json:  # noqa: FBT001
    """A page of the cursor-based ticket export."""
    after = _cursor(number + 1)
    return {
        "tickets": rows, "after_cursor": after, "after_url": f"{API}/incremental/tickets/cursor.json?cursor={after}",
        "before_cursor": _cursor(number) if number else None, "before_url": None, "end_of_stream": is_last,
    }  # fmt: skip


def event_page(rows: list[Json], number: int, is_last: bool) -> Json:  # noqa: FBT001
    """A page of the time-based ticket event export."""
    return _timed("ticket_events", rows, is_last=is_last)


def user_page(rows: list[Json], number: int, is_last: bool) -> Json:  # noqa: FBT001
    """A page of the time-based user export."""
    return _timed("users", rows, is_last=is_last)


def _timed(name: str, rows: list[Json], *, is_last: bool) -> Json:
    last = rows[-1] if rows else {}
    until = last.get("timestamp", 0) if isinstance(last, dict) else 0
    next_page = f"{API}/incremental/{name}.json?start_time={until}"
    return {name: rows, "next_page": next_page, "count": len(rows), "end_of_stream": is_last, "end_time": until}


def _cursor(number: int) -> str:
    return base64.b64encode(f"{number}||0".encode()).decode()
