"""Text through Presidio: distinct values, many short ones to a call, and nothing passes that could not be judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import orjson

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy.checks import OWN_TOKEN
from governance.privacy.patterns import SEPARATOR, Pattern
from governance.privacy.policy import PrivacyPolicy

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

# A call of Presidio costs about 0.1 ms whatever its text, so lines share it: 32 to a call gave 136 times stock
# speed, one to a call 63.
_LINES_PER_CALL = 64
_CHARACTERS_PER_CALL = 32_768


# A stand-in where JSON has a number: behind a colon, comma or bracket, not inside a string.
_BARE_STAND_IN = re.compile(rf"(?<=[:,\[\s])(?:<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern})(?=\s{{0,3}}[,}}\]])")


@dataclass(frozen=True)
class Scanned:
    """What became of one distinct text: the text to keep with the entities replaced in it, or why it cannot be kept."""

    text: str | None
    entities: Mapping[str, int]
    refusal: str | None = None


class Scanner:
    """Anonymises texts under one policy and one keyring. Pure: same texts, same results, in any company.

    Raises:
        PolicyError: the policy has no patterns.
    """

    def __init__(self, policy: PrivacyPolicy, keys: Keyring) -> None:
        from presidio_anonymizer import AnonymizerEngine
        from presidio_anonymizer.entities import OperatorConfig

        from governance.privacy.operator import StandIn

        if not policy.patterns:
            raise PolicyError("policies/patterns.yml: no patterns; load the policy with load_privacy()")
        self._policy = policy
        self._analyzer = _analyzer(policy.patterns)
        self._anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]
        self._anonymizer.add_anonymizer(StandIn)
        params = {"keys": keys, "region": policy.phone_region, "removed": policy.removed_entities}
        self._operators = {"DEFAULT": OperatorConfig("stand_in", params)}
        self._entities = sorted({pattern.entity for pattern in policy.patterns})

    def scan(self, texts: Iterable[str]) -> dict[str, Scanned]:
        """Each distinct text and what became of it."""
        scanned: dict[str, Scanned] = {}
        for batch in self._batches(dict.fromkeys(texts), scanned):
            try:
                results = self._scan_batch(batch)
            except Exception:  # whatever it was: alone, the others of the batch need not wait with the one at fault
                results = [self._scan_alone(text) for text in batch]
            scanned.update(zip(batch, results, strict=True))
        return scanned

    def _batches(self, texts: Iterable[str], refused: dict[str, Scanned]) -> Iterator[list[str]]:
        batch: list[str] = []
        size = 0
        for text in texts:
            if len(text) > self._policy.longest_text:
                refused[text] = Scanned(None, {}, f"longer than {self._policy.longest_text} characters")
            elif SEPARATOR in text:
                yield [text]
            else:
                if batch and (len(batch) == _LINES_PER_CALL or size + len(text) > _CHARACTERS_PER_CALL):
                    yield batch
                    batch, size = [], 0
                batch.append(text)
                size += len(text)
        if batch:
            yield batch

    def _scan_alone(self, text: str) -> Scanned:
        try:
            return self._scan_batch([text])[0]
        except Exception as error:  # fail closed: the record goes to held; the error's text could quote it
            return Scanned(None, {}, f"could not be analysed ({type(error).__name__})")

    def _scan_batch(self, batch: list[str]) -> list[Scanned]:
        from presidio_anonymizer.entities import RecognizerResult

        joined = SEPARATOR.join(batch)
        analyzed = self._analyzer.analyze(joined, language="en", entities=self._entities)
        found = [RecognizerResult(result.entity_type, result.start, result.end, result.score) for result in analyzed]
        if not found:
            return [Scanned(text, {}) for text in batch]
        replaced = self._anonymizer.anonymize(
            joined, found, operators=dict(self._operators), merge_entities_with_spaces=False
        ).text
        parts = replaced.split(SEPARATOR) if len(batch) > 1 else [replaced]
        counts: list[Counter[str]] = [Counter() for _ in batch]
        position, end = 0, len(batch[0])
        for result in sorted(found, key=lambda result: int(result.start)):
            while len(batch) > 1 and result.start > end:
                position += 1
                end += len(batch[position]) + 1
            counts[position][result.entity_type] += 1
        return [
            Scanned(_still_json(part, text) if count else part, count)
            for part, count, text in zip(parts, counts, batch, strict=True)
        ]


def _still_json(text: str, original: str) -> str:
    """The text, with quotes around what took the place of a number in JSON: `"cvv":<SECRET:CODE>` would be none."""
    if original[:1] not in ("{", "[") or _is_json(text) or not _is_json(original):
        return text
    return _BARE_STAND_IN.sub(r'"\g<0>"', text)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@lru_cache(maxsize=4)
def _analyzer(patterns: tuple[Pattern, ...]) -> AnalyzerEngine:
    """Presidio's engine over our one recognizer: no model, no network, no other recognizer."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    from governance.privacy.recognizer import NoContext, StructuredRecognizer

    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    engine.load()
    registry = RecognizerRegistry(recognizers=[StructuredRecognizer(patterns)], supported_languages=["en"])
    return AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=["en"], context_aware_enhancer=NoContext()
    )
