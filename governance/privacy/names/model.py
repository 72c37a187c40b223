"""The name model: a linear-chain CRF, trained elsewhere (train.py), read with numpy alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt

from governance.privacy.checks import OWN_TOKEN
from governance.privacy.names.tokens import (
    BOUNDARY,
    BROKEN,
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
_WORDS_KEPT = 65_536
_LONGEST_WORD = 64
_OURS = re.compile(rf"<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern}")
_DIGIT = re.compile(r"\d")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NameFinding:
    """One name: its place in the text, what it is, and how sure the model is (0 to 1)."""

    start: int
    end: int
    entity: str
    score: float


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
        """The names of each text, in order; none overlap."""
        plain = [_DIGIT.sub("0", _OURS.sub(lambda own: MASK * len(own[0]), text)) for text in texts]
        distinct = list(dict.fromkeys(plain))
        read = [split(text) for text in distinct]
        probabilities = self._probabilities(read)
        found = {
            text: _names(text, words, likely) for text, words, likely in zip(distinct, read, probabilities, strict=True)
        }
        return [found[text] for text in plain]

    def _table(self, names: list[list[str]]) -> Floats:
        return np.array([[self._weights[self._rows.get(name, -1)] for name in row] for row in names])

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._said = np.zeros((_WORDS_KEPT, len(OFFSETS), len(LABELS)))
        self._shapes = np.zeros(_WORDS_KEPT, dtype=np.int64)

    def _places(self, words: list[str]) -> list[int]:
        """The row of each word in the tables; a new word is added."""
        known = self._known
        places = []
        for word in words:
            place = known.get(word)
            if place is None:
                place = known[word] = len(known)
                self._add(word, place)
            places.append(place)
        return places

    def _add(self, word: str, place: int) -> None:
        short = word[:_LONGEST_WORD]
        self._shapes[place] = shape_of(short)
        for number, offset in enumerate(OFFSETS):
            rows = [row for name in word_features(short, offset) if (row := self._rows.get(name)) is not None]
            self._said[place, number] = self._weights[rows].sum(axis=0)

    def _probabilities(self, read: list[Words]) -> list[Floats]:
        """For each text, one row a word, one column a label."""
        with self._lock:  # the tables are shared, and forgotten when full
            done: list[Floats] = []
            for words in read:
                if len(self._known) + len(words.words) >= _WORDS_KEPT - 2:
                    self._forget()
                done.append(self._emissions(words))
        chains, owners = _chains(read, done)
        results = [np.zeros_like(emissions) for emissions in done]
        for start in range(0, len(chains), 512):
            some = chains[start : start + 512]
            for (text, begin), likely in zip(owners[start : start + 512], self._marginals(some), strict=True):
                results[text][begin : begin + len(likely)] = likely
        return results

    def _emissions(self, words: Words) -> Floats:
        """Scores of each label for each word of one text; very long texts in pieces that fit the tables."""
        limit = _WORDS_KEPT // 2
        pieces = []
        for start in range(0, max(1, len(words.words)), limit):
            end = min(len(words.words), start + limit)
            before = ([BOUNDARY, BOUNDARY, *words.words[max(0, start - 2) : start]])[-2:]
            behind = ([*words.words[end : end + 2], BOUNDARY, BOUNDARY])[:2]
            if len(self._known) + end - start >= _WORDS_KEPT - 8:
                self._forget()
            places = np.array(self._places([*before, *words.words[start:end], *behind]))
            pieces.append(self._summed(places, np.array([*words.glue[start:end], *words.glue[end : end + 1], BROKEN])))
        return np.concatenate(pieces)

    def _summed(self, places: npt.NDArray[np.int64], glue: npt.NDArray[np.int64]) -> Floats:
        count = len(places) - 4
        shapes = self._shapes[places]
        here = shapes[2 : 2 + count]
        scores = self._pairs[shapes[1 : 1 + count], here] + self._nexts[here, shapes[3 : 3 + count]]
        scores += self._glues[here, glue[:count] * 3 + glue[1 : 1 + count]]
        for number, offset in enumerate(OFFSETS):
            scores += self._said[places[2 + offset : 2 + offset + count], number]
        return scores

    def _marginals(self, chains: list[Floats]) -> list[Floats]:
        """Forward-backward over many chains at once, scaled at each step."""
        longest = max(map(len, chains))
        scores = np.zeros((longest, len(chains), len(LABELS)))
        lengths = np.array([len(chain) for chain in chains])
        for number, chain in enumerate(chains):
            scores[: len(chain), number] = chain
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


def _chains(read: list[Words], scores: list[Floats]) -> tuple[list[Floats], list[tuple[int, int]]]:
    """The texts cut at line breaks and at _CHAIN words; and which text each piece is of, from which word on."""
    chains, owners = [], []
    for number, words in enumerate(read):
        start = 0
        for place, word in enumerate(words.words):
            if place - start == _CHAIN or (word == "\n" and place > start):
                chains.append(scores[number][start:place])
                owners.append((number, start))
                start = place
        if start < len(words.words):
            chains.append(scores[number][start:])
            owners.append((number, start))
    return chains, owners


def _names(text: str, words: Words, likely: Floats) -> list[NameFinding]:
    by_entity = likely[:, 1::2] + likely[:, 2::2]
    best = by_entity.argmax(axis=1)
    strength = by_entity.max(axis=1, initial=0.0).round(6)
    found: list[NameFinding] = []
    place, count = 0, len(words.words)
    while place < count:
        if strength[place] < FLOOR or not words.words[place][0].isalpha():
            place += 1
            continue
        end = place + 1
        while end < count and best[end] == best[place] and strength[end] >= FLOOR and words.words[end] != "\n":
            end += 1
        first, end_of_run = place, end
        weakest = _OF_PEAK * strength[place:end].max()
        while end > first + 1 and (strength[end - 1] < weakest or not words.words[end - 1][0].isalnum()):
            end -= 1
        while first < end - 1 and (strength[first] < weakest or not words.words[first][0].isalpha()):
            first += 1
        place = first
        if words.ends[end - 1] - words.starts[place] > 1:
            score = float(strength[place:end].max())
            if text[words.starts[place] : words.ends[end - 1]].islower():
                score **= _WITHOUT_A_CAPITAL
            found.append(NameFinding(words.starts[place], words.ends[end - 1], ENTITIES[best[place]], score))
        place = end_of_run
    return found
