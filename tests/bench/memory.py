"""Peak memory of anonymising ten times as many distinct tokens: what is remembered must not grow with them.

Each size runs in a process of its own: `python -m tests.bench.memory 1000000` prints its peak in MiB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

from tests.bench.measure import Measure

_SMALL, _LARGE, _MOST_GROWTH = 1_000_000, 10_000_000, 50.0
_TOKENS_PER_TEXT, _TEXTS_PER_BATCH = 20, 2_500


def memory(*, share: float = 1.0) -> Iterator[Measure]:
    """The growth from one million distinct tokens to ten; `share` shrinks both."""
    small, large = (_peak(int(size * share)) for size in (_SMALL, _LARGE))
    growth = large - small
    name = f"memory at {int(_LARGE * share):,} distinct tokens against {int(_SMALL * share):,}"
    yield Measure(name, growth, None, "MiB more", "<= 50", growth <= _MOST_GROWTH)


def _peak(size: int) -> float:
    command = [sys.executable, "-m", "tests.bench.memory", str(size)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _texts(size: int) -> Iterator[list[str]]:
    """Batches of texts of `size` distinct tokens, every tenth of them an identifier."""
    batch: list[str] = []
    for first in range(0, size, _TOKENS_PER_TEXT):
        numbers = range(first, min(size, first + _TOKENS_PER_TEXT))
        batch.append(" ".join(f"user{one:x}@example.com" if one % 10 == 0 else f"span-{one:x}" for one in numbers))
        if len(batch) == _TEXTS_PER_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def main() -> None:
    """Anonymise so many distinct tokens and print the peak of this process in MiB."""
    from governance.keys import Keyring
    from governance.privacy import load_privacy
    from governance.privacy.scanner import Scanner

    scanner = Scanner(load_privacy(), Keyring(b"p" * 32, b"i" * 32))
    for place, batch in enumerate(_texts(int(sys.argv[1]))):
        scanned = scanner.scan(batch, "technical" if place % 10 == 0 else "structured")  # names take ten times as long
        if any(result.text is None for result in scanned.values()):
            sys.exit("a text was refused; nothing was measured")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
