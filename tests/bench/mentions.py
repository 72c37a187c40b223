"""Identifiers that a ticket or trace names once and repeats without a label: how many repetitions are masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from urllib.parse import quote

import polars as pl

from governance.keys import Keyring
from governance.privacy import Anonymizer, PrivacyPolicy
from governance.signals import SIGNALS
from tests.bench import numbers, values
from tests.bench.measure import Measure, is_masked
from tests.bench.stock import Stock

# How a value comes to be known, and how it is made; {v} is the value.
_TOLD: Mapping[str, tuple[tuple[str, ...], Callable[[Random], str]]] = {
    "user": (
        ("login={v} accepted", '{{"username":"{v}"}}', "session opened for user {v} by (uid=0)"),
        lambda rng: f"{values.some(rng, 'abcdeilmnost', 5)}{values.number(rng, 3)}",
    ),
    "account": (
        ("customer_id={v} charged", '{{"accountId": "{v}"}}', "GET /customers/{v}/orders 200"),
        lambda rng: f"C-{values.number(rng, 6)}",
    ),
    "password": (
        ("password={v} rejected", "my password is {v} ok"),
        lambda rng: values.key_of(rng, values.ALPHANUMERIC, 12),
    ),
    "passport": (("passport no. {v} checked",), lambda rng: f"C{values.number(rng, 8)}"),
    "host": (
        ("rhost={v} closed", "hostname: {v}"),
        lambda rng: f"web{rng.randint(10, 99)}-{values.some(rng, 'abcdef', 4)}",
    ),
    "device": (("device_id={v} seen",), values.uuid),
    "email": (("mail from {v} bounced",), values.email),
    "phone": (("phone: {v} verified", "call me at {v} please"), lambda rng: f"+4930{values.number(rng, 7)}"),
    "ip": (("client={v} connected",), values.ipv4),
    "card": (("card_number={v} charged",), numbers.card_digits),
    "person": (('"customerName":"{v}"', "display_name={v}, plan=pro"), values.person),
}
_PLAIN = (
    "retrying for {v}",
    "{v}: denied",
    "no entry ({v}) in cache",
    "'{v}' is locked",
    "GET /internal/find/{v}?n=1",
    "fetch https://api.example.com/x?q={v}&n=2 failed",
    '{{"k":["{v}"]}}',
)
_NAME_PARTS = ("then {v} wrote again", "Thanks {v}, we will check", "Hello {v},")


@dataclass(frozen=True)
class _Repeat:
    """A text of a thread, where in it the value is repeated, and in which field it stands."""

    thread: str
    text: str
    value: str
    field: str  # body | exception.message


def mentions(stock: Stock, policy: PrivacyPolicy, keys: Keyring, *, threads: int = 330) -> Iterator[Measure]:
    """The share of the repetitions masked, of all and of each way to repeat; stock sees each text alone."""
    told, repeats = _threads(Random(21), threads)
    masked = _masked(told, repeats, policy, keys)
    theirs = [
        is_masked([span[:2] for span in stock.spans(one.text)], *_span(one))
        for one in repeats[:: max(1, len(repeats) // 400)]
    ]
    share, stock_share = (sum(one) / len(one) for one in (masked, theirs))
    yield Measure(
        "repeated mentions of a found identifier masked", share, stock_share, "share", ">= 0.98", share >= 0.98
    )


def _threads(rng: Random, count: int) -> tuple[list[tuple[str, str]], list[_Repeat]]:
    """Per thread the text that tells the value, and six that repeat it."""
    told, repeats = [], []
    kinds = sorted(_TOLD)
    for place in range(count):
        kind = kinds[place % len(kinds)]
        templates, make = _TOLD[kind]
        thread, value = f"{place:032x}", make(rng)
        told.append((thread, rng.choice(templates).format(v=value)))
        spellings = [value, value, value.lower(), value.upper()] if kind not in ("password", "card") else [value] * 3
        for spelling in spellings:
            text = rng.choice(_PLAIN)
            shown = quote(spelling, safe="") if "?" in text else spelling
            field = rng.choice(("body", "body", "exception.message"))
            repeats.append(_Repeat(thread, text.format(v=shown), shown, field))
        if kind == "person":
            for part in value.split(" ", 1):
                repeats.append(_Repeat(thread, rng.choice(_NAME_PARTS).format(v=part), part, "body"))
    return told, repeats


def _masked(told: list[tuple[str, str]], repeats: list[_Repeat], policy: PrivacyPolicy, keys: Keyring) -> list[bool]:
    """Whether each repetition is gone from the anonymised logs."""
    signal = SIGNALS["logs"]
    at = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [{"trace_id": thread, "event_at": at, "body": text} for thread, text in told]
    for one in repeats:
        row: dict[str, object] = {"trace_id": one.thread, "event_at": at}
        rows.append(
            {**row, "body": one.text}
            if one.field == "body"
            else {**row, "attributes": [{"key": one.field, "value": one.text}]}
        )
    schema = signal.landing_schema
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    records = Anonymizer(policy, keys).anonymize(frame, signal).records.tail(len(repeats))
    left = [
        row["body"] if one.field == "body" else row["attributes"][0]["value"]
        for row, one in zip(records.iter_rows(named=True), repeats, strict=True)
    ]
    return [one.value.lower() not in text.lower() for one, text in zip(repeats, left, strict=True)]


def _span(one: _Repeat) -> tuple[int, int]:
    start = one.text.index(one.value)
    return start, start + len(one.value)
