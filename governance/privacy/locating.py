"""Where in a long text a pattern can match, by Hyperscan; the pattern itself is tried only there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from threading import Lock

from governance.privacy.compiling import database
from governance.privacy.numeric import Span
from governance.privacy.patterns import Pattern

_Judge = Callable[[re.Match[str]], Span | None]

# In a shorter text trying a pattern everywhere costs less than asking where its head is, unless that is short itself.
_SHORT = 400
_SHORT_HEAD = 32


class Locator:
    """Finds the matches of one pattern by way of the matches of its head (see heads.py)."""

    def __init__(self, pattern: Pattern) -> None:
        self._expression, self._longest = pattern.compiled, pattern.head.longest
        self._is_always_located = pattern.head.longest <= _SHORT_HEAD and not pattern.head.is_run
        self._starts = re.compile(pattern.head.start, re.ASCII)
        self._lock = Lock()  # Hyperscan's scratch space serves one scan at a time
        # Only ends of matches are asked for: telling their starts (HS_FLAG_SOM_LEFTMOST) crashed on ordinary text.
        self._database = database(f"head_{pattern.name}", {pattern: pattern.head.expression}, 0)

    def spans(self, text: str, encoded: bytes, judge: _Judge) -> Iterator[Span]:
        """What `judge` makes of the matches in the text, None left out; `encoded`: the text in single bytes.

        Matches do not overlap, but the value of one that is refused can be the label of another:
        `session "session": "..."`. Each place is tried once, so that time grows with the text only.
        """
        is_short = len(text) < _SHORT and not self._is_always_located
        return self._searched(text, judge) if is_short else self._located(text, encoded, judge)

    def _searched(self, text: str, judge: _Judge) -> Iterator[Span]:
        position = 0
        while match := self._expression.search(text, position):
            span = judge(match)
            if span:
                yield span
            position = match.end() if span else _behind_refused(match)

    def _located(self, text: str, encoded: bytes, judge: _Judge) -> Iterator[Span]:
        position = 0
        match_at = self._expression.match
        for start, end in self._places(encoded):
            for place in self._starts.finditer(text, start, end):
                if place.start() >= position and (match := match_at(text, place.start())):
                    span = judge(match)
                    if span:
                        yield span
                    position = match.end() if span else _behind_refused(match)

    def _places(self, encoded: bytes) -> list[tuple[int, int]]:
        """From where to where a match can begin: in order, and apart from each other."""
        ends: list[int] = []

        def on_match(_: int, start: int, end: int, flags: int, context: object) -> None:
            ends.append(end)

        with self._lock:
            self._database.scan(encoded, match_event_handler=on_match)
        places: list[tuple[int, int]] = []
        begun, last = 0, -1
        for end in sorted(ends):
            start = end - self._longest
            if last < 0:
                begun = start
            elif start > last:
                places.append((max(0, begun), last))
                begun = start
            last = end
        return [*places, (max(0, begun), last)] if ends else places


def _behind_refused(match: re.Match[str]) -> int:
    """From where on a refused match is searched again: from its value, where it has one."""
    return max(match.start(match.lastgroup), match.start() + 1) if match.lastgroup else match.end()
