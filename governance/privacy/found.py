"""What was found in a text, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from governance.privacy.plain_text import MASK

if TYPE_CHECKING:
    from presidio_analyzer import RecognizerResult

# Presidio's engines take 0.3 s for so many; a text with more is no message but made to keep them busy.
MOST_FINDINGS = 10_000


class TooManyFindings(Exception):
    """A text holds more identifiers than MOST_FINDINGS; its record is held."""


class Found(NamedTuple):
    """One identifier: where it stands in the text that was scanned, what it is, and its value (never shown).

    Presidio's AnonymizerEngine takes it for a result of an analyzer.
    """

    start: int
    end: int
    entity: str
    value: str

    @property
    def entity_type(self) -> str:
        """What it is, by Presidio's name for that."""
        return self.entity

    @property
    def score(self) -> float:
        """1: what is not sure is not kept."""
        return 1.0

    def __repr__(self) -> str:
        return f"Found({self.start}, {self.end}, {self.entity})"


class Scanned(NamedTuple):
    """What became of one distinct text: the text to keep with the entities replaced in it, or why it cannot be kept."""

    text: str | None
    entities: Mapping[str, int]
    refusal: str | None = None
    found: tuple[Found, ...] = ()


@lru_cache(maxsize=512)  # the same few in thousands of texts
def counted(entities: tuple[str, ...]) -> Mapping[str, int]:
    """How often each entity is there."""
    return MappingProxyType(Counter(entities))


def masked(text: str, found: Iterable[Found]) -> str:
    """The text with MASK for each character found."""
    parts: list[str] = []
    position = 0
    for one in sorted(found):
        parts += (text[position : one.start], MASK * (one.end - one.start))
        position = one.end
    return "".join((*parts, text[position:]))


def surest(text: str, analyzed: list[RecognizerResult]) -> list[Found]:
    """The names of a text, the surest of those that overlap, without what is replaced already."""
    kept: list[Found] = []
    taken = bytearray(len(text) if analyzed else 0)
    for result in sorted(analyzed, key=lambda one: (-one.score, one.start, -one.end, one.entity_type)):
        start, end = result.start, result.end
        value = text[start:end]
        if MASK not in value and taken.find(1, start, end) < 0 and value.strip():
            kept.append(Found(start, end, result.entity_type, value))
            taken[start:end] = b"\x01" * (end - start)
    return kept
