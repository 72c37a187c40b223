"""Text as its reader sees it: full-width and foreign digits become ASCII, what is invisible goes; places map back."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from html.entities import html5

from governance.privacy.patterns import SEPARATOR

# What was replaced, or is about to be: the name model sees it as one word of no meaning, whatever its length.
MASK = "\ue000"

# A text of these alone, as nearly every log line is, needs no second look.
_ORDINARY = bytes((9, 10, 13, 27, *range(32, 127)))
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00b4": "'", "\u2212": "-"}
# A character as URLs write it, JSON or a language by its number, HTML and XML by its number or name. Each way has to
# begin with a given character, or `re` tries them all at every place: a tenth of all time for tickets.
_ENCODED = re.compile(
    r"%(?:[cC]2%(?=[aA]0))?([0-9A-Fa-f]{2})|\\\\{0,7}(?:u00|x)([0-9A-Fa-f]{2})"
    r"|&#[xX]0{0,4}([0-9A-Fa-f]{2});|&#0{0,4}([0-9]{2,3});|&([A-Za-z]{2,20};)"
)
# Those that are decoded: printable ASCII, and the space at which no line breaks.
_DECODED = {code: chr(code) for code in range(32, 127)} | {160: " "}
_NAMED = {name: ord(value) for name, value in html5.items() if len(value) == 1}
_DECODED_TIMES = 3  # an address in a query inside a query is encoded at each level


class _Plain(dict[int, int | str | None]):
    """What one character becomes; None: it is not there. Filled as characters are met: Unicode has 1.1 million."""

    def __missing__(self, code: int) -> int | str | None:
        self[code] = plain = _plain_character(chr(code))
        return plain


def _plain_character(character: str) -> str | None:
    category = unicodedata.category(character)
    if character in "\t\n\r\x1b" or character == SEPARATOR:
        return character
    if category in ("Cc", "Cf", "Me") or "\ufe00" <= character <= "\ufe0f":
        return None  # zero width, direction marks, soft hyphens, NUL: they split a value that a reader sees whole
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    if character in _QUOTES:
        return _QUOTES[character]
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if len(compatible) == 1 and compatible.isascii() else character


_PLAIN = _Plain()


def plain(text: str) -> tuple[str, Sequence[int] | None]:
    """The text in plain characters; where some went, the place of each that stayed and of the end (else None)."""
    odd = text.encode("utf-8", "surrogatepass").translate(None, _ORDINARY)
    if not odd:
        return text, None
    shown = text
    for character in set(
        odd.decode("utf-8", "surrogatepass")
    ):  # they are few; `translate` would look up all of the text
        shown = shown.replace(character, character.translate(_PLAIN))
    if len(shown) == len(text):
        return shown, None
    kept = [place for place, character in enumerate(text) if _PLAIN[ord(character)] is not None]
    return shown, [*kept, len(text)]


def in_single_bytes(text: str) -> bytes:
    """One byte a character, so that places in the bytes are places in the text; what Latin-1 lacks becomes 0xFF.

    Raises:
        UnicodeEncodeError: half a surrogate pair: no character.
    """
    return text.encode("latin-1", "feedback.single_byte")


def _single_bytes(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    other = error.object[error.start : error.end]
    other.encode()  # raises for half a surrogate pair
    return b"\xff" * len(other), error.end


codecs.register_error("feedback.single_byte", _single_bytes)


def decoded(text: str) -> tuple[str, Sequence[int]] | None:
    """A text with what stands for a character decoded, the place of each and of the end; None: nothing in it does.

    Only ASCII is decoded, and no-break spaces: `%40`, `%2540`, `&#64;`, `&commat;`, `\\u0040` and `\\x40` hide an
    address, `&quot;` a label; the bytes of other letters do not.
    """
    places: Sequence[int] | None = None
    for _ in range(_DECODED_TIMES):
        once = _decoded_once(text)
        if once is None:
            break
        text, inner = once
        places = [places[place] for place in inner] if places else inner
    return (text, places) if places else None


def _code(found: re.Match[str]) -> int:
    *in_hex, number, name = found.groups()
    if name:
        return _NAMED.get(name, -1)
    return int(number) if number else int("".join(filter(None, in_hex)), 16)


def _decoded_once(text: str) -> tuple[str, list[int]] | None:
    parts: list[str] = []
    places: list[int] = []
    position = 0
    for found in _ENCODED.finditer(text):
        shown = _DECODED.get(_code(found))
        if shown is None:
            continue
        parts += (text[position : found.start()], shown)
        places += (*range(position, found.start()), found.start())
        position = found.end()
    if not parts:
        return None
    parts.append(text[position:])
    places += range(position, len(text) + 1)
    return "".join(parts), places
