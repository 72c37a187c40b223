"""Stock Presidio and ours on the same texts, interleaved, warm, the median of three, in one process.

Stock: AnalyzerEngine with its default recognizers on a blank spaCy pipeline, and AnonymizerEngine. Ours: the Scanner,
which is the same two engines with our recognizers and keyed pseudonyms. What ours remembers is forgotten before each
round, so that it judges every text again.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.scanner import Scanner
from tests.bench.layouts import cases

_LINES, _TICKETS, _TICKET_SIZE = 1_000, 100, 1_600
# Our entity for what stock calls otherwise; a phone is the type that stock finds most often where there is none.
_STOCK_PHONE, _OUR_PHONE = "PHONE_NUMBER", "PHONE"


@dataclass(frozen=True)
class Measure:
    """One line of the table; ratio and goal where there is one."""

    name: str
    ours: float
    stock: float | None
    unit: str
    goal: str
    is_met: bool | None

    @property
    def ratio(self) -> float | None:
        """Ours by stock's."""
        return self.ours / self.stock if self.stock else None


class Stock:
    """Presidio as it comes, without a language model and without the network."""

    def __init__(self) -> None:
        import spacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import SpacyNlpEngine
        from presidio_anonymizer import AnonymizerEngine

        class Blank(SpacyNlpEngine):
            def load(self) -> None:
                self.nlp = {"en": spacy.blank("en")}

        tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        engine = Blank()
        engine.load()
        self._analyzer, self._anonymizer = AnalyzerEngine(nlp_engine=engine), AnonymizerEngine()

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """What it finds."""
        return [(one.start, one.end, one.entity_type) for one in self._analyzer.analyze(text, "en")]

    def run(self, texts: list[str]) -> None:
        """Analyse and anonymise."""
        for text in texts:
            self._anonymizer.anonymize(text, self._analyzer.analyze(text, "en"))


def log_lines() -> list[str]:
    """Real log lines where there are any, else lines of the bench's layouts; distinct, in a fixed mix of systems."""
    folder = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent")) / "pii"
    files = [path.read_text(encoding="utf-8", errors="replace").splitlines() for path in sorted(folder.glob("*.log"))]
    if not files:
        return [case.text for case in cases(3, 20)][:_LINES]
    share = _LINES // len(files)
    return [line for lines in files for line in list(dict.fromkeys(lines))[:: max(1, len(lines) // share)][:share]]


def tickets() -> list[str]:
    """Texts of a ticket's length: annotated prose where there is any, else sentences of the bench's layouts."""
    file = Path(os.environ.get("FEEDBACK_REAL_DATA", "/nonexistent")) / "pii" / "presidio_research_large.jsonl"
    if file.is_file():
        parts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        parts = [case.text for case in cases(4, 40)]
    texts, text = [], ""
    for part in parts:
        text = f"{text}\n{part}" if text else part
        if len(text) >= _TICKET_SIZE:
            texts.append(text)
            text = ""
    return texts[:_TICKETS]


def measures() -> Iterator[Measure]:
    """Every line of the table, as it is measured."""
    stock, policy, keys = Stock(), load_privacy(), Keyring(b"p" * 32, b"i" * 32)
    lines, texts = log_lines(), tickets()

    def ours(kind: list[str], reading: str) -> Callable[[], object]:
        scanner = Scanner(policy, keys)
        scanner.scan(["warm up"], reading)
        return lambda: scanner.scan(kind, reading)

    for name, kind, reading, least in (
        ("logs, identifiers", lines, "structured", 100.0),
        ("tickets, identifiers", texts, "structured", 30.0),
        ("tickets, identifiers and names (stock: without names)", texts, "prose", 3.0),
    ):
        rates = _interleaved(lambda kind=kind: stock.run(kind), lambda: ours(kind, reading), len(set(kind)))  # noqa: B023
        yield Measure(name, rates[1], rates[0], "texts/s", f">= {least:.0f}x", rates[1] / rates[0] >= least)
    yield from _quality(stock, Scanner(policy, keys), lines)


def _interleaved(stock: Callable[[], object], ours: Callable[[], Callable[[], object]], count: int) -> list[float]:
    times: list[list[float]] = [[], []]
    for _ in range(3):
        for place, work in enumerate((stock, ours())):
            started = time.perf_counter()
            work()
            times[place].append(time.perf_counter() - started)
    return [count / statistics.median(taken) for taken in times]


def _quality(stock: Stock, scanner: Scanner, lines: list[str]) -> Iterator[Measure]:
    found: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for case in cases(11, 5):
        own = [(one.start, one.end) for one in scanner.scan([case.text])[case.text].found]
        theirs = [(start, end) for start, end, _ in stock.spans(case.text)]
        found[case.type].append((_is_masked(own, case.start, case.end), _is_masked(theirs, case.start, case.end)))
    for kind, pairs in found.items():
        mine, theirs = (sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1))
        yield Measure(f"recall over layouts: {kind}", mine, theirs, "share", ">= 0.99", mine >= max(0.99, theirs))
    mine = [one for result in scanner.scan(lines).values() for one in result.found]
    theirs = [one for line in set(lines) for one in stock.spans(line)]
    thousand = len(set(lines)) / 1_000
    phones = sum(one.entity == _OUR_PHONE for one in mine) / thousand
    stock_phones = sum(one[2] == _STOCK_PHONE for one in theirs) / thousand
    yield Measure("phones in 1,000 log lines (there are none)", phones, stock_phones, "found", "<= 5", phones <= 5)
    size = sum(map(len, set(lines)))
    masked = sum(one.end - one.start for one in mine) / size
    stock_masked = sum(end - start for start, end, _ in theirs) / size
    yield Measure("log characters masked, personal or not", masked, stock_masked, "share", "", None)


def _is_masked(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    covered = {place for one, other in spans for place in range(one, other)}
    return len(covered & set(range(start, end))) >= 0.9 * (end - start)
