"""Zendesk's incremental exports over HTTP: pages until the end of the stream, politely and without losing one.

No message ever holds the address with its query, the token or a body.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from governance.errors import FeedbackError, PolicyError, TransientError
from governance.sources import Http, Source
from orchestration.sources.connector import Document
from orchestration.sources.reading import page

# A server that asks for more patience than this is treated as down; the next run asks again.
LONGEST_WAIT_S = 300.0
_TIMEOUT_S = 60.0


class _Throttled(TransientError):
    """The server named the time to wait."""

    def __init__(self, message: str, wait_s: float | None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class _Refused(FeedbackError):
    """The server answers, and says no."""


def pages(
    source: Source, transport: httpx.BaseTransport | None, sleep: Callable[[float], None] | None
) -> Iterator[Document]:
    """Users first (where the token may see them), then tickets, then ticket events; a page seen before is left out.

    Raises:
        PolicyError: the variable with the token is not set.
        TransientError: the server did not answer well within the attempts allowed.
        FeedbackError: the server refuses, or its cursor does not move.
    """
    http = source.http
    if http is None:
        return
    with httpx.Client(base_url=http.url, auth=_auth(source, http), transport=transport, timeout=_TIMEOUT_S) as client:
        server = _Server(source.name, client, http.max_attempts, sleep or time.sleep)
        seen: set[str] = set()
        for document in server.exports(source.signals, http.start_time):
            if document.id not in seen:
                yield document
            seen.add(document.id)


def _auth(source: Source, http: Http) -> httpx.Auth | None:
    if http.token_env is None:
        return None
    token = os.environ.get(http.token_env)
    user = os.environ.get(http.user_env) if http.user_env else None
    for name, value in ((http.token_env, token), (http.user_env, user)):
        if name and not value:
            raise PolicyError(f"source {source.name}: {name} is not set; put the credential into that variable")
    return httpx.BasicAuth(f"{user}/token", token or "") if user else _Bearer(token or "")


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class _Server:
    """One Zendesk, asked page by page."""

    def __init__(self, name: str, client: httpx.Client, max_attempts: int, sleep: Callable[[float], None]) -> None:
        self._name = name
        self._client = client
        self._retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(max_attempts),
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )

    def exports(self, signals: tuple[str, ...], start_time: int) -> Iterator[Document]:
        """Pages of every export the signals need."""
        with suppress(_Refused):  # a token may see tickets and not people: requesters then stay ids
            yield from self._cursor_pages("users", start_time)
        if "tickets" in signals:
            yield from self._cursor_pages("tickets", start_time)
        if "ticket_events" in signals:
            yield from self._time_pages("ticket_events", start_time)

    def _cursor_pages(self, export: str, start_time: int) -> Iterator[Document]:
        path = f"/api/v2/incremental/{export}/cursor.json"
        asked: set[str] = set()
        query: dict[str, str] = {"start_time": str(start_time)}
        while True:
            document, answer = self._get(path, query, export)
            yield document
            if answer.get("end_of_stream"):
                return
            cursor = answer.get("after_cursor")
            if not isinstance(cursor, str) or cursor in asked:
                raise FeedbackError(f"{self._where(path)}: the cursor does not move; run again later")
            asked.add(cursor)
            query = {"cursor": cursor}

    def _time_pages(self, export: str, start_time: int) -> Iterator[Document]:
        path = f"/api/v2/incremental/{export}.json"
        start = start_time
        while True:
            document, answer = self._get(path, {"start_time": str(start), "include": "comment_events"}, export)
            yield document
            if answer.get("end_of_stream"):
                return
            end = answer.get("end_time")
            if not isinstance(end, int) or end <= start:
                raise FeedbackError(f"{self._where(path)}: the end time does not move; run again later")
            start = end

    def _get(self, path: str, query: Mapping[str, str], export: str) -> tuple[Document, dict[str, object]]:
        body, answer = self._retrying(self._get_once, path, query)
        if not isinstance(answer, dict) or not isinstance(answer.get(export), list):
            raise _Refused(f"{self._where(path)}: the answer is no page of {export}; check the address")
        return page(f"{self._name}{path}", body), answer

    def _get_once(self, path: str, query: Mapping[str, str]) -> tuple[bytes, object]:
        where = self._where(path)
        try:
            response = self._client.get(path, params=dict(query))
        except httpx.TransportError as error:
            raise TransientError(f"{where}: {type(error).__name__}; is the server reachable?") from None
        status = response.status_code
        if status == 429 or status >= 500:
            raise _Throttled(f"{where}: HTTP {status}; run again later", _retry_after(response))
        if status != 200:
            raise _Refused(f"{where}: HTTP {status}; check the address and the token's rights")
        try:
            return response.content, orjson.loads(response.content)
        except orjson.JSONDecodeError:
            raise TransientError(f"{where}: the answer is cut off or no JSON; run again later") from None

    def _where(self, path: str) -> str:
        return f"source {self._name}: {path}"


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait as the server says: a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        wished: float = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        return max(0.0, wished)
    except (ValueError, TypeError):
        return None


def _wait(state: RetryCallState) -> float:
    """The server's own wish where it has one, else 1, 2, 4 ... seconds."""
    error = state.outcome.exception() if state.outcome else None
    wished = error.wait_s if isinstance(error, _Throttled) else None
    return min(LONGEST_WAIT_S, float(2 ** (state.attempt_number - 1)) if wished is None else wished)
