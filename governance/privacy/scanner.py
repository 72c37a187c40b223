"""Text through Presidio: distinct values, many short ones to a call, and nothing passes that could not be judged."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import orjson

from governance.errors import PolicyError
from governance.keys import Keyring
from governance.privacy.checks import OWN_TOKEN
from governance.privacy.engine import names_engine, structured_engine
from governance.privacy.found import MOST_FINDINGS, Found, Scanned, TooManyFindings, counted, masked, surest
from governance.privacy.memory import Memory
from governance.privacy.patterns import SEPARATOR
from governance.privacy.policy import PrivacyPolicy
from governance.privacy.pseudonyms import stand_in
from governance.privacy.threads import Mention

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, RecognizerResult

# How a text is read: for identifiers alone; for names too, sparing technical words; for names as people write them.
Reading = Literal["structured", "technical", "prose"]

# A call of Presidio costs some 0.03 ms whatever its text, and each pattern looks at all texts of a call in turn, so
# many share one (64 texts and 16,384 characters took 12 % more). Each replacement copies the rest of a call: fewer.
_TEXTS_AT_ONCE, _CHARACTERS_AT_ONCE = 512, 131_072
_REPLACED_AT_ONCE, _CHARACTERS_REPLACED_AT_ONCE = 32, 8_192

# A stand-in where JSON has a number: behind a colon, comma or bracket, not inside a string.
_BARE_STAND_IN = re.compile(rf"(?<=[:,\[\s])(?:<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern})(?=\s{{0,3}}[,}}\]])")


class Scanner:
    """Anonymises texts under one policy and one keyring. Pure: same texts, same results, in any company.

    Raises:
        PolicyError: the policy has no patterns.
    """

    def __init__(
        self, policy: PrivacyPolicy, keys: Keyring, *, with_names: bool = True, memory: Memory | None = None
    ) -> None:
        """`memory`: of results under this policy and keyring, this scanner's and others; None: one of its own."""
        from presidio_anonymizer import AnonymizerEngine
        from presidio_anonymizer.entities import OperatorConfig

        from governance.privacy.operator import StandIn

        if not policy.patterns:
            raise PolicyError("policies/patterns.yml: no patterns; load the policy with load_privacy()")
        self._policy = policy
        self._analyzer = structured_engine(policy.patterns)
        self._names = names_engine(policy.names.model) if with_names else None
        self._anonymizer = AnonymizerEngine()  # type: ignore[no-untyped-call]
        self._anonymizer.add_anonymizer(StandIn)
        self._params = {"make": _maker(policy, keys)}
        self._operators = {"DEFAULT": OperatorConfig("stand_in", self._params)}
        supported = set(self._names.get_supported_entities("en")) if self._names else set()
        asked = {"structured": {}, "technical": policy.names.technical, "prose": policy.names.prose}
        self._levels = {
            reading: {entity: level for entity, level in levels.items() if entity in supported}
            for reading, levels in asked.items()
        }
        self._memory = memory or Memory()

    def scan(self, texts: Iterable[str], reading: Reading = "structured") -> dict[str, Scanned]:
        """Each distinct text and what became of it."""
        return self._memory.recall(reading, texts, lambda unknown: self._scan(unknown, reading))

    def propagate(self, text: str, known: Sequence[Mention]) -> Scanned:
        """An anonymised text with the values that its thread is known to hold replaced as well."""
        try:
            return self._without(known, text)
        except Exception as error:  # fail closed, as for a text that is scanned
            return Scanned(None, {}, f"could not be anonymised ({type(error).__name__})")

    def _without(self, known: Sequence[Mention], text: str) -> Scanned:
        occurrences = [(found, mention) for mention in known for found in mention.pattern.finditer(text)]
        occurrences.sort(key=lambda pair: (pair[0].start(), -pair[0].end()))
        found: list[Found] = []
        wholes: dict[str, str] = {}
        for match, mention in occurrences:
            if found and match.start() < found[-1].end:
                continue
            found.append(Found(*match.span(), mention.entity, match[0]))
            wholes[match[0].lower()] = mention.whole
        if not found:
            return Scanned(text, {})
        if len(found) > MOST_FINDINGS:
            raise TooManyFindings
        replaced = self._replaced(text, found, wholes)
        return Scanned(_still_json(replaced, text), counted(tuple([one.entity for one in found])))

    def _scan(self, texts: Iterable[str], reading: Reading) -> dict[str, Scanned]:
        scanned: dict[str, Scanned] = {}
        for batch in self._batches(texts, scanned):
            try:
                results = self._scan_batch(batch, reading)
            except Exception:  # whatever it was: alone, the others of the batch need not wait with the one at fault
                results = [self._scan_alone(text, reading) for text in batch]
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
                batch.append(text)
                size += len(text)
                if len(batch) == _TEXTS_AT_ONCE or size > _CHARACTERS_AT_ONCE:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _scan_alone(self, text: str, reading: Reading) -> Scanned:
        try:
            return self._scan_batch([text], reading)[0]
        except Exception as error:  # fail closed: the record goes to held; the error's text could quote it
            return Scanned(None, {}, f"could not be analysed ({type(error).__name__})")

    def _scan_batch(self, batch: list[str], reading: Reading) -> list[Scanned]:
        found = [
            [Found(one.start, one.end, one.entity_type, text[one.start : one.end]) for one in results]
            for text, results in zip(batch, _analyzed(self._analyzer, batch), strict=True)
        ]
        self._add_names(batch, found, self._levels[reading])
        held = [(text, sorted(own)) for text, own in zip(batch, found, strict=True) if own]
        calls = _calls([text for text, _ in held])
        replaced = [part for call in calls for part in self._replaced_in_one(held[call])]
        scanned = {text: Scanned(text, counted(())) for text in batch}
        for (text, own), part in zip(held, replaced, strict=True):
            scanned[text] = Scanned(
                _still_json(part, text), counted(tuple([one.entity for one in own])), None, tuple(own)
            )
        return [scanned[text] for text in batch]

    def _replaced_in_one(self, held: list[tuple[str, list[Found]]]) -> list[str]:
        """The texts with what was found in each replaced, in one call."""
        texts = [text for text, _ in held]
        placed = [
            Found(offset + one.start, offset + one.end, one.entity, one.value)
            for offset, (_, own) in zip(_offsets(texts), held, strict=False)
            for one in own
        ]
        replaced = self._replaced(SEPARATOR.join(texts), placed, {})
        return replaced.split(SEPARATOR) if len(texts) > 1 else [replaced]

    def _add_names(self, batch: list[str], found: list[list[Found]], levels: Mapping[str, float]) -> None:
        """Add to what was found in each text the names in the rest of it.

        The model sees what is replaced as it will see the stand-ins, and reads a text again as long as it finds more in
        it, as one name can give away another: anonymising twice changes nothing.
        """
        if not levels or self._names is None:
            return
        rests = [masked(text, own).replace(SEPARATOR, " ") for text, own in zip(batch, found, strict=True)]
        unread = list(range(len(batch)))
        while unread:
            unread_texts, entities = [rests[place] for place in unread], list(levels)
            if self._policy.names.model == "shipped":
                analyzed = _analyzed(self._names, unread_texts, entities)
            else:  # any other model may read across the separator
                analyzed = [_analyzed(self._names, [text], entities)[0] for text in unread_texts]
            fresh = {
                place: names
                for place, results in zip(unread, analyzed, strict=True)
                if (names := surest(rests[place], [one for one in results if one.score >= levels[one.entity_type]]))
            }
            for place, names in fresh.items():
                # The value is what stands in the text itself: in what the model read, a separator was a blank.
                found[place] += [one._replace(value=batch[place][one.start : one.end]) for one in names]
                rests[place] = masked(rests[place], names)
            unread = list(fresh)

    def _replaced(self, text: str, found: list[Found], wholes: Mapping[str, str]) -> str:
        """The text with each value replaced by the stand-in of the value, or of the whole that it is a part of."""
        from presidio_anonymizer.entities import OperatorConfig

        operators = dict(self._operators)
        if wholes:
            operators["DEFAULT"] = OperatorConfig("stand_in", {**self._params, "wholes": wholes})
        anonymized = self._anonymizer.anonymize(
            text,
            found,  # type: ignore[arg-type]  # it copies what they say
            operators=operators,
            merge_entities_with_spaces=False,
        )
        return str(anonymized.text)


def _maker(policy: PrivacyPolicy, keys: Keyring) -> Callable[[str, str], str]:
    """Makes stand-ins; the last 16,384 are remembered, as telemetry repeats its values."""
    removed, region = policy.removed_entities, policy.phone_region

    @lru_cache(16_384)
    def make(entity: str, value: str) -> str:
        return stand_in(entity, value, keys, region=region, is_removed=entity in removed)

    return make


def _calls(texts: Sequence[str]) -> Iterator[slice]:
    """The texts in order, as many at a time as share a call of Presidio's AnonymizerEngine."""
    start = characters = 0
    for place, text in enumerate(texts):
        characters += len(text)
        if place > start and (place - start == _REPLACED_AT_ONCE or characters > _CHARACTERS_REPLACED_AT_ONCE):
            yield slice(start, place)
            start, characters = place, len(text)
    if start < len(texts):
        yield slice(start, len(texts))


def _offsets(texts: Iterable[str]) -> Iterator[int]:
    """Where each of the texts begins when they are joined by SEPARATOR, and where one more would."""
    return accumulate((len(text) + 1 for text in texts), initial=0)


def _analyzed(
    engine: AnalyzerEngine, texts: Sequence[str], entities: list[str] | None = None
) -> list[list[RecognizerResult]]:
    """What an engine finds in each text, in one call; entities: None for all that it knows."""
    offsets = list(_offsets(texts))
    by_text: list[list[RecognizerResult]] = [[] for _ in texts]
    for result in engine.analyze(SEPARATOR.join(texts), language="en", entities=entities):
        place = bisect_right(offsets, result.start) - 1
        result.start, result.end = result.start - offsets[place], result.end - offsets[place]
        by_text[place].append(result)
    return by_text


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
