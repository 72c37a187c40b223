"""Looking for the canaries of many partitions at once.

All values of a species share a stem, drawn for the deployment: so a text is searched for some forty stems however many
partitions there are, and only where one stands are the values themselves made and compared. A text without a stem holds
no canary of any day, past or to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import polars as pl

from governance.privacy.canaries.planting import Canary

# Canaries by the place of the stem in what is looked for and its length, then by what is looked for.
_Shapes = Mapping[tuple[int, int], Mapping[str, list[Canary]]]


class Finder:
    """Finds canaries in texts, in any case, with or without the blanks of numbers."""

    def __init__(self, stems: Iterable[str], canaries: Callable[[], Iterable[Canary]]) -> None:
        """`stems` of the deployment (Canaries.stems); `canaries` is called once, when a stem is found."""
        self.stems = frozenset(stems)
        self._stems = pl.Series("stems", sorted(self.stems), dtype=pl.String).implode()
        self._make = canaries

    def find(self, texts: pl.Series) -> set[Canary]:
        """The canaries that stand in any of the texts (a String series)."""
        return {canary for text in self.suspects(texts) for canary in self._in_text(text.lower())}

    def suspects(self, texts: pl.Series) -> pl.Series:
        """Those of the texts in which a stem stands."""
        return texts.filter(texts.str.contains_any(self._stems, ascii_case_insensitive=True))

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
