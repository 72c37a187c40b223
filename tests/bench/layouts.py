"""Identifiers in the layouts in which systems and people write them: a seeded corpus with the span of each value."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import ascii_letters, digits

ALPHANUMERIC = ascii_letters + digits


@dataclass(frozen=True)
class Case:
    """A text, and the characters [start, end) of it that are a value of the type."""

    type: str
    layout: str
    text: str
    start: int
    end: int


def _some(rng: random.Random, alphabet: str, size: int) -> str:
    return "".join(rng.choices(alphabet, k=size))


def _card(rng: random.Random) -> str:
    body = "4" + _some(rng, digits, 14)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(body))
    number = body + str(-total % 10)
    separator = rng.choice(("", " ", "-"))
    return separator.join(number[place : place + 4] for place in range(0, 16, 4))


def _iban(rng: random.Random) -> str:
    account = _some(rng, digits, 18)
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


# Per type: the label a system writes before it, and the value.
TYPES: Mapping[str, tuple[str, Callable[[random.Random], str]]] = {
    "email": ("email", lambda rng: f"{_some(rng, 'abcdeilmnost', 7)}.{rng.randint(1, 99)}@example.co.uk"),
    "phone": ("phone", lambda rng: f"+49 30 {rng.randint(10**6, 10**7 - 1)}"),
    "card": ("card", _card),
    "iban": ("iban", _iban),
    "ssn": ("ssn", lambda rng: f"{rng.randint(100, 665)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"),
    "ipv4": ("client", lambda rng: f"203.0.{rng.randint(0, 255)}.{rng.randint(1, 254)}"),
    "ipv6": ("client", lambda rng: f"2001:db8::{rng.randint(4096, 65535):x}:{rng.randint(4096, 65535):x}"),
    "mac": ("mac", lambda rng: ":".join(f"{rng.randint(0, 255):02x}" for _ in range(6))),
    "user": ("username", lambda rng: f"{_some(rng, 'abcdeilmnost', 6)}_{rng.randint(1, 99)}"),
    "password": ("password", lambda rng: _some(rng, ALPHANUMERIC + "!?", 12)),
    "github_token": ("value", lambda rng: "ghp_" + _some(rng, ALPHANUMERIC, 36)),
    "aws_key": ("value", lambda rng: "AKIA" + _some(rng, "ABCDEFGHJKLMNPQRSTUVWXYZ234567", 16)),
}

# Where the label stands ({label}) and where the value ({value}).
LAYOUTS: Mapping[str, str] = {
    "json": '{{"level":"info","{label}":"{value}","took":12}}',
    "escaped json": '{{"body":"{{\\"{label}\\":\\"{value}\\",\\"took\\":12}}"}}',
    "logfmt": "level=info {label}={value} took=12ms",
    "stack trace": "ValueError: {label}={value}\n    at org.shop.Pay.check(Pay.java:41)",
    "mail": "Hi,\n> On Monday you wrote:\n> {label}: {value}\n\nregards",
    "chat": "[10:41] sure, {label}: {value}, can you look?",
    "yaml": "app:\n  {label}: {value}\n  retries: 3",
    "xml": "<r><{label}>{value}</{label}></r>",
    "syslog": "<34>Oct 11 22:14:15 web1 app[311]: {label}={value}",
}


def cases(seed: int, repeats: int) -> Iterator[Case]:
    """Every type in every layout, `repeats` times; the same for the same seed."""
    rng = random.Random(seed)
    for kind, (label, make) in TYPES.items():
        for layout, template in LAYOUTS.items():
            for _ in range(repeats):
                value = make(rng)
                start = len(template.split("{value}")[0].format(label=label))
                yield Case(kind, layout, template.format(label=label, value=value), start, start + len(value))
