"""The chain of digests: each entry's covers all before it, so that no part of the record changes unseen.

`digest(n) = SHA-256(digest(n - 1) || entry n)`; before the first entry stand 32 zero bytes. No disk, no database: rows
in, problems out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from governance.audit.decision import parsed
from governance.errors import FeedbackError

NOTHING_BEFORE = bytes(32)

Row = tuple[int, bytes, bytes]
"""Number, entry and digest as they are stored."""

Damage = Literal["edited", "removed", "reordered", "truncated", "added", "head missing", "unguarded", "unreadable"]

# What is wrong with the end, the head or the guards alone: all entries that are there follow from each other.
LOSSES: frozenset[Damage] = frozenset({"truncated", "added", "head missing", "unguarded"})


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was recorded.

    Attributes:
        number: of the entry; the first one where several in a row are gone. 0: not of one entry.
        last: of the entries it is about.
    """

    damage: Damage
    number: int
    last: int
    detail: str

    def __str__(self) -> str:
        which = f"entry {self.number}" if self.number == self.last else f"entries {self.number} to {self.last}"
        return f"{which if self.number else 'the record'}: {self.damage} ({self.detail})"


def chained(before: bytes, entry: bytes) -> bytes:
    """The digest of the chain with one entry more."""
    return hashlib.sha256(before + entry).digest()


class Walk:
    """Goes along a chain row by row and says what is wrong where; knows its end afterwards."""

    def __init__(self) -> None:
        self.number = 0
        self.digest = NOTHING_BEFORE
        self._recomputed = NOTHING_BEFORE  # what the digest of the last row should have been

    def problems(self, rows: Iterable[Row]) -> Iterator[Problem]:
        """Problems of `rows`, which go on where those before them ended."""
        sha256, number, digest = hashlib.sha256, self.number, self.digest
        try:
            for row in rows:
                # The good case alone, as a million entries go through here.
                if row[0] == number + 1 and type(row[1]) is bytes and sha256(digest + row[1]).digest() == row[2]:
                    number, digest = row[0], row[2]
                    self._recomputed = digest
                else:
                    self.number, self.digest = number, digest
                    yield from self._look(*row)
                    number, digest = self.number, self.digest
        finally:
            self.number, self.digest = number, digest

    def _look(self, number: int, entry: bytes, digest: bytes) -> Iterator[Problem]:
        is_next = number == self.number + 1
        if not isinstance(number, int) or number <= self.number:
            yield Problem("added", self.number + 1, self.number + 1, f"a row numbered {number!r:.30} has no place here")
            return
        if not is_next:
            yield Problem("removed", self.number + 1, number - 1, "not there")
        if is_next and isinstance(entry, bytes) and chained(self._recomputed, entry) == digest:
            self._recomputed = digest  # only the digest of the row before was edited, which was told there
        else:
            yield from self._damaged(number, entry, digest, is_next=is_next)
            self._recomputed = chained(self.digest, entry) if is_next and isinstance(entry, bytes) else digest
        self.number, self.digest = number, digest if isinstance(digest, bytes) else self._recomputed

    def _damaged(self, number: int, entry: bytes, digest: bytes, *, is_next: bool) -> Iterator[Problem]:
        """What is wrong with a row whose digest does not follow; behind a gap nothing follows, good rows neither."""
        recorded_as = _number_of(entry)
        if recorded_as not in (number, None):
            yield Problem("reordered", number, number, f"holds what was recorded as {recorded_as}")
        elif is_next or recorded_as is None or not isinstance(digest, bytes) or len(digest) != len(NOTHING_BEFORE):
            yield Problem("edited", number, number, "its entry or its digest does not follow from the one before it")


def _number_of(entry: bytes) -> int | None:
    try:
        return parsed(entry)[0]
    except FeedbackError:
        return None
