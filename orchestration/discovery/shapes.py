"""What values look like: their form, length and variety, never a value itself."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("true or false", re.compile(r"true|false|yes|no", re.IGNORECASE)),
    ("uuid", re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)),
    ("number", re.compile(r"-?[0-9]{1,40}")),
    ("decimal", re.compile(r"-?[0-9]{1,20}[.,][0-9]{1,20}(?:[eE][+-]?[0-9]{1,3})?")),
    ("e-mail", re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}\.[^@\s]{2,63}")),
    ("MAC", re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)),
    ("time", re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.{0,24})?")),
    ("URL", re.compile(r"[a-z][a-z0-9+.-]{1,20}://\S+", re.IGNORECASE)),
    ("path", re.compile(r"(?:[A-Za-z]:)?[/\\]\S*")),
    ("hex", re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,}", re.IGNORECASE)),
    ("phone", re.compile(r"\+[0-9][0-9 ()./-]{6,20}")),
    ("JSON", re.compile(r"[{\[].*[}\]]", re.DOTALL)),
    ("word", re.compile(r"[^\W\d_]+")),
    # Possessive: a row of dashes could be parted in more ways than there is time for.
    ("dotted name", re.compile(r"[^\W\d]\w*(?:[.:/-][\w-]++)+")),
    ("code", re.compile(r"[\w.:/=+#-]+")),
)
_WITH_DIGITS = ("number",)
# What people or programs write at length is not drawn sign by sign.
_NOT_DRAWN = frozenset(("text", "JSON", "empty"))
_LONG_RUN = re.compile(r"A{9,}|9{9,}")
_LONGEST_MASK, _MOST_MASKS = 24, 3


def form_of(value: str) -> str:
    """The form of one value."""
    if not value.strip():
        return "empty"
    try:
        ipaddress.ip_address(value)
    except ValueError:
        pass
    else:
        return "IP address"
    short = value[:4096]
    return next((name for name, form in _FORMS if form.fullmatch(short)), "text")


def mask_of(value: str) -> str:
    """The value with A for each letter and 9 for each digit, long runs cut: `ACME-4711` is `AAAA-9999`."""
    drawn = "".join(map(_drawn, value[:256]))
    short = _LONG_RUN.sub(lambda run: f"{run[0][0]}..", drawn)
    return short if len(short) <= _LONGEST_MASK else f"{short[:_LONGEST_MASK]}.."


def _drawn(sign: str) -> str:
    if sign.isalpha():
        return "A"
    if sign.isdigit():
        return "9"
    return sign if sign.isascii() and sign.isprintable() else "?"


@dataclass(frozen=True)
class Shapes:
    """What the values of one field look like.

    Attributes:
        values: how many there are; distinct: how many different ones.
        forms: share of each form, by form; the most frequent first.
        lengths: shortest and longest, in characters; digits: of the numbers among them, None without.
        words: of the texts among them, the mean number of words.
        masks: the most frequent drawings (`mask_of`) of what is neither text nor JSON.
    """

    values: int
    distinct: int
    forms: Mapping[str, float]
    lengths: tuple[int, int]
    digits: tuple[int, int] | None
    words: float
    masks: tuple[str, ...] = ()

    @property
    def filled(self) -> float:
        """The share of values that are not empty."""
        return 1 - self.forms.get("empty", 0)

    def share(self, *forms: str) -> float:
        """The share of values of these forms among those that are not empty."""
        return sum(self.forms.get(form, 0) for form in forms) / self.filled if self.filled else 0.0

    def described(self) -> str:
        """`e-mail 40 %, number 4-6 digits 60 %; 37 % distinct; length 4-31`, and `; like 9999 or A@A.A` with masks."""
        told = [f"{self._named(form)} {_percent(share)}" for form, share in list(self.forms.items())[:4]]
        distinct = _percent(self.distinct / self.values) if self.values else "0 %"
        like = f"; like {' or '.join(self.masks)}" if self.masks else ""
        return f"{', '.join(told)}; {distinct} distinct; length {_range(self.lengths)}{like}"

    def _named(self, form: str) -> str:
        return f"{form} {_range(self.digits)} digits" if form in _WITH_DIGITS and self.digits else form


def shapes_of(counts: Mapping[str, int], *, with_masks: bool = False) -> Shapes:
    """The shapes of values, each with how often it occurs; masks take as long as all the rest."""
    forms: Counter[str] = Counter()
    digits: list[int] = []
    words: list[int] = []
    masks: Counter[str] = Counter()
    for value, count in counts.items():
        form = form_of(value)
        forms[form] += count
        if with_masks and form not in _NOT_DRAWN:
            masks[mask_of(value)] += count
        if form == "number":
            digits.append(len(value.lstrip("-")))
        elif form == "text":
            words.append(len(value.split()))
    total = sum(counts.values())
    shares = {form: count / total for form, count in sorted(forms.items(), key=lambda item: (-item[1], item[0]))}
    lengths = [len(value) for value in counts]
    return Shapes(
        values=total,
        distinct=len(counts),
        forms=shares,
        lengths=(min(lengths, default=0), max(lengths, default=0)),
        digits=(min(digits), max(digits)) if digits else None,
        words=_mean(words),
        masks=tuple(mask for mask, _ in sorted(masks.items(), key=lambda item: (-item[1], item[0]))[:_MOST_MASKS]),
    )


def _mean(numbers: Iterable[int]) -> float:
    listed = list(numbers)
    return sum(listed) / len(listed) if listed else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 or share == 0 else "<1 %"


def _range(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}-{pair[1]}"
