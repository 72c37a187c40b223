"""Stock Presidio and ours on the same texts, interleaved, warm, the median of three, in one process.

Ours: the Scanner, which is the same two engines with our recognizers and keyed pseudonyms. What ours remembers is
forgotten before each round, so that it judges every text again.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from governance.keys import Keyring
from governance.privacy.policy import PrivacyPolicy
from governance.privacy.scanner import Reading, Scanner
from tests.bench.measure import Measure
from tests.bench.stock import Stock
from tests.bench.texts import log_lines, tickets


def speed(stock: Stock, policy: PrivacyPolicy, keys: Keyring) -> Iterator[Measure]:
    """Texts a second of both, for logs, tickets, and tickets with names."""
    lines, texts = log_lines(), tickets()
    rows: tuple[tuple[str, list[str], Reading, float], ...] = (
        ("logs, identifiers", lines, "structured", 100.0),
        ("tickets, identifiers", texts, "structured", 30.0),
        ("tickets, identifiers and names (stock: without names)", texts, "prose", 3.0),
    )

    def ours(kind: list[str], reading: Reading) -> Callable[[], object]:
        scanner = Scanner(policy, keys)
        scanner.scan(["warm up"], reading)
        return lambda: scanner.scan(kind, reading)

    for name, kind, reading, least in rows:
        rates = _interleaved(lambda kind=kind: stock.run(kind), lambda: ours(kind, reading), len(set(kind)))  # noqa: B023
        yield Measure(name, rates[1], rates[0], "texts/s", f">= {least:.0f}x", rates[1] / rates[0] >= least)


def two_processes() -> Iterator[Measure]:
    """The stage with two processes against one. Nothing yet: the stage runs in one process."""
    yield from ()


def _interleaved(stock: Callable[[], object], ours: Callable[[], Callable[[], object]], count: int) -> list[float]:
    times: list[list[float]] = [[], []]
    for _ in range(3):
        for place, work in enumerate((stock, ours())):
            started = time.perf_counter()
            work()
            times[place].append(time.perf_counter() - started)
    return [count / statistics.median(taken) for taken in times]
