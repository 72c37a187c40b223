"""One decision, and the bytes it is recorded as."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from governance.errors import FeedbackError, UsageError

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"

# So much text says who, why and what; more would be content.
LONGEST_TEXT = {"kind": 40, "who": 254, "why": 1_000}
LONGEST_VALUE = 300
MOST_VALUES = 10_000
MOST_BYTES = 500_000

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# The canonical text begins with the time, which always has 32 characters, then the kind.
_BEFORE_KIND = len('{"at":"2026-11-28T13:00:00.000000+00:00","kind":"')


@dataclass(frozen=True)
class Decision:
    """What somebody decided.

    Attributes:
        kind: what was done, such as release, waive or sign_off.
        who: an identity of policies/stewards.yml; for what the product does by itself, the user it ran as.
        why: the reason, in the words of whoever decided.
        at: when (aware; recorded in UTC).
        what: the subject by names, numbers and ids: texts of up to 300 characters, or lists or maps of such values.
            Never the content of a row, never a secret.
    """

    kind: str
    who: str
    why: str
    at: datetime
    what: Mapping[str, JSON]


@dataclass(frozen=True)
class Recorded:
    """A decision as it stands in the record.

    Attributes:
        number: 1, 2, 3 ... without gaps.
        digest: SHA-256 (hex) of the chain up to and with this entry.
    """

    number: int
    decision: Decision
    digest: str


def canonical(number: int, decision: Decision) -> bytes:
    """The one text of an entry: JSON in ASCII, keys sorted, no spaces. The number is in it, so that none can move.

    Raises:
        UsageError: a part of the decision is missing, too long, or no plain value.
    """
    for name, most in LONGEST_TEXT.items():
        text = getattr(decision, name)
        if not text.strip() or len(text) > most or _UNPRINTABLE.search(text):
            raise UsageError(f"decision: {name} has {len(text)} characters; expected one line of 1 to {most}")
    if not _NAME.fullmatch(decision.kind):
        raise UsageError(f"decision: kind is {decision.kind}; expected lower case letters, digits and _")
    if decision.at.tzinfo is None:
        raise UsageError(f"decision: at is {decision.at.isoformat()} without a time zone; expected one in UTC")
    for name, value in decision.what.items():
        _check_value(f"decision: what.{name}", value, depth=0)
    parts = {
        "at": decision.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": decision.kind,
        "number": number,
        "what": decision.what,
        "who": decision.who,
        "why": decision.why,
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=dict, allow_nan=False).encode()
    if len(text) > MOST_BYTES:
        raise UsageError(
            f"decision: {len(text):,} bytes; at most {MOST_BYTES:,} go into one, decide on fewer ids at once"
        )
    return text


def parsed(entry: bytes) -> tuple[int, Decision]:
    """Number and decision of a canonical text.

    Raises:
        FeedbackError: it is none.
    """
    try:
        parts = json.loads(entry)
        at = datetime.fromisoformat(parts["at"])
        return parts["number"], Decision(parts["kind"], parts["who"], parts["why"], at, parts["what"])
    except (KeyError, TypeError, ValueError) as error:
        raise FeedbackError(
            f"decision record: an entry is not readable ({type(error).__name__}); see `feedback audit verify`"
        ) from None


def kind_at(kind: str) -> tuple[int, bytes]:
    """Where in a canonical text its kind stands (from 0), and the bytes that stand there if it is `kind`."""
    return _BEFORE_KIND, f'{kind}"'.encode()


def _check_value(where: str, value: JSON, depth: int) -> None:
    if isinstance(value, str):
        if len(value) > LONGEST_VALUE or _UNPRINTABLE.search(value):
            raise UsageError(f"{where} has {len(value)} characters; expected one line of at most {LONGEST_VALUE}")
    elif isinstance(value, list | tuple | Mapping):
        if depth or len(value) > MOST_VALUES:
            raise UsageError(
                f"{where} is a list or map of {len(value):,}; expected at most {MOST_VALUES:,} plain values"
            )
        for part in (*value, *value.values()) if isinstance(value, Mapping) else value:
            _check_value(where, part, depth + 1)
    elif value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
        raise UsageError(f"{where} is a {type(value).__name__}; expected text, a number, true, false, null or a list")
