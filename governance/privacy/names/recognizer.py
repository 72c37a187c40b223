"""Presidio's side of the name model."""

from __future__ import annotations

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from governance.privacy.names.model import ENTITIES, NameFinding, NameModel
from governance.privacy.patterns import SEPARATOR

_DIGITS = str.maketrans("123456789", "000000000")
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 512


class NameRecognizer(EntityRecognizer):
    """People, places and organisations; the score is the model's probability, below 1."""

    def __init__(self) -> None:
        self._remembered: dict[str, list[NameFinding]] = {}
        super().__init__(supported_entities=list(ENTITIES), name="NameRecognizer")

    def load(self) -> None:
        """Reads the shipped model (0.2 s)."""
        self._model = NameModel.load()

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The names of one text, or of several joined by SEPARATOR, each read alone."""
        parts = text.split(SEPARATOR)
        results, offset = [], 0
        for part, found in zip(parts, self._found(parts), strict=True):
            for name in found:
                if name.entity in entities:
                    score = min(name.score, 0.999)
                    results.append(RecognizerResult(name.entity, offset + name.start, offset + name.end, score))
            offset += len(part) + 1
        return results

    def _found(self, parts: list[str]) -> list[list[NameFinding]]:
        """Log lines differ in their numbers, which say nothing of names: each shape is read once."""
        shapes = [part.translate(_DIGITS) for part in parts]
        new = [shape for shape in dict.fromkeys(shapes) if shape not in self._remembered]
        found = dict(zip(new, self._model.find(new), strict=True))
        if len(self._remembered) > _REMEMBERED:
            self._remembered = {shape: self._remembered[shape] for shape in shapes if shape in self._remembered}
        names = {shape: found.get(shape) or self._remembered.get(shape, []) for shape in shapes}
        self._remembered |= {shape: one for shape, one in found.items() if len(shape) <= _LONGEST_REMEMBERED}
        return [names[shape] for shape in shapes]
