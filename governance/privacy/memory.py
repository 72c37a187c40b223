"""What became of texts, remembered: telemetry repeats its values over the days, and a thread's texts are read twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from sys import getsizeof

from governance.privacy.found import Scanned

# What an entry and a finding cost beside their texts.
_PER_TEXT, _PER_FINDING = 250, 200
_MOST_BYTES = 128_000_000  # 200,000 log lines


class Memory:
    """Results of work on texts, up to a size; whatever was asked for last stays longest.

    Only for work whose result follows from the text alone: remembered or done again, it is the same.

    Two generations: once the young one has half of the size it becomes the old one, and the old one is forgotten.
    A text that takes much of the size alone is not kept.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_young = most_bytes // 2
        self._young: dict[Hashable, dict[str, Scanned]] = {}
        self._old: dict[Hashable, dict[str, Scanned]] = {}
        self._bytes = 0

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._bytes = {}, {}, 0

    @property
    def texts(self) -> int:
        """How many are remembered."""
        return sum(len(known) for generation in (self._young, self._old) for known in generation.values())

    def recall(
        self, work: Hashable, texts: Iterable[str], do: Callable[[list[str]], Mapping[str, Scanned]]
    ) -> dict[str, Scanned]:
        """Each distinct text and what becomes of it.

        Args:
            work: names what is done.
            do: does it, with the distinct texts of which it is not known.
        """
        young, old = self._young.get(work, {}), self._old.get(work, {})
        results: dict[str, Scanned] = {}
        unknown: list[str] = []
        for text in dict.fromkeys(texts):
            if (known := young.get(text)) is not None:
                results[text] = known
            elif (known := old.pop(text, None)) is not None:
                results[text] = known
                self._keep(work, text, known)
            else:
                unknown.append(text)
        for text, result in do(unknown).items() if unknown else ():
            results[text] = result
            self._keep(work, text, result)
        return results

    def _keep(self, work: Hashable, text: str, result: Scanned) -> None:
        copies = 1 if result.text is text else 2
        size = _PER_TEXT + copies * getsizeof(text) + _PER_FINDING * len(result.found)
        if size > self._most_young // 8:
            return
        if self._bytes + size > self._most_young:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._bytes += size
        self._young.setdefault(work, {})[text] = result
