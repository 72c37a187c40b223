"""One Presidio recognizer for all structured identifiers: a Hyperscan pass, the patterns it named, their checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import hyperscan
from presidio_analyzer import ContextAwareEnhancer, EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from governance.privacy.checks import CHECKS, Span
from governance.privacy.patterns import SEPARATOR, Pattern
from governance.privacy.plain_text import percent_decoded, plain

# An escaped line break inside JSON text: its n, r or t must not pass for the first letter of what follows. Not a
# Windows path, where the letter does belong to a name.
_ESCAPED_BREAK = re.compile(r"(?<![Uu]sers)(?<!\\)\\{1,4}[nrt]")

# Presidio's engines take 0.3 s for so many; a text with more is no message but made to keep them busy.
MOST_FINDINGS = 10_000


class TooManyFindings(Exception):
    """A text holds more identifiers than MOST_FINDINGS; its record is held."""


@dataclass(frozen=True)
class Finding:
    """One identifier in one text; rank is the place of its pattern in the file."""

    start: int
    end: int
    rank: int


class StructuredRecognizer(EntityRecognizer):
    """Finds what policies/patterns.yml describes; time grows with the length of the text only."""

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self._patterns = patterns
        # Our own markers: blanked out, so that neither SECRET nor SESSION in them passes for a label.
        self._own = re.compile("|".join(f"<{re.escape(entity)}>" for entity in {p.entity for p in patterns}))
        self._lock = Lock()  # Hyperscan's scratch space serves one scan at a time
        super().__init__(
            supported_entities=sorted({pattern.entity for pattern in patterns}), name="StructuredRecognizer"
        )

    def load(self) -> None:
        """Compiles all patterns into one database (0.3 s)."""
        flags = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_UTF8
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=[pattern.prefilter for pattern in self._patterns],
            ids=list(range(len(self._patterns))),
            elements=len(self._patterns),
            flags=[
                flags if pattern.is_case_sensitive else flags | hyperscan.HS_FLAG_CASELESS for pattern in self._patterns
            ],
        )

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The identifiers of one text, or of several joined by SEPARATOR; none overlap."""
        results, offset = [], 0
        for part in text.split(SEPARATOR):
            for finding in self.find(part):
                entity = self._patterns[finding.rank].entity
                results.append(RecognizerResult(entity, offset + finding.start, offset + finding.end, 1.0))
            offset += len(part) + 1
        return results

    def find(self, text: str) -> list[Finding]:
        """The identifiers of one text in order, overlapping ones united under the pattern that stands first."""
        text = self._own.sub(lambda marker: "<" * len(marker[0]), text)
        found = [finding for view, places in _views(text) for finding in self._in_view(view, places)]
        return _without_overlaps(found)

    def _in_view(self, view: str, places: Sequence[int] | None) -> Iterator[Finding]:
        matches = (match for rank in self._named(view) for match in self._matches(rank, view))
        for number, match in enumerate(matches):
            if number == MOST_FINDINGS:
                raise TooManyFindings
            yield Finding(places[match.start], places[match.end], match.rank) if places else match

    def _named(self, text: str) -> list[int]:
        """Ranks of the patterns that may match, by the prefilter."""
        named: list[int] = []

        def on_match(rank: int, start: int, end: int, flags: int, context: object) -> None:
            named.append(rank)

        with self._lock:
            self._database.scan(text.encode(), match_event_handler=on_match)
        return sorted(named)

    def _matches(self, rank: int, text: str) -> Iterator[Finding]:
        pattern = self._patterns[rank]
        check = CHECKS.get(pattern.check or "")
        groups = pattern.value_groups
        for match in pattern.compiled.finditer(text):
            span: Span | None = match.span(next((group for group in groups if match[group] is not None), 0))
            if check is not None and span is not None:
                span = check(text, *span)
            if span is not None and span[0] < span[1]:
                yield Finding(*span, rank)


def _views(text: str) -> Iterator[tuple[str, Sequence[int] | None]]:
    """The text as it is read, with its line breaks unescaped, and URL-decoded; with the places in the text."""
    shown, places = plain(text)
    yield shown, places
    if "\\" in shown and (unescaped := _ESCAPED_BREAK.sub(lambda escape: " " * len(escape[0]), shown)) != shown:
        yield unescaped, places
    if decoded := percent_decoded(shown):
        yield decoded[0], [places[place] for place in decoded[1]] if places else decoded[1]


class NoContext(ContextAwareEnhancer):
    """Scores stay: the checks decide. Presidio's own enhancer copies every result, a quarter of all time."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """The results, unchanged."""
        return raw_results


def _without_overlaps(found: list[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda finding: (finding.start, -finding.end, finding.rank)):
        if kept and finding.start < kept[-1].end:
            last = kept.pop()
            finding = Finding(last.start, max(last.end, finding.end), min(last.rank, finding.rank))
        kept.append(finding)
    return kept
