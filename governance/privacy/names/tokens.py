"""A text's words as the name model sees them, and what it looks at in each: shared by training and use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from governance.privacy.plain_text import MASK

# Words (an apostrophe inside belongs to them, a possessive s does not), runs of digits, single signs, line breaks.
_TOKEN = re.compile(rf"{MASK}+|" r"[^\W\d_]+(?:['’](?!s\b)[^\W\d_]+)*|\d+|['’]s\b|[^\w\s]|_|\n")
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
    spans = [found.span() for found in _TOKEN.finditer(text)]
    words = [text[start:end] for start, end in spans]
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    glue = [
        BROKEN if before == "\n" else GLUED if start == end else SPACED
        for before, start, end in zip(words, starts[1:], ends, strict=False)
    ]
    return Words(words, starts, ends, [BROKEN, *glue][: len(words)])


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


def word_features(word: str, offset: int) -> Iterator[str]:
    """What a word says of the word `offset` places before it (0: of itself)."""
    low = "0" * min(len(word), 5) if word[0].isdigit() else word.lower()
    low = low if low.isprintable() else "?"
    shape = _shape(word)
    yield f"{offset}w{low}"
    yield f"{offset}s{shape}"
    if offset == 0 and low[0].isalpha():
        edged = f"<{low}>"
        yield f"l{min(len(low), 12)}"
        for size in (2, 3, 4):
            if len(low) > size:
                yield f"p{low[:size]}"
                yield f"e{low[-size:]}"
                yield f"E{shape}{low[-size:]}"
        for size in (3, 4):
            for place in range(len(edged) - size + 1):
                yield f"g{edged[place : place + size]}"
        yield f"W{shape}{low}"
    elif abs(offset) == 1 and low[0].isalpha():
        yield f"{offset}e{low[-3:]}"


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
        own = [one for offset in OFFSETS for one in word_features(padded[here + offset], offset)]
        own.append(pair_feature(shapes[here - 1], shapes[here]))
        own.append(next_feature(shapes[here], shapes[here + 1]))
        own.append(glue_feature(shapes[here], glue[place], glue[place + 1]))
        made.append(own)
    return made
