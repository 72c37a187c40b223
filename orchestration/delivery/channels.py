"""Sending one message to one address, through apprise: webhooks, mail and what else it knows.

An address can hold a password or token, so no message here names more of it than apprise's private form.
"""

from __future__ import annotations

import logging

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from governance.errors import FeedbackError, PolicyError, TransientError
from orchestration.delivery.messages import Message

# A tick of the sensor has a minute: two attempts at apprise's own limits (4 s to connect, 4 s to answer) stay below.
_ATTEMPTS = 2
_LONGEST_WAIT_SECONDS = 2


def send(message: Message, url: str) -> None:
    """Send `message` to `url` (an apprise URL), trying again once; it may arrive twice, but is not lost silently.

    Raises:
        PolicyError: the address is no apprise URL.
        TransientError: it was not accepted.
    """
    import apprise

    # Its own log lines can name a host and path, and the path of a webhook is its password.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    in_memory = apprise.PersistentStoreMode.MEMORY  # no copy of an address on disk
    asset = apprise.AppriseAsset(app_id="Feedback Warehouse", app_url="", storage_mode=in_memory)
    channel = apprise.Apprise.instantiate(url, asset=asset)
    if channel is None:
        raise PolicyError("not an apprise URL (its text is not shown); write one as in policies/subscriptions.yml")
    sender = apprise.Apprise()
    sender.add(channel)
    shown = str(channel.url(privacy=True)).split("?")[0]  # type: ignore[no-untyped-call]
    retrying = Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_exponential(multiplier=0.2, max=_LONGEST_WAIT_SECONDS),
        reraise=True,
    )
    for attempt in retrying:
        with attempt:
            # apprise tells of a failure by what it returns, not by raising.
            if not sender.notify(title=message.title, body=message.body, body_format=apprise.NotifyFormat.TEXT):
                raise TransientError(f"{shown} did not accept the message; check that it is up and the address right")


def failure_of(message: Message, url: str) -> str | None:
    """Send as `send` does; why it failed, or null where it did not."""
    try:
        send(message, url)
    except FeedbackError as error:
        return str(error)
    return None
