"""Values of canaries, derived from the id key: none is stored, all can be made again at any time to look for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.keys import Keyring
from governance.privacy.canaries.species import KINDS, Species
from governance.privacy.numeric import card

_PART = re.compile(r"<([a-zA-Z])(\d+)>|\[([a-zA-Z])(\d+)\]|(%)|([{}])|([^<\[%{}]+)")


@dataclass(frozen=True)
class Needle:
    """What is looked for, in lower case.

    Attributes:
        stem: the part that all partitions of a deployment share; `offset` is where it stands in the text.
    """

    text: str
    stem: str
    offset: int


@dataclass(frozen=True)
class Value:
    """A value as it is planted, and what is looked for."""

    text: str
    needles: tuple[Needle, ...]


class Mint:
    """Makes the values of one species for one deployment."""

    def __init__(self, species: Species, keys: Keyring) -> None:
        self._species, self._keys = species, keys
        own = _Draw(keys, "own", species.name)
        # literal text, or kind and count of what is drawn for each partition
        self._parts = [_fixed(match, own) for match in _PART.finditer(species.value)]

    @property
    def stems(self) -> frozenset[str]:
        """What all values have in common, in each form that is looked for."""
        return frozenset(needle.stem for needle in self.value().needles)

    @property
    def shapes(self) -> frozenset[str]:
        """What any value looks like, in each form that is looked for: regular expressions of lower case."""
        shape = _shape(self._parts)
        return frozenset([shape, *([shape.replace(re.escape(" "), "")] if self._species.is_compact else [])])

    def value(self, *context: str) -> Value:
        """The value for a partition and place: the same context, the same value."""
        draw = _Draw(self._keys, "partition", self._species.name, *context)
        pieces = [(part, True) if isinstance(part, str) else (draw.take(*part), False) for part in self._parts]
        text = "".join(piece for piece, _ in pieces if piece not in ("{", "}"))
        checked = _with_check_digits(text)
        start, end = (_place(pieces, brace) for brace in "{}")
        stem = _stem(pieces)
        needle = checked[start:end].lower()
        needles = [Needle(needle, stem, needle.find(stem))]
        if self._species.is_compact:
            compact, stem = needle.replace(" ", ""), stem.replace(" ", "")
            needles.append(Needle(compact, stem, compact.find(stem)))
        return Value(checked, tuple(needles))


class _Draw:
    """A stream of choices out of 256 bits that the id key and the context decide."""

    def __init__(self, keys: Keyring, *context: str) -> None:
        name = "\x00".join(("canary", *context)).encode()
        self._number = int(keys.record_id(name) + keys.record_id(name + b"\x00more"), 16)

    def take(self, kind: str, count: int) -> str:
        taken = []
        for _ in range(count):
            self._number, place = divmod(self._number, len(KINDS[kind]))
            taken.append(KINDS[kind][place])
        return "".join(taken)


def _fixed(match: re.Match[str], own: _Draw) -> str | tuple[str, int]:
    own_kind, own_count, kind, count, *rest = match.groups()
    if own_kind:
        return own.take(own_kind, int(own_count))
    return (kind, int(count)) if kind else next(part for part in rest if part)


def _place(pieces: list[tuple[str, bool]], brace: str) -> int:
    """Where a brace of the template stands in the text without braces."""
    place = 0
    for piece, _ in pieces:
        if piece == brace:
            break
        place += len(piece) if piece not in ("{", "}") else 0
    return place


def _stem(pieces: list[tuple[str, bool]]) -> str:
    """The longest run of what is looked for that is the same for all partitions."""
    runs, run, is_inside = [], "", False
    for piece, is_fixed in pieces:
        is_inside = (is_inside or piece == "{") and piece != "}"
        if is_inside and is_fixed and piece not in ("{", "%"):
            run += piece
        else:
            runs.append(run)
            run = ""
    return max(runs, key=len).lower()


def _shape(parts: Sequence[str | tuple[str, int]]) -> str:
    """A regular expression of what is looked for."""
    shape, is_inside = "", False
    for part in parts:
        if part in ("{", "}"):
            is_inside = part == "{"
        elif is_inside:
            shape += _form(part)
    return shape


def _form(part: str | tuple[str, int]) -> str:
    if isinstance(part, str):
        return "[0-9]" if part == "%" else re.escape(part.lower())
    kind, count = part
    return f"(?:{'|'.join(sorted({taken.lower() for taken in KINDS[kind]}))}){{{count}}}"


def _with_check_digits(text: str) -> str:
    """The text with `%%` as an IBAN's check number and `%` as Luhn's digit."""
    if "%%" in text:
        taken = text.replace(" ", "")
        number = "".join(str(int(character, 36)) for character in f"{taken[4:]}{taken[:2]}00")
        return text.replace("%%", f"{98 - int(number) % 97:02}")
    if "%" in text:
        candidates = (text.replace("%", str(digit)) for digit in range(10))
        return next(candidate for candidate in candidates if card(candidate, 0, len(candidate)))
    return text


def mints(species: tuple[Species, ...], keys: Keyring) -> Mapping[str, Mint]:
    """One mint per species, by name."""
    return {one.name: Mint(one, keys) for one in species}
