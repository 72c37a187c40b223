"""Zendesk's incremental exports from a real server on loopback that pages, limits, fails and cuts off."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from governance.errors import FeedbackError, PolicyError, TransientError
from governance.keys import Keyring
from governance.sources import Http, Source
from orchestration.lake import Lake
from orchestration.sources.zendesk import Zendesk
from orchestration.stages.counting import days_received
from orchestration.stages.landing import land
from orchestration.stages.receiving import receive

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KEYS = Keyring(b"p" * 32, b"i" * 32)
TOKEN = "zd-not-a-real-token"
PAGE = 100


def ticket(number):
    return {
        "id": number,
        "created_at": "2026-05-01T10:00:00Z",
        "updated_at": f"2026-05-{1 + number % 20:02}T10:00:00Z",
        "status": "open",
        "requester_id": number % 7,
        "subject": f"Ticket {number}",
    }


def event(number):
    comment = {"id": 9000 + number, "event_type": "Comment", "public": True, "body": "Thanks", "author_id": 3}
    return {"id": number, "ticket_id": number, "timestamp": 1777800000 + number, "child_events": [comment]}


TICKETS = [ticket(number) for number in range(1, 251)]
EVENTS = [event(number) for number in range(1, 121)]
USERS = [{"id": number, "email": f"user{number}@example.com", "role": "end-user"} for number in range(7)]


class Handler(BaseHTTPRequestHandler):
    """Answers as Zendesk does; what goes wrong first is taken from the server's list of troubles."""

    def do_GET(self):
        path = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(path.query).items()}
        self.server.seen.append((path.path, query, self.headers.get("Authorization")))
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.answer(401, {"error": "Couldn't authenticate you"})
        if trouble == "limit":
            return self.answer(429, {"error": "Too many"}, retry_after="7")
        if trouble == "fail":
            return self.answer(500, {"error": "oops"})
        return self.answer(200, self.page(path.path, query), is_cut_off=trouble == "cut off")

    def page(self, path, query):
        if path.endswith("/users/cursor.json"):
            return {"users": USERS, "after_cursor": "u1", "end_of_stream": True}
        if path.endswith("/tickets/cursor.json"):
            start = 0 if self.server.is_stuck else int(query.get("cursor", "0"))
            rows = TICKETS[max(0, start - 1) : start + PAGE]  # one row of the page before comes again
            is_last = start + PAGE >= len(TICKETS)
            return {"tickets": rows, "after_cursor": str(start + PAGE), "end_of_stream": is_last}
        start = int(query["start_time"])
        rows = [row for row in EVENTS if row["timestamp"] >= start][:PAGE]
        is_last = rows[-1] == EVENTS[-1]
        return {"ticket_events": rows, "end_time": rows[-1]["timestamp"], "end_of_stream": is_last}

    def answer(self, status, body, retry_after=None, *, is_cut_off=False):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if is_cut_off else content)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.seen, running.troubles, running.is_stuck = [], [], False
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def pull(server, tmp_path, monkeypatch):
    """Pulls once; returns the tally and what was waited between attempts."""
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)

    def pull_once(**http):
        address = {"url": f"http://127.0.0.1:{server.server_port}", "token_env": "ZENDESK_TOKEN", "max_attempts": 4}
        source = Source(
            name="zendesk",
            description="d",
            type="zendesk",
            signals=("tickets", "ticket_events"),
            owner="o",
            purpose="p",
            http=Http(**(address | http)),
        )
        waits = []
        return receive(source, tmp_path, Lake(tmp_path / "lake"), KEYS, AS_OF, Zendesk(sleep=waits.append)), waits

    return pull_once


def landed(lake, signal):
    days = days_received(lake, "zendesk", signal)
    return sum(land(lake, "zendesk", signal, day, AS_OF, inputs).counts["landed"] for day, inputs in days.items())


def test_every_ticket_and_event_arrives_once_through_limits_failures_and_cut_offs(server, pull, tmp_path):
    server.troubles = ["limit", None, "fail", None, "cut off", None, "limit"]

    tally, waits = pull()

    assert tally.by_signal == {"tickets": 252, "ticket_events": 121}  # the repeated rows are still in there
    lake = Lake(tmp_path / "lake")
    assert landed(lake, "tickets") == 250
    assert landed(lake, "ticket_events") == 120
    assert waits == [7.0, 1.0, 1.0, 7.0]  # the server's wish where it has one


def test_people_give_their_address_and_role(server, pull, tmp_path):
    pull()
    lake = Lake(tmp_path / "lake")
    landed(lake, "ticket_events")
    day = lake.days("landing/zendesk/ticket_events")[0]
    said = lake.read(f"landing/zendesk/ticket_events/{day}")[0]
    assert (said["author"].item(), said["author_role"].item()) == ("user3@example.com", "end_user")


def test_a_second_pull_of_the_same_pages_reads_nothing_again(server, pull):
    first, _ = pull()
    second, _ = pull()
    assert (first.read, second.read) == (first.documents, 0)
    assert second.by_signal == first.by_signal


def test_a_cursor_that_does_not_move_is_an_error_and_what_came_before_is_kept(server, pull, tmp_path):
    server.is_stuck = True
    with pytest.raises(FeedbackError, match="cursor does not move"):
        pull()
    assert landed(Lake(tmp_path / "lake"), "tickets") == 100


def test_a_server_that_stays_down_is_given_up_and_the_error_is_transient(server, pull):
    server.troubles = ["fail"] * 20
    with pytest.raises(TransientError, match=r"source zendesk: .*HTTP 500"):
        pull()
    assert len(server.seen) == 4


def test_a_refused_token_is_neither_retried_nor_shown(server, pull, monkeypatch):
    monkeypatch.setenv("ZENDESK_TOKEN", "wrong-secret")
    with pytest.raises(FeedbackError, match="HTTP 401") as error:
        pull()
    assert "wrong-secret" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_missing_token_is_named_by_its_variable(pull, monkeypatch):
    monkeypatch.delenv("ZENDESK_TOKEN")
    with pytest.raises(PolicyError, match="ZENDESK_TOKEN is not set"):
        pull()
