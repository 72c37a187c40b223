"""Zendesk: ticket versions and their events, from pages of the incremental exports, as files or over HTTP.

A page says by its key what it holds: `tickets` (/incremental/tickets/cursor.json), `ticket_events`
(/incremental/ticket_events.json with include=comment_events) or `users` (/incremental/users/cursor.json). Users are
no records: they give requesters and authors of the same pull their address and role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from orchestration.sources.connector import Batch, Document, Pull, Rows
from orchestration.sources.documents import is_error, numbered, read_entries
from orchestration.sources.fields import add, attributes_of, mapped
from orchestration.sources.reading import DOCUMENT_LIMIT, files, json_values
from orchestration.sources.values import (
    Json,
    MalformedRecord,
    as_text,
    at,
    first_at,
    identifier,
    list_of,
    required_timestamp,
)

if TYPE_CHECKING:
    import httpx

# The custom field that holds a ticket's product area; another one: `columns: {service: custom_fields.<id>}`.
SERVICE_FIELD = "custom_fields.360001"
_ROLES = {"end-user": "end_user", "agent": "agent", "admin": "agent"}
_PAGES = ("tickets", "ticket_events", "users")


@dataclass(frozen=True)
class _Person:
    address: str | None
    role: str | None


@dataclass
class Zendesk:
    """Ticket versions and ticket events from Zendesk.

    Attributes:
        transport: how a server is reached; None is the network.
        sleep: waits between attempts; None is real time.
    """

    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] | None = None
    version: int = 2
    _people: dict[str, _Person] = field(default_factory=dict, init=False, repr=False)

    def documents(self, pull: Pull) -> Iterator[Document]:
        """Pages of users first: what they say about people is needed to read the others."""
        if pull.source.http is not None:
            from orchestration.sources.zendesk_http import pages  # httpx takes 0.2 s, of no use to files

            found = pages(pull.source, self.transport, self.sleep)
        else:
            found = iter(sorted(files(pull), key=lambda document: "users" not in document.name))
        for document in found:
            if "users" in document.name:
                self._learn_people(document)
            yield document

    def read(self, document: Document, pull: Pull) -> Iterator[Batch]:
        return read_entries(document, pull, _entries, partial(self._read, pull))

    def _learn_people(self, document: Document) -> None:
        for value in json_values(document, DOCUMENT_LIMIT):
            users = at(value.content, "users")
            for user in users if isinstance(users, list) else ():
                person = _Person(as_text(at(user, "email")), _ROLES.get(str(at(user, "role"))))
                self._people[str(at(user, "id"))] = person

    def _read(self, pull: Pull, entry: Mapping[str, Json], rows: Rows, number: int) -> None:
        if "child_events" in entry:
            self._add_events(pull, entry, rows, number)
        elif "tickets" not in pull.source.signals:
            raise MalformedRecord("tickets are not collected by this source")
        elif entry.get("status") == "deleted":
            rows.skip()
        else:
            add(rows, pull, "tickets", self._ticket(pull, entry), number)

    def _ticket(self, pull: Pull, ticket: Mapping[str, Json]) -> dict[str, Json]:
        ticket_id = identifier(ticket.get("id"), "id")
        created = required_timestamp(ticket.get("created_at"), pull.latest_us, "created_at")
        updated = required_timestamp(ticket.get("updated_at"), pull.latest_us, "updated_at")
        status = as_text(ticket.get("status"))
        if status is None:
            raise MalformedRecord("status is missing")
        return {
            "record_id": f"{ticket_id}:{updated // 1_000_000}",
            "event_at": updated,
            "ticket_id": ticket_id,
            "created_at": created,
            "status": status.lower(),
            "closed_at": _closed_at(ticket, status.lower()),
            "priority": ticket.get("priority"),
            "ticket_type": ticket.get("type"),
            "channel": at(ticket, "via.channel"),
            "subject": first_at(ticket, ["raw_subject", "subject"]),
            "description": ticket.get("description"),
            "requester": self._requester(ticket),
            "account_id": first_at(ticket, ["external_id", "organization_id"]),
            "service": at(ticket, SERVICE_FIELD),
            "tags": ticket.get("tags"),
            "attributes": _attributes(ticket),
            **mapped(ticket, pull, "tickets"),
        }

    def _requester(self, ticket: Mapping[str, Json]) -> Json:
        person = self._people.get(str(ticket.get("requester_id")))
        if person and person.address:
            return person.address
        return first_at(ticket, ["requester.email", "via.source.from.address", "requester_id"])

    def _add_events(self, pull: Pull, event: Mapping[str, Json], rows: Rows, number: int) -> None:
        if "ticket_events" not in pull.source.signals:
            raise MalformedRecord("ticket_events are not collected by this source")
        event_id = identifier(event.get("id"), "id")
        moment = first_at(event, ["created_at", "timestamp"])
        children = list_of(event.get("child_events"), "child_events")
        if not children:
            rows.skip()
        for child in children:
            try:
                fields = self._child(event, child)
                if fields is None:
                    rows.skip()
                    continue
                fields["record_id"] = f"{event_id}:{identifier(at(child, 'id'), 'id of a child event')}"
                fields["event_at"] = moment
                add(rows, pull, "ticket_events", {**fields, **mapped(child, pull, "ticket_events")}, number)
            except MalformedRecord as reason:
                rows.reject(number, reason, "ticket_events")

    def _child(self, event: Mapping[str, Json], child: Json) -> dict[str, Json] | None:
        """A comment or a change of status; None for every other change, which is no record."""
        if not isinstance(child, Mapping):
            raise MalformedRecord("a child event is no object")
        author = first_at(child, ["author_id"]) or event.get("updater_id")
        person = self._people.get(str(author), _Person(None, None))
        shared: dict[str, Json] = {
            "ticket_id": identifier(event.get("ticket_id"), "ticket_id"),
            "author": person.address or author,
            "author_role": person.role,
        }
        if first_at(child, ["event_type", "type"]) == "Comment":
            is_public = first_at(child, ["public", "comment_public"])
            return {**shared, "event_type": "comment", "is_public": is_public, "body": child.get("body")}
        status = child.get("value") if child.get("field_name") == "status" else child.get("status")
        if not isinstance(status, str):
            return None
        return {**shared, "event_type": "status", "status": status.lower()}


def _entries(content: Json, line: int) -> Iterator[tuple[int, Json]]:
    known = [key for key in _PAGES if key in content] if isinstance(content, Mapping) else []
    if isinstance(content, Mapping) and known:
        return numbered([entry for key in known if key != "users" for entry in list_of(content[key], key)], line)
    if is_error(content):
        raise MalformedRecord("an error answer instead of a page of an export")
    return numbered(content, line)


def _closed_at(ticket: Mapping[str, Json], status: str) -> Json:
    if status not in ("solved", "closed"):
        return None
    return first_at(ticket, ["closed_at", "solved_at", "metric_set.solved_at"])


def _attributes(ticket: Mapping[str, Json]) -> dict[str, Json]:
    names = ("brand_id", "group_id", "ticket_form_id", "satisfaction_rating.score", "due_at")
    own = {name: at(ticket, name) for name in names}
    custom = {
        f"custom_fields.{at(entry, 'id')}": at(entry, "value")
        for entry in list_of(ticket.get("custom_fields"), "custom_fields")
        if f"custom_fields.{at(entry, 'id')}" != SERVICE_FIELD
    }
    return attributes_of({**own, **custom})
