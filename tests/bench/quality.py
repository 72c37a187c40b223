"""How much of what must be masked is, and how much else: recall over layouts, false findings in real log lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from governance.privacy.scanner import Scanner
from tests.bench.layouts import Case, cases
from tests.bench.measure import Measure, is_masked
from tests.bench.stock import Stock
from tests.bench.texts import lines_of_many_systems, technical_lines
from tests.bench.truth import personal
from tests.bench.unseen import unseen_cases

LEAST_RECALL = 0.99
# The corpora by what the table calls them; a type's own line is `<corpus>: <type>`.
RECALLS: Mapping[str, Callable[[], Iterable[Case]]] = {
    "masked recall": lambda: cases(11, 4),
    "masked recall, unseen labels and layouts": lambda: unseen_cases(12, 2),
}
# What log lines hold none of, in our words and in stock's: most that may be found in 1,000 lines.
_NONE_IN_LOGS = {
    "phones": (("PHONE",), ("PHONE_NUMBER",), 5),
    "driver licences and national ids": (
        ("NATIONAL_ID", "SSN"),
        ("US_DRIVER_LICENSE", "US_SSN", "UK_NHS", "US_PASSPORT", "US_ITIN"),
        0,
    ),
    "bank accounts": (("BANK_ACCOUNT", "IBAN"), ("US_BANK_NUMBER", "IBAN_CODE"), 0),
}


def quality(stock: Stock, scanner: Scanner) -> Iterator[Measure]:
    """Recall per type over the layouts, the same over labels and layouts never tuned on, and false findings."""
    for name, corpus in RECALLS.items():
        recalls = list(_recalls(stock, scanner, corpus()))
        for kind, mine, theirs in recalls:
            met = mine >= max(LEAST_RECALL, theirs)
            yield Measure(f"{name}: {kind}", mine, theirs, "share", f">= {LEAST_RECALL}", met)
        worst, lowest = (min(recall[side] for recall in recalls) for side in (1, 2))
        name = f"{name}, worst of {len(recalls)} types"
        yield Measure(name, worst, lowest, "share", f">= {LEAST_RECALL}", worst >= LEAST_RECALL)
    lines = lines_of_many_systems()
    if lines:
        yield from _false_findings(stock, scanner, lines, "real log lines of many systems")
    yield from _false_findings(stock, scanner, technical_lines(5, 1_000), "made-up technical lines", has_truth=False)


def _recalls(stock: Stock, scanner: Scanner, corpus: Iterable[Case]) -> Iterator[tuple[str, float, float]]:
    """Per type: ours, and stock's. Stock takes 2.5 ms a text, so it gets every fourth."""
    ours: dict[str, list[bool]] = defaultdict(list)
    theirs: dict[str, list[bool]] = defaultdict(list)
    listed = list(corpus)
    scanned = scanner.scan([case.text for case in listed])
    for place, case in enumerate(listed):
        own = [(one.start, one.end) for one in scanned[case.text].found]
        ours[case.type].append(is_masked(own, case.start, case.end))
        if place % 4 == 0:
            spans = [(start, end) for start, end, _ in stock.spans(case.text)]
            theirs[case.type].append(is_masked(spans, case.start, case.end))
    for kind, masked in ours.items():
        yield kind, sum(masked) / len(masked), sum(theirs[kind]) / max(1, len(theirs[kind]))


def _false_findings(
    stock: Stock, scanner: Scanner, lines: list[str], name: str, *, has_truth: bool = True
) -> Iterator[Measure]:
    """What is found in log lines that hold none of it, and the characters masked that are not personal."""
    distinct = list(dict.fromkeys(lines))
    scanned = scanner.scan(distinct)
    ours = {line: [(one.start, one.end, one.entity) for one in scanned[line].found] for line in distinct}
    theirs = {line: stock.spans(line) for line in distinct}
    thousand = len(distinct) / 1_000
    for what, (own_names, stock_names, most) in _NONE_IN_LOGS.items():
        mine, stocks = (
            sum(one[2] in names for found in spans.values() for one in found) / thousand
            for spans, names in ((ours, own_names), (theirs, stock_names))
        )
        yield Measure(f"{what} in 1,000 {name} (there are none)", mine, stocks, "found", f"<= {most}", mine <= most)
    truth = {line: personal(line) if has_truth else set() for line in distinct}
    size = sum(map(len, distinct))
    wrong, stock_wrong = (
        sum(len(_places(found) - truth[line]) for line, found in spans.items()) / size for spans in (ours, theirs)
    )
    met = wrong <= stock_wrong / 10
    yield Measure(f"characters of {name} masked, not personal", wrong, stock_wrong, "share", "<= stock / 10", met)
    if has_truth:
        all_ = max(1, sum(map(len, truth.values())))
        found, stock_found = (
            sum(len(_places(found) & truth[line]) for line, found in spans.items()) / all_ for spans in (ours, theirs)
        )
        yield Measure(f"personal characters of {name} masked", found, stock_found, "share", "", None)


def _places(found: list[tuple[int, int, str]]) -> set[int]:
    return {place for start, end, _ in found for place in range(start, end)}
