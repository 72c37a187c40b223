"""One Presidio recognizer for all structured identifiers: a Hyperscan pass, the patterns it named, their checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import NamedTuple

import hyperscan
from presidio_analyzer import ContextAwareEnhancer, EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts

from governance.privacy.checks import CHECKS, Span
from governance.privacy.compiling import database
from governance.privacy.found import MOST_FINDINGS, TooManyFindings
from governance.privacy.locating import Locator
from governance.privacy.patterns import SEPARATOR, Pattern
from governance.privacy.plain_text import decoded, in_single_bytes, plain

# An escaped line break inside JSON text: its n, r or t must not pass for the first letter of what follows. Not a
# Windows path, where the letter does belong to a name.
_ESCAPED_BREAK = re.compile(r"\\(?<![Uu]sers.)(?<!\\.)\\{0,3}[nrt]")


class Finding(NamedTuple):
    """One identifier in one text; rank is the place of its pattern in the file."""

    start: int
    end: int
    rank: int


class _View(NamedTuple):
    """One reading of a text: its characters, the same in single bytes, the place of each in the text (None: its own),
    and what was found in the text."""

    shown: str
    encoded: bytes
    places: Sequence[int] | None
    found: list[Finding]


class StructuredRecognizer(EntityRecognizer):
    """Finds what policies/patterns.yml describes; time grows with the length of the text only.

    One Hyperscan pass over a text tells which patterns may match in it. In a long text a second pass for each of those
    tells where its head is, so that the pattern itself, a Python expression, is tried at these places alone.
    """

    def __init__(self, patterns: tuple[Pattern, ...]) -> None:
        self._patterns = patterns
        self._plans = [(one.has_values, CHECKS.get(one.check or "")) for one in patterns]
        # Our own markers: blanked out, so that neither SECRET nor SESSION in them passes for a label.
        self._own = re.compile("|".join(f"<{re.escape(entity)}>" for entity in {p.entity for p in patterns}))
        self._heard: list[int] = []
        self._lock = Lock()  # Hyperscan's scratch space serves one scan at a time
        super().__init__(
            supported_entities=sorted({pattern.entity for pattern in patterns}), name="StructuredRecognizer"
        )

    def load(self) -> None:
        """Compiles what tells whether a pattern may match at all into one database."""
        flags = hyperscan.HS_FLAG_PREFILTER | hyperscan.HS_FLAG_SINGLEMATCH
        self._database = database("all", {pattern: pattern.prefilter for pattern in self._patterns}, flags)
        self._locators: dict[int, Locator] = {}

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """The identifiers of one text, or of several joined by SEPARATOR; none overlap."""
        results, offset = [], 0
        parts = text.split(SEPARATOR)
        for part, found in zip(parts, self.find_all(parts), strict=True):
            for finding in found:
                entity = self._patterns[finding.rank].entity
                results.append(RecognizerResult(entity, offset + finding.start, offset + finding.end, 1.0))
            offset += len(part) + 1
        return results

    def find(self, text: str) -> list[Finding]:
        """The identifiers of one text in order, overlapping ones united under the pattern that stands first."""
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[list[Finding]]:
        """What `find` finds in each text; pattern by pattern, so that the tables of each stay in the processor's cache.

        Raises:
            TooManyFindings: one of the texts has more than MOST_FINDINGS.
        """
        found: list[list[Finding]] = [[] for _ in texts]
        views_by_rank: dict[int, list[_View]] = {}
        for text, own in zip(texts, found, strict=True):
            for shown, places in self._readings(text):
                view = _View(shown, in_single_bytes(shown), places, own)
                for rank in self._named(view.encoded):
                    views_by_rank.setdefault(rank, []).append(view)
        for rank, views in views_by_rank.items():
            self._apply(rank, views)
        return [_without_overlaps(own) if len(own) > 1 else own for own in found]

    def _readings(self, text: str) -> Iterator[tuple[str, Sequence[int] | None]]:
        """The text as it is shown, its line breaks unescaped, and decoded; with the place of each character."""
        if "<" in text:
            text = self._own.sub(lambda marker: "<" * len(marker[0]), text)
        shown, places = plain(text)
        yield shown, places
        if "\\" in shown and (unescaped := _ESCAPED_BREAK.sub(_blank, shown)) != shown:
            yield unescaped, places
        if ("%" in shown or "&" in shown or "\\" in shown) and (original := decoded(shown)):
            text, inner = original
            yield text, [places[place] for place in inner] if places else inner

    def _apply(self, rank: int, views: list[_View]) -> None:
        """Add to what was found what one pattern finds in the views."""
        locator, (has_values, check) = self._locator(rank), self._plans[rank]
        for view, encoded, places, found in views:

            def judge(match: re.Match[str], view: str = view) -> Span | None:
                span: Span | None = match.span(match.lastgroup or 0) if has_values else match.span()
                if check is not None and span is not None:
                    span = check(view, *span)
                return span if span and span[0] < span[1] else None

            for span in locator.spans(view, encoded, judge):
                if len(found) == MOST_FINDINGS:
                    raise TooManyFindings
                start, end = (places[span[0]], places[span[1]]) if places else span
                found.append(Finding(start, end, rank))

    def _locator(self, rank: int) -> Locator:
        with self._lock:
            if rank not in self._locators:
                self._locators[rank] = Locator(self._patterns[rank])
            return self._locators[rank]

    def _named(self, encoded: bytes) -> list[int]:
        """Ranks of the patterns that may match in the text."""
        with self._lock:
            self._heard.clear()
            self._database.scan(encoded, match_event_handler=self._hear)
            return self._heard.copy()

    def _hear(self, rank: int, start: int, end: int, flags: int, context: object) -> None:
        self._heard.append(rank)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


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
