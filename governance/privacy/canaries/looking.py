"""Looking for the canaries of many partitions at once.

All values of a species share a stem, drawn for the deployment: so a text is searched for some forty stems however many
partitions there are, and only where one stands in what looks like a canary are the values themselves made and compared.
A text without a stem holds no canary of any day, past or to come. One of `52.63296` stands in a time stamp sooner or
later: making the values of a year's 4,700 partitions took 6 s of every search.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from threading import Lock

import hyperscan
import polars as pl

from governance.privacy.canaries.planting import Canaries, Canary
from governance.privacy.compiling import compiled

# Texts of a column, or bytes that texts stand in.
Texts = pl.Series | bytes

# Hyperscan takes lengths of 32 bits, and of more bytes searches the first few without a word. Pieces share more than a
# stem has.
_MOST_AT_ONCE, _LONGEST = 1 << 30, 512
_ASCII = bytes(byte if byte < 0x80 else 0x20 for byte in range(256))
# Canaries by the place of the stem in what is looked for and its length, then by what is looked for.
_Shapes = Mapping[tuple[int, int], Mapping[str, list[Canary]]]


class Finder:
    """Finds canaries in texts, in any case, with or without the blanks of numbers."""

    def __init__(self, canaries: Canaries, make: Callable[[], Iterable[Canary]]) -> None:
        """`canaries` of the deployment; `make` those looked for, called once, when something looks like one."""
        stems = sorted(canaries.stems)
        self._stems = pl.Series("stems", stems, dtype=pl.String).implode()
        # Of bytes polars searches 330 MB/s, after they were made text; Hyperscan 2.6 GB/s, as they are.
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        self._stem_bytes = compiled(list(map(_expression, stems)), [flags] * len(stems))
        self._lock = Lock()  # Hyperscan's scratch space serves one scan at a time
        self._shapes = f"(?i){'|'.join(sorted(canaries.shapes))}"
        self._make = make

    def find(self, texts: Texts) -> set[Canary]:
        """The canaries that stand in any of the texts (a String series), or in the bytes."""
        return {canary for text in self.suspects(texts) for canary in self._in_text(text.lower())}

    def suspects(self, texts: Texts) -> pl.Series:
        """Those of the texts in which something looks like a canary of this deployment; of bytes, all or none."""
        if isinstance(texts, bytes):
            texts = pl.Series([_shown(texts)] if self._has_stem(texts) else [], dtype=pl.String)
        with_stem = texts.filter(texts.str.contains_any(self._stems, ascii_case_insensitive=True))
        return with_stem.filter(with_stem.str.contains(self._shapes))

    def _has_stem(self, content: bytes) -> bool:
        heard: list[int] = []
        with self._lock:
            for start in range(0, len(content), _MOST_AT_ONCE):
                piece = content[start : start + _MOST_AT_ONCE + _LONGEST]
                self._stem_bytes.scan(piece, match_event_handler=lambda stem, *_: heard.append(stem))
        return bool(heard)

    @cached_property
    def _by_stem(self) -> Mapping[str, _Shapes]:
        by_stem: dict[str, dict[tuple[int, int], dict[str, list[Canary]]]] = defaultdict(lambda: defaultdict(dict))
        for canary in self._make():
            for needle in canary.needles:
                by_shape = by_stem[needle.stem][needle.offset, len(needle.text)]
                by_shape.setdefault(needle.text, []).append(canary)
        return by_stem

    def _in_text(self, text: str) -> Iterator[Canary]:
        for stem, by_shape in self._by_stem.items():
            place = text.find(stem)
            while place >= 0:
                for (offset, length), canaries in by_shape.items():
                    yield from canaries.get(text[place - offset : place - offset + length], ())
                place = text.find(stem, place + 1)


def _expression(stem: str) -> bytes:
    """What finds a stem in bytes: a byte that is not ASCII is a blank there, as `_shown` has it."""
    return re.escape(stem).encode().replace(rb"\ ", rb"[ \x80-\xff]")


def _shown(content: bytes) -> str:
    """Bytes as text, with blanks for what is not ASCII, as no canary has it.

    Replacing what is no UTF-8, as most of a database file, took four times as long.
    """
    return content.translate(_ASCII).decode("ascii")
