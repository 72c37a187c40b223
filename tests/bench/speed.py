"""Stock Presidio and ours on the same texts, interleaved, warm, the median of three, in one process.

Ours: the Scanner, which is the same two engines with our recognizers and keyed pseudonyms. It is warmed up with other
texts, and what it remembers of the texts and has learnt of their words is forgotten before each pass, so that it judges
every text anew. Each is run for a second at least: the machine's other work comes and goes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from governance.keys import Keyring
from governance.privacy.names import NameRecognizer
from governance.privacy.policy import PrivacyPolicy
from governance.privacy.scanner import Reading, Scanner
from tests.bench.measure import Measure
from tests.bench.stock import Stock
from tests.bench.texts import log_lines, other_texts, tickets

_LEAST_SECONDS = 1.0


def speed(stock: Stock, policy: PrivacyPolicy, keys: Keyring) -> Iterator[Measure]:
    """Texts a second of both, for logs, tickets, and tickets with names."""
    lines, texts = log_lines(), tickets()
    rows: tuple[tuple[str, list[str], Reading, float], ...] = (
        ("logs, identifiers", lines, "structured", 100.0),
        ("tickets, identifiers", texts, "structured", 30.0),
        ("tickets, identifiers and names (stock: without names)", texts, "prose", 3.0),
    )
    for name, kind, reading, least in rows:
        distinct = list(dict.fromkeys(kind))
        passes = [_stock_pass(stock, distinct), _our_pass(policy, keys, distinct, reading)]
        rates = [len(distinct) / seconds for seconds in _interleaved(passes)]
        yield Measure(name, rates[1], rates[0], "texts/s", f">= {least:.0f}x", rates[1] / rates[0] >= least)


def two_processes() -> Iterator[Measure]:
    """The stage over days of logs with two processes against one, each with one thread of polars."""
    command = [sys.executable, "-m", "tests.bench.processes"]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "FEEDBACK_PROCESSES": "2"}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    two, one = json.loads(told)
    yield Measure("anonymize stage: two processes against one", two, one, "records/s", ">= 1.7x", two / one >= 1.7)


def _stock_pass(stock: Stock, texts: list[str]) -> Callable[[], float]:
    return lambda: _timed(lambda: stock.run(texts))


def _our_pass(policy: PrivacyPolicy, keys: Keyring, texts: list[str], reading: Reading) -> Callable[[], float]:
    """One pass over the texts by a scanner that has read others."""
    scanner = Scanner(policy, keys)
    scanner.scan(other_texts(), reading)
    model = next(one for one in scanner._names.registry.recognizers if isinstance(one, NameRecognizer))._model
    words = dict(model._known)

    def once() -> float:
        scanner._memory.clear()
        model._read, model._words, model._known = {}, {}, dict(words)
        return _timed(lambda: scanner.scan(texts, reading))

    return once


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _interleaved(passes: list[Callable[[], float]]) -> list[float]:
    """Seconds a pass of each, the median of three rounds."""
    times: list[list[float]] = [[] for _ in passes]
    for _ in range(3):
        for taken, once in zip(times, passes, strict=True):
            seconds = [once()]
            while sum(seconds) < _LEAST_SECONDS:
                seconds.append(once())
            taken.append(statistics.mean(seconds))
    return list(map(statistics.median, times))
