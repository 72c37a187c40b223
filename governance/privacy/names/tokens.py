"""A text's words as the name model sees them, and what it looks at in each: shared by training and use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from governance.privacy.plain_text import MASK

# Words (an apostrophe inside belongs to them, a possessive s does not), runs of digits, single signs, line breaks; each
# with the white space behind it: one look-up tells the word and how the next one hangs on it.
_PIECE = re.compile(rf"(?:{MASK}+|" r"[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)*|\d+|['’]s\b|[^\w\s]|_|\n)[^\S\n]*")
BOUNDARY = "\x02"  # stands before the first and behind the last word

# How a word hangs on the one before it.
SPACED, GLUED, BROKEN = 0, 1, 2
OFFSETS = (-2, -1, 0, 1, 2)
# Upper-case and title-case words are told apart from the rest by these classes; a sign is its own class.
SHAPES = (
    "^",
    "n",
    "d1",
    "d2",
    "d4",
    "d9",
    "X",
    "XX",
    "XXX",
    "Xx",
    "x1",
    "x",
    "xX",
    "c",
    "p",
    *".,:;-'\"()[]{}<>@/\\_=&|#*+!?$%’“”",
)
_SHAPE_ID = {shape: number for number, shape in enumerate(SHAPES)}


@dataclass(frozen=True)
class Words:
    """The words of one text: what they are, where they stand, how they hang together."""

    words: list[str]
    starts: list[int]
    ends: list[int]
    glue: list[int]


def split(text: str) -> Words:
    """The words of a text in order."""
    pieces = pieces_of(text)
    words = list(map(word_of, pieces))
    starts = starts_of(text, pieces)
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    glue = [
        BROKEN if word == "\n" else GLUED if word == piece else SPACED
        for word, piece in zip(words, pieces, strict=True)
    ]
    return Words(words, starts, ends, [BROKEN, *glue][: len(words)])


def pieces_of(text: str) -> tuple[str, ...]:
    """The words of a text in order, each with the white space behind it."""
    return tuple(_PIECE.findall(text))


def word_of(piece: str) -> str:
    """The word without the white space behind it."""
    return piece.rstrip() or "\n"


def starts_of(text: str, pieces: Sequence[str]) -> list[int]:
    """Where each of the pieces of a text begins; white space may stand before the first."""
    lengths = list(map(len, pieces))
    return list(accumulate(lengths[:-1], initial=len(text) - sum(lengths)))[: len(pieces)]


def shape_of(word: str) -> int:
    """The class of a word, as a place in SHAPES."""
    return _SHAPE_ID[_shape(word)]


def _shape(word: str) -> str:
    if word == BOUNDARY:
        return "^"
    if word == "\n":
        return "n"
    if word[0].isdigit():
        return "d1" if len(word) == 1 else "d2" if len(word) == 2 else "d4" if len(word) <= 4 else "d9"
    if not word[0].isalpha():
        return word if word in _SHAPE_ID else "p"
    if word.islower():
        return "x1" if len(word) == 1 else "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX" if len(word) < 4 else "XXX"
    if word[0].isupper() and (word[1:].islower() or re.fullmatch(r"(?:Mc|Mac|[OD]['’]|De|La|Le|Van)\w+", word)):
        return "Xx"
    return "c" if word.lower() == word.upper() else "xX"


def word_features(word: str) -> tuple[list[str], list[str]]:
    """What a word says of itself and of those around it, and what it says of itself alone."""
    low = "0" * min(len(word), 5) if word[0].isdigit() else word.lower()
    low = low if low.isprintable() else "?"
    shape = _shape(word)
    around = [f"w{low}", f"s{shape}"]
    if not low[0].isalpha():
        return around, []
    around.append(f"e{low[-3:]}")
    own = [f"l{min(len(low), 12)}"]
    for size in (2, 3, 4):
        if len(low) > size:
            own += (f"p{low[:size]}", f"e{low[-size:]}", f"E{shape}{low[-size:]}")
    edged = f"<{low}>"
    own += [f"g{edged[place : place + size]}" for size in (3, 4) for place in range(len(edged) - size + 1)]
    own.append(f"W{shape}{low}")
    return around, own


def pair_feature(before: int, shape: int) -> str:
    """What the classes of two neighbours say of the second."""
    return f"b{SHAPES[before]}|{SHAPES[shape]}"


def next_feature(shape: int, behind: int) -> str:
    """What the classes of two neighbours say of the first."""
    return f"n{SHAPES[shape]}|{SHAPES[behind]}"


def glue_feature(shape: int, glue: int, next_glue: int) -> str:
    """What a word's class and the way it hangs on its neighbours say: technical words are glued to signs."""
    return f"h{SHAPES[shape]}|{glue}{next_glue}"


def features(words: Words) -> list[list[str]]:
    """Everything the model looks at, word by word, for training."""
    padded = [BOUNDARY, BOUNDARY, *words.words, BOUNDARY, BOUNDARY]
    shapes = [shape_of(word) for word in padded]
    glue = [*words.glue, BROKEN]
    made = []
    for place in range(len(words.words)):
        here = place + 2
        own: list[str] = []
        for offset in OFFSETS:
            around, alone = word_features(padded[here + offset])
            own += [f"{offset}{name}" for name in around if name[0] != "e" or abs(offset) == 1]
            own += alone if offset == 0 else ()
        own.append(pair_feature(shapes[here - 1], shapes[here]))
        own.append(next_feature(shapes[here], shapes[here + 1]))
        own.append(glue_feature(shapes[here], glue[place], glue[place + 1]))
        made.append(own)
    return made
