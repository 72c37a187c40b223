"""The name model: a linear-chain CRF, trained elsewhere (train.py), read with numpy alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from governance.privacy.checks import OWN_TOKEN
from governance.privacy.names.tokens import (
    BOUNDARY,
    BROKEN,
    GLUED,
    OFFSETS,
    SHAPES,
    Words,
    glue_feature,
    next_feature,
    pair_feature,
    shape_of,
    split,
    word_features,
)
from governance.privacy.plain_text import MASK
from governance.privacy.policy import SHIPPED_NAMES

SHIPPED = SHIPPED_NAMES
ENTITIES = ("PERSON", "LOCATION", "ORGANIZATION")
LABELS = ("O", *(f"{begin}-{entity}" for entity in ENTITIES for begin in "BI"))

# A word belongs to a name from this probability on; policies/privacy.yml asks more of the name as a whole.
FLOOR = 0.02
_OF_PEAK = 0.3  # and at the edges of a name this share of what its surest word has
# Most words without a capital letter are no names ("my bank", "a voucher"): only one the model is sure of counts.
_WITHOUT_A_CAPITAL = 6
_CHAIN = 48  # longer lines are read in pieces, so that time grows with length only and many fit into one matrix
_WORDS_KEPT = 140_000  # more than a text of the longest length allowed has
_LONGEST_WORD = 64
_LINES_KEPT = 20_000
_CHAINS_AT_ONCE = 512
_CHAINS_AT_ONCE = 512
_LONGEST_LINE_KEPT = 512
_OURS = re.compile(rf"<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern}")
_DIGIT = re.compile(r"\d")

Floats = npt.NDArray[np.float64]


class NameFinding(NamedTuple):
    """One name: its place in the text, what it is, and how sure the model is (0 to 1)."""

    start: int
    end: int
    entity: str
    score: float


class _Line(NamedTuple):
    """One line, and the words next to it in the lines before and behind (BOUNDARY: there is none)."""

    text: str
    before: str
    behind: str

    @property
    def is_continued(self) -> bool:
        """Whether a line stands before it."""
        return self.before != BOUNDARY


class NameModel:
    """Finds names; the result of a text depends on the text alone.

    Emissions are sums of tables: what a word says of its neighbours is computed once per distinct word, so reading
    costs a dictionary look-up a word and a few matrix operations a batch.
    """

    def __init__(self, features: list[str], weights: Floats, transitions: Floats) -> None:
        """`weights`: one row a feature, one column a label; `transitions`: from label (row) to label (column)."""
        self._rows = dict(zip(features, range(len(features)), strict=True))
        self._weights = np.vstack([weights, np.zeros((1, len(LABELS)))])
        self._transitions = np.exp(transitions)
        count = range(len(SHAPES))
        self._pairs = self._table([[pair_feature(one, two) for two in count] for one in count])
        self._nexts = self._table([[next_feature(one, two) for two in count] for one in count])
        self._glues = self._table(
            [[glue_feature(shape, glue, behind) for glue in range(3) for behind in range(3)] for shape in count]
        )
        self._lock = Lock()
        self._read: dict[_Line, list[NameFinding]] = {}
        self._words: dict[str, Words] = {}
        self._forget()

    @classmethod
    def load(cls, path: Path = SHIPPED) -> NameModel:
        """The model at `path` (made by train.py).

        Raises:
            OSError: there is none.
        """
        with np.load(path) as stored:
            features = bytes(stored["features"]).decode().split("\x00")
            weights = stored["weights"].astype(np.float64) * stored["scale"]
            return cls(features, weights, stored["transitions"].astype(np.float64))

    def find(self, texts: Sequence[str]) -> list[list[NameFinding]]:
        """The names of each text, in order; none overlap.

        What a line says depends on it and on the words beside it, so each is read once in the same company.

        Raises:
            ValueError: more than 140,000 different words at once.
        """
        with self._lock:  # what is remembered is shared
            if len(self._read) > _LINES_KEPT:
                self._read, self._words = {}, {}
            read = [self._lines(_shape(text)) for text in texts]
            new = [line for line in dict.fromkeys(chain.from_iterable(read)) if line not in self._read]
            self._read |= zip(new, self._names(new), strict=True)
            results = [_of_text(lines, self._read) for lines in read]
            for line in new:
                if len(line.text) > _LONGEST_LINE_KEPT:  # it hardly comes again
                    del self._read[line]
                    self._words.pop(line.text, None)
        return results

    def _lines(self, text: str) -> list[_Line]:
        """The lines of a text, each with the last word before and the first word behind it."""
        texts = text.split("\n")
        words = [self._split(line).words for line in texts]
        before = [BOUNDARY, *(own[-1] if own else "\n" for own in words[:-1])]
        behind = [*(own[0] if own else "\n" for own in words[1:]), BOUNDARY]
        return list(map(_Line, texts, before, behind))

    def _split(self, line: str) -> Words:
        words = self._words.get(line)
        if words is None:
            words = self._words[line] = split(line)
        return words

    def _table(self, names: list[list[str]]) -> Floats:
        return np.array([[self._weights[self._rows.get(name, -1)] for name in row] for row in names])

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._said = np.zeros((_WORDS_KEPT, len(OFFSETS), len(LABELS)), dtype=np.float32)
        self._shapes = np.zeros(_WORDS_KEPT, dtype=np.int64)

    def _places(self, words: list[str]) -> npt.NDArray[np.int64]:
        """The row of each word in the tables; new words are added."""
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        if len(self._known) + len(new) > _WORDS_KEPT:
            self._forget()
            new = list(dict.fromkeys(words))
        if len(new) > _WORDS_KEPT:
            raise ValueError(f"{len(new)} different words at once; at most {_WORDS_KEPT}")
        self._learn(new)
        return np.array([self._known[word] for word in words], dtype=np.int64)

    def _learn(self, words: list[str]) -> None:
        """Sum up, for each word and offset, what the features of the word say there."""
        rows: list[int] = []
        starts = [0]
        get, unknown = self._rows.get, len(self._rows)  # the last row says nothing
        for word in words:
            short = word[:_LONGEST_WORD]
            self._shapes[len(self._known)] = shape_of(short)
            self._known[word] = len(self._known)
            for offset in OFFSETS:
                rows += [get(name, unknown) for name in word_features(short, offset)]
                starts.append(len(rows))
        if words:
            first = len(self._known) - len(words)
            said = np.add.reduceat(self._weights[rows], starts[:-1])
            self._said[first : len(self._known)] = said.reshape(len(words), len(OFFSETS), len(LABELS))

    def _names(self, lines: list[_Line]) -> list[list[NameFinding]]:
        """The names of each line."""
        likely, bounds = self._probabilities(lines)
        by_entity = likely[:, 1::2] + likely[:, 2::2]
        strongest = by_entity.max(axis=1, initial=0.0)
        holding = set(np.searchsorted(bounds, np.flatnonzero(strongest >= FLOOR), side="right").tolist())
        best, strength = by_entity.argmax(axis=1), strongest.round(6)
        names: list[list[NameFinding]] = [[] for _ in lines]
        for number in holding:
            line, own = lines[number - 1], slice(bounds[number - 1], bounds[number])
            of_line = best[own].tolist()[line.is_continued :], strength[own].tolist()[line.is_continued :]
            names[number - 1] = _names(line.text, self._split(line.text), *of_line)
        return names

    def _probabilities(self, lines: list[_Line]) -> tuple[Floats, list[int]]:
        """One row a word, one column a label, line by line; and where each line begins, and the last one ends.

        The line break before a continued line is its first word.
        """
        scores, bounds = self._emissions(lines)
        pieces = [
            slice(start, min(end, start + _CHAIN))
            for begin, end in pairwise(bounds)
            for start in range(begin, end, _CHAIN)
        ]
        for first in range(0, len(pieces), _CHAINS_AT_ONCE):
            some = pieces[first : first + _CHAINS_AT_ONCE]
            for piece, likely in zip(some, self._marginals([scores[piece] for piece in some]), strict=True):
                scores[piece] = likely
        return scores, bounds

    def _emissions(self, lines: list[_Line]) -> tuple[Floats, list[int]]:
        """Scores of each label for each word of the lines."""
        words: list[str] = []
        at: list[int] = []
        glue: list[int] = []
        glue_behind: list[int] = []
        bounds = [0]
        for line in lines:
            read = self._split(line.text)
            own = [*[GLUED] * line.is_continued, *read.glue]
            words += (BOUNDARY, line.before, *["\n"] * line.is_continued)
            at += range(len(words) - line.is_continued, len(words) + len(read.words))
            words += (*read.words, *["\n"] * (line.behind != BOUNDARY), line.behind, BOUNDARY)
            glue += own
            glue_behind += [*own[1:], BROKEN][: len(own)]
            bounds.append(len(at))
        places, here = self._places(words), np.array(at, dtype=np.int64)
        shapes = self._shapes[places]
        scores = self._pairs[shapes[here - 1], shapes[here]] + self._nexts[shapes[here], shapes[here + 1]]
        scores += self._glues[shapes[here], np.array(glue, dtype=np.int64) * 3 + np.array(glue_behind, dtype=np.int64)]
        for number, offset in enumerate(OFFSETS):
            scores += self._said[places[here + offset], number]
        return scores, bounds

    def _marginals(self, chains: list[Floats]) -> list[Floats]:
        """Forward-backward over many chains at once, scaled at each step."""
        longest = max(map(len, chains))
        scores = np.zeros((longest, len(chains), len(LABELS)))
        lengths = np.array(list(map(len, chains)))
        for number, own in enumerate(chains):
            scores[: len(own), number] = own
        potentials = np.exp(scores - scores.max(axis=2, keepdims=True))
        forward = np.empty_like(potentials)
        state = potentials[0] / potentials[0].sum(axis=1, keepdims=True)
        forward[0] = state
        for step in range(1, longest):
            state = (state @ self._transitions) * potentials[step]
            state /= state.sum(axis=1, keepdims=True)
            forward[step] = state
        backward = np.ones((len(chains), len(LABELS)))
        likely = np.empty_like(forward)
        for step in range(longest - 1, -1, -1):
            both = forward[step] * backward
            likely[step] = both / both.sum(axis=1, keepdims=True)
            backward = (potentials[step] * backward) @ self._transitions.T
            backward /= backward.sum(axis=1, keepdims=True)
            backward[lengths <= step] = 1.0  # behind a chain's end there is nothing to know
        return [likely[:length, number] for number, length in enumerate(lengths)]


def _shape(text: str) -> str:
    """The text without its digits and our own stand-ins, which say nothing of names: log lines repeat their shape."""
    if "_" in text or "<" in text:
        text = _OURS.sub(lambda own: MASK * len(own[0]), text)
    return _DIGIT.sub("0", text)


def _of_text(lines: list[_Line], read: Mapping[_Line, list[NameFinding]]) -> list[NameFinding]:
    """The names of a text from those of its lines."""
    found, offset = [], 0
    for line in lines:
        for start, end, entity, score in read[line]:
            found.append(NameFinding(offset + start, offset + end, entity, score))
        offset += len(line.text) + 1
    return found


def _names(text: str, words: Words, best: list[int], strength: list[float]) -> list[NameFinding]:
    """The names of a line; best and strength: the likeliest entity of each word, and how likely it is."""
    found: list[NameFinding] = []
    place, count = 0, len(words.words)
    while place < count:
        if strength[place] < FLOOR or not words.words[place][0].isalpha():
            place += 1
            continue
        end = place + 1
        while end < count and best[end] == best[place] and strength[end] >= FLOOR:
            end += 1
        first, last = _edges(words.words, strength, place, end)
        start, stop = words.starts[first], words.ends[last]
        if stop - start > 1:
            score = max(strength[first : last + 1])
            if text[start:stop].islower():
                score **= _WITHOUT_A_CAPITAL
            found.append(NameFinding(start, stop, ENTITIES[best[first]], score))
        place = end
    return found


def _edges(words: list[str], strength: list[float], start: int, end: int) -> tuple[int, int]:
    """The first and the last word of a name in a run of likely ones: weak words and signs at its edges are none."""
    weakest = _OF_PEAK * max(strength[start:end])
    last = end - 1
    while last > start and (strength[last] < weakest or not words[last][0].isalnum()):
        last -= 1
    first = start
    while first < last and (strength[first] < weakest or not words[first][0].isalpha()):
        first += 1
    return first, last
