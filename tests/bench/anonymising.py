"""Every line of the table on anonymising: speed, quality, repeated mentions, names and memory, in one run."""

from __future__ import annotations

from collections.abc import Iterator

from governance.keys import Keyring
from governance.privacy import load_privacy
from governance.privacy.scanner import Scanner
from tests.bench.measure import Measure
from tests.bench.memory import memory
from tests.bench.mentions import mentions
from tests.bench.names import names
from tests.bench.quality import quality
from tests.bench.speed import speed, two_processes
from tests.bench.stock import Stock
from tests.bench.texts import real_data


def measures(*, is_quick: bool = False) -> Iterator[Measure]:
    """Every line, as it is measured; `is_quick` leaves out what takes minutes."""
    stock, policy, keys = Stock(), load_privacy(), Keyring(b"p" * 32, b"i" * 32)
    yield from speed(stock, policy, keys)
    yield from quality(stock, Scanner(policy, keys))
    yield from mentions(stock, policy, keys)
    folder = real_data()
    if folder is not None and (folder / "pii").is_dir():
        yield from names(policy, folder / "pii", is_quick=is_quick)
    if not is_quick:
        yield from two_processes()
        yield from memory()
