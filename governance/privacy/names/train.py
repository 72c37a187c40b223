"""Train the shipped name model: `python -m governance.privacy.names.train FOLDER`, FOLDER holding the corpora.

Needs python-crfsuite, which using the model does not. Same texts, same file.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from governance.privacy.names.corpora import Text, annotated, technical
from governance.privacy.names.model import LABELS, SHIPPED
from governance.privacy.names.tokens import Words, features, split

_SETTINGS = {"c1": 0.05, "c2": 0.5, "max_iterations": 120, "feature.minfreq": 2, "feature.possible_transitions": True}
_SMALLEST_WEIGHT = 0.02


def labels(words: Words, spans: Iterable[tuple[int, int, str]]) -> list[str]:
    """One label a word."""
    made = ["O"] * len(words.words)
    for start, end, entity in spans:
        inside = [n for n in range(len(made)) if words.starts[n] >= start and words.ends[n] <= end]
        for number, place in enumerate(inside):
            made[place] = f"{'I' if number else 'B'}-{entity}"
    return made


def varied(texts: Iterable[Text], rng: random.Random) -> Iterator[Text]:
    """The texts, and again with other names of the same corpora in them, some all in lower or upper case.

    Annotated texts repeat few names; what a name looks like must be learnt from the place it has.
    """
    listed = list(texts)
    names = sorted({text.text[s:e] for text in listed for s, e, entity in text.spans if entity == "PERSON"})
    for text in listed:
        yield text
        if not text.spans:
            continue
        yield _renamed(text, names, rng)
        chance = rng.random()
        if chance < 0.12:
            lowered = text.text.lower()
            if len(lowered) == len(text.text):
                yield Text(text.corpus, text.part, lowered, text.spans)
        elif chance < 0.16 and len(text.text.upper()) == len(text.text):
            yield Text(text.corpus, text.part, text.text.upper(), text.spans)


def _renamed(text: Text, names: list[str], rng: random.Random) -> Text:
    parts: list[str] = []
    spans: list[tuple[int, int, str]] = []
    position = length = 0
    for start, end, entity in sorted(text.spans):
        if start < position:
            continue
        value = rng.choice(names) if entity == "PERSON" else text.text[start:end]
        parts += (text.text[position:start], value)
        length += start - position
        spans.append((length, length + len(value), entity))
        length += len(value)
        position = end
    parts.append(text.text[position:])
    return Text(text.corpus, text.part, "".join(parts), tuple(spans))


def train(texts: Iterable[Text], target: Path, *, without: frozenset[str] = frozenset()) -> None:
    """Train on the texts' part `train` but for the corpora of `without`, and write the model."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(_SETTINGS)
    chosen = [text for text in texts if text.part == "train" and text.corpus not in without]
    plain = [Text("technical", "train", text, ()) for text in technical()]
    for text in [*varied(chosen, random.Random(7)), *plain]:
        words = split(text.text)
        if words.words:
            trainer.append(features(words), labels(words, text.spans))
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "model")
        trainer.train(file)
        tagger = pycrfsuite.Tagger()
        tagger.open(file)
        info = tagger.info()
    _write(info.state_features, info.transitions, target)


def _write(state: dict[tuple[str, str], float], moves: dict[tuple[str, str], float], target: Path) -> None:
    rows: dict[str, list[float]] = {}
    for (feature, label), weight in state.items():
        if abs(weight) >= _SMALLEST_WEIGHT:
            rows.setdefault(feature, [0.0] * len(LABELS))[LABELS.index(label)] = weight
    names = sorted(rows)
    weights = np.array([rows[name] for name in names])
    scale = float(np.abs(weights).max()) / 127
    transitions = np.array([[moves.get((one, two), -20.0) for two in LABELS] for one in LABELS])
    np.savez_compressed(
        target,
        features=np.frombuffer("\x00".join(names).encode(), dtype=np.uint8),
        weights=np.round(weights / scale).astype(np.int8),
        scale=scale,
        transitions=transitions.astype(np.float32),
    )


def main() -> None:
    """Train on the corpora in the folder that the command names."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit(f"usage: python -m {__spec__.name} FOLDER, which holds the corpora that corpora.py names")
    train(annotated(Path(sys.argv[1])), SHIPPED)


if __name__ == "__main__":
    main()
