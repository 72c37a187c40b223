"""Messages arrive at a real webhook and a real mail server on this machine; what does not arrive is tried again."""

import json
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from governance.freshness import load_freshness
from governance.subscriptions import SubscriptionsPolicy
from orchestration.delivery import Pending, alert_teams

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATE = {"published/lead": NOW - timedelta(hours=40)}
FRESH = {"published/lead": NOW - timedelta(hours=1)}


def tick(last, url, pending=None):
    team = {"assets": ["*"], "events": ["stale", "recovered"], "url_env": "TEAM_URL", "reason": "r"}
    teams = SubscriptionsPolicy.model_validate({"owner": "o@example.com", "reason": "r", "teams": {"team": team}})
    return alert_teams(last, NOW, load_freshness(), teams, pending or Pending(), {"TEAM_URL": url})


class Webhook(ThreadingHTTPServer):
    """Keeps what it was sent; answers with the statuses it was given, then 200."""

    def __init__(self):
        self.received, self.statuses = [], []
        super().__init__(("127.0.0.1", 0), Answer)

    @property
    def url(self):
        return f"json://localhost:{self.server_port}/feedback"


class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.received.append(json.loads(body))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args):
        """Quiet."""


@pytest.fixture
def webhook():
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_webhook_is_told_once_and_again_when_it_recovers(webhook):
    late = tick(LATE, webhook.url)
    assert late.told == "team told of 1"
    assert tick(LATE, webhook.url, late.pending).deliveries == ()
    tick(FRESH, webhook.url, late.pending)
    assert [message["title"] for message in webhook.received] == [
        "Feedback Warehouse: 1 data set late",
        "Feedback Warehouse: 1 data set recovered",
    ]
    assert webhook.received[0]["message"].startswith("LATE  published/lead")


def test_short_outage_is_bridged_within_a_tick(webhook):
    webhook.statuses = [503]
    assert tick(LATE, webhook.url).told == "team told of 1"


def test_long_outage_is_made_up_for_at_the_next_tick(webhook):
    webhook.statuses = [503] * 2
    url = webhook.url.replace("localhost", "user:s3cret@localhost")
    down = tick(LATE, url)
    assert down.deliveries[0].failure
    assert "did not accept the message" in down.told
    assert "s3cret" not in down.told
    assert tick(LATE, url, down.pending).told == "team told of 1"
    assert len(webhook.received) == 1


def test_address_that_is_none_is_told_without_its_text():
    outcome = tick(LATE, "nonsense://s3cret")
    assert "not an apprise URL" in outcome.told
    assert "s3cret" not in outcome.told


class Mailbox:
    def __init__(self):
        self.received = []

    async def handle_DATA(self, _server, _session, envelope):
        self.received.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox():
    handler = Mailbox()
    controller = Controller(handler, hostname="127.0.0.1", port=_free_port())
    controller.start()
    handler.url = f"mailto://127.0.0.1:{controller.port}?from=feedback@example.com&to=team@example.com&mode=insecure"
    yield handler
    controller.stop()


def _free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_mail_arrives_with_a_plain_text_part(mailbox):
    assert tick(LATE, mailbox.url).told == "team told of 1"
    (envelope,) = mailbox.received
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["team@example.com"]
    assert mail["subject"] == "Feedback Warehouse: 1 data set late"
    assert "LATE  published/lead" in mail.get_body(("plain",)).get_content()
