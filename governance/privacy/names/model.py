"""The name model: a linear-chain CRF, trained elsewhere (train.py), read with numpy alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from governance.privacy.checks import OWN_TOKEN
from governance.privacy.names.chains import Floats, Places, in_step, marginals
from governance.privacy.names.tokens import (
    BOUNDARY,
    BROKEN,
    GLUED,
    OFFSETS,
    SHAPES,
    SPACED,
    glue_feature,
    next_feature,
    pair_feature,
    pieces_of,
    shape_of,
    starts_of,
    word_features,
    word_of,
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
_LONGEST_LINE_KEPT = 512
_OURS = re.compile(rf"<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern}")
_DIGIT = re.compile(r"\d")
# An id as machines write it: a UUID, or a run of hexadecimal digits, decimal ones and others.
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{8,})\b")

Weights = npt.NDArray[np.int8]


class NameFinding(NamedTuple):
    """One name: its place in the text, what it is, and how sure the model is (0 to 1)."""

    start: int
    end: int
    entity: str
    score: float


# One line, and the words next to it in the lines before and behind (BOUNDARY: there is none). No class: there are many.
_Line = tuple[str, str, str]


class NameModel:
    """Finds names; the result of a text depends on the text alone.

    Emissions are sums of tables: what a word says of its neighbours is computed once per distinct word, so reading
    costs a dictionary look-up a word and a few matrix operations a batch.
    """

    def __init__(self, features: list[str], weights: Weights, scale: float, transitions: Floats) -> None:
        """`weights`, to be multiplied with `scale`: one row a feature, one column a label; `transitions`: from label
        (row) to label (column)."""
        self._around: dict[str, int] = {}
        self._alone: dict[str, int] = {}
        places: list[tuple[int, int]] = []
        for name in features:
            cut = 2 if name[0] == "-" else 1 if name[0].isdigit() else 0  # an offset may stand before the name
            rows, offset = (self._around, int(name[:cut])) if cut else (self._alone, 0)
            row = rows.setdefault(name[cut:], len(self._around) + len(self._alone))
            places.append((row, OFFSETS.index(offset)))
        # One row what a word says at each offset; the last row says nothing.
        self._weights = np.zeros((len(self._around) + len(self._alone) + 1, len(OFFSETS), len(LABELS)), dtype=np.int8)
        self._weights[tuple(zip(*places, strict=True))] = weights
        self._scale = scale
        self._transitions = np.exp(transitions)
        count = range(len(SHAPES))
        self._pairs = self._table([pair_feature(one, two) for one in count for two in count])
        self._nexts = self._table([next_feature(one, two) for one in count for two in count])
        self._glues = self._table(
            [glue_feature(shape, glue, behind) for shape in count for glue in range(3) for behind in range(3)]
        )
        self._lock = Lock()
        self._read: dict[_Line, tuple[NameFinding, ...]] = {}
        self._words: dict[str, tuple[str, ...]] = {}
        self._forget()

    @classmethod
    def load(cls, path: Path = SHIPPED) -> NameModel:
        """The model at `path` (made by train.py).

        Raises:
            OSError: there is none.
        """
        with np.load(path) as stored:
            features = bytes(stored["features"]).decode().split("\x00")
            transitions = stored["transitions"].astype(np.float64)
            return cls(features, stored["weights"], float(stored["scale"]), transitions)

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
            self._read.update(zip(new, self._names(new), strict=True))
            results = [_of_text(lines, self._read) for lines in read]
            for line in new:
                if len(line[0]) > _LONGEST_LINE_KEPT:  # it hardly comes again
                    del self._read[line]
                    self._words.pop(line[0], None)
        return results

    def _lines(self, text: str) -> list[_Line]:
        """The lines of a text, each with the last word before and the first word behind it."""
        lines = text.split("\n")
        words = [self._pieces(line) for line in lines]
        before = [BOUNDARY, *(word_of(own[-1]) if own else "\n" for own in words[:-1])]
        behind = [*(word_of(own[0]) if own else "\n" for own in words[1:]), BOUNDARY]
        return list(zip(lines, before, behind, strict=True))

    def _pieces(self, line: str) -> tuple[str, ...]:
        pieces = self._words.get(line)
        if pieces is None:
            pieces = self._words[line] = pieces_of(line)
        return pieces

    def _table(self, names: list[str]) -> Floats:
        rows = [self._alone.get(name, -1) for name in names]
        return self._weights[rows, OFFSETS.index(0)].astype(np.float64) * self._scale

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._count = 0
        self._said = np.zeros((len(OFFSETS), _WORDS_KEPT, len(LABELS)), dtype=np.float32)
        self._shapes = np.zeros(_WORDS_KEPT, dtype=np.int64)

    def _numbers(self, pieces: list[str]) -> Places:
        """For each piece twice the row of its word in the tables, plus how it hangs on the next; new ones are added."""
        new = [piece for piece in dict.fromkeys(pieces) if piece not in self._known]
        words = [word for word in dict.fromkeys(map(word_of, new)) if word not in self._known]
        if len(words) > _WORDS_KEPT:
            raise ValueError(f"{len(words)} different words at once; at most {_WORDS_KEPT}")
        if self._count + len(words) > _WORDS_KEPT or len(self._known) > 2 * _WORDS_KEPT:
            self._forget()
            return self._numbers(pieces)
        if words:
            self._learn(words)
        for piece in new:  # a word alone is known by now
            self._known.setdefault(piece, self._known[word_of(piece)] - GLUED + SPACED)
        return np.array([self._known[piece] for piece in pieces], dtype=np.int64)

    def _learn(self, words: list[str]) -> None:
        """Sum up, for each word and offset, what the features of the word say there."""
        rows: list[int] = []
        starts: list[int] = []
        unknown = len(self._weights) - 1
        for word in words:
            around, alone = word_features(word[:_LONGEST_WORD])
            starts.append(len(rows))
            rows += [self._around.get(name, unknown) for name in around]
            rows += [self._alone.get(name, unknown) for name in alone]
        new = range(self._count, self._count + len(words))
        said = np.add.reduceat(self._weights[rows], starts, dtype=np.int32) * self._scale
        self._said[:, new.start : new.stop] = said.swapaxes(0, 1)
        self._shapes[new.start : new.stop] = [shape_of(word[:_LONGEST_WORD]) for word in words]
        self._known.update((word, 2 * row + GLUED) for word, row in zip(words, new, strict=True))
        self._count = new.stop

    def _names(self, lines: list[_Line]) -> list[tuple[NameFinding, ...]]:
        """The names of each line."""
        pieces, bounds = self._in_company(lines)
        likely, here = self._probabilities(pieces, bounds)
        by_entity = likely[1::2] + likely[2::2]
        by_piece, best = np.zeros(len(pieces)), np.zeros(len(pieces), dtype=np.int64)
        by_piece[here], best[here] = by_entity.max(axis=0).round(6), by_entity.argmax(axis=0)
        strength, entities = by_piece.tolist(), best.tolist()
        return [
            _names(text, pieces[start:end], entities[start:end], strength[start:end])
            if max(strength[start:end], default=0.0) >= FLOOR
            else ()
            for (text, _, _), (_, start, end) in zip(lines, bounds, strict=True)
        ]

    def _in_company(self, lines: list[_Line]) -> tuple[list[str], list[tuple[int, int, int]]]:
        """The pieces of the lines and those beside them in one list; where each line begins, its first piece and end.

        A line that others stand before begins with their line break.
        """
        pieces: list[str] = []
        bounds: list[tuple[int, int, int]] = []
        for text, before, behind in lines:
            pieces += (BOUNDARY, BOUNDARY) if before == BOUNDARY else (BOUNDARY, before, "\n")
            start = len(pieces)
            pieces += self._pieces(text)
            bounds.append((start - (before != BOUNDARY), start, len(pieces)))
            pieces += (BOUNDARY, BOUNDARY) if behind == BOUNDARY else ("\n", behind, BOUNDARY)
        return pieces, bounds

    def _probabilities(self, pieces: list[str], bounds: list[tuple[int, int, int]]) -> tuple[Floats, Places]:
        """One row a label, one column a word of the lines; and the place of each of these words in `pieces`."""
        chains = [(start, min(_CHAIN, end - start)) for begin, _, end in bounds for start in range(begin, end, _CHAIN)]
        here, moves = in_step(chains)
        words, hangs = np.divmod(self._numbers(pieces), 2)
        hangs[[place - 1 for _, start, end in bounds for place in (start, end)]] = BROKEN
        return marginals(self._emissions(words, hangs, here), self._transitions, moves), here

    def _emissions(self, words: Places, hangs: Places, here: Places) -> Floats:
        """Scores of each label (row) for each of the words `here` (column)."""
        shapes = self._shapes[words]
        own = shapes[here]
        scores = self._pairs.take(shapes[here - 1] * len(SHAPES) + own, axis=0)
        scores += self._nexts.take(own * len(SHAPES) + shapes[here + 1], axis=0)
        scores += self._glues.take((own * 3 + hangs[here - 1]) * 3 + hangs[here], axis=0)
        for said, offset in zip(self._said, OFFSETS, strict=True):
            scores += said.take(words[here + offset], axis=0)
        return np.ascontiguousarray(scores.T)


def _shape(text: str) -> str:
    """The text without digits, ids and our own stand-ins, which say nothing of names: log lines repeat their shape."""
    if "_" in text or "<" in text:
        text = _OURS.sub(_masked, text)
    return _DIGIT.sub("0", _ID.sub(_masked, text))


def _masked(found: re.Match[str]) -> str:
    return MASK * len(found[0])


def _of_text(lines: list[_Line], read: Mapping[_Line, tuple[NameFinding, ...]]) -> list[NameFinding]:
    """The names of a text from those of its lines."""
    found, offset = [], 0
    for line in lines:
        for start, end, entity, score in read[line]:
            found.append(NameFinding(offset + start, offset + end, entity, score))
        offset += len(line[0]) + 1
    return found


def _names(text: str, pieces: list[str], best: list[int], strength: list[float]) -> tuple[NameFinding, ...]:
    """The names of a line; best and strength: the likeliest entity of each word, and how likely it is."""
    found: list[NameFinding] = []
    starts = starts_of(text, pieces)
    place, count = 0, len(pieces)
    while place < count:
        if strength[place] < FLOOR or not pieces[place][0].isalpha():
            place += 1
            continue
        end = place + 1
        while end < count and best[end] == best[place] and strength[end] >= FLOOR:
            end += 1
        first, last = _edges(pieces, strength, place, end)
        start, stop = starts[first], starts[last] + len(word_of(pieces[last]))
        if stop - start > 1:
            score = max(strength[first : last + 1])
            if text[start:stop].islower():
                score **= _WITHOUT_A_CAPITAL
            found.append(NameFinding(start, stop, ENTITIES[best[first]], score))
        place = end
    return tuple(found)


def _edges(pieces: list[str], strength: list[float], start: int, end: int) -> tuple[int, int]:
    """The first and the last word of a name in a run of likely ones: weak words and signs at its edges are none."""
    weakest = _OF_PEAK * max(strength[start:end])
    last = end - 1
    while last > start and (strength[last] < weakest or not pieces[last][0].isalnum()):
        last -= 1
    first = start
    while first < last and (strength[first] < weakest or not pieces[first][0].isalpha()):
        first += 1
    return first, last
