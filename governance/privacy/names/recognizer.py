"""Presidio's side of the name model."""

from __future__ import annotations

from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from governance.privacy.names.model import ENTITIES, NameModel
from governance.privacy.patterns import SEPARATOR


class NameRecognizer(EntityRecognizer):
    """People, places and organisations; the score is the model's probability, below 1."""

    def __init__(self) -> None:
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
        for part, found in zip(parts, self._model.find(parts), strict=True):
            for name in found:
                if name.entity in entities:
                    score = min(name.score, 0.999)
                    results.append(RecognizerResult(name.entity, offset + name.start, offset + name.end, score))
            offset += len(part) + 1
        return results
