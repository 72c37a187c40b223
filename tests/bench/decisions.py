"""The decision record at a million entries: how long it takes to verify, and whether it finds what was done to it.

`python -m tests.bench.decisions` prints it.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from governance.audit import Decision
from governance.audit.chain import Row, Walk
from tests.bench.measure import Measure, print_lines
from tests.unit.audit.chains import START, damage, flipped, rows, stored

ENTRIES, EDITS, FLIPS, APPENDS = 1_000_000, 10_000, 1_000_000, 20
_MOST_SECONDS = 10.0


def deciding(entries: int = ENTRIES, edits: int = EDITS, flips: int = FLIPS) -> Iterator[Measure]:
    """Seconds of verifying and appending, and the shares of flipped bytes and of edits that are found and located."""
    found = _share_of_flips_found(flips)
    yield Measure(f"flips of a bit found and located, of {flips:,}", found, None, "ratio", "1", found == 1.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = stored(folder, entries)
        started = time.perf_counter()
        is_good = record.verify().is_good
        seconds = time.perf_counter() - started
        yield Measure(
            f"verifying {entries:,} entries", seconds, None, "s", "<= 10", is_good and seconds <= _MOST_SECONDS
        )
        started = time.perf_counter()
        for number in range(APPENDS):
            record.append(Decision("review", "ana@example.com", "Looked at it.", START, {"number": number}))
        yield Measure("one decision more", (time.perf_counter() - started) / APPENDS * 1_000, None, "ms")
        places = damage(folder, entries, edits, seed=6)
        located = {problem.number for problem in record.verify().problems}
        share = len(places & located) / len(places)
        yield Measure(f"random edits found and located, of {edits:,}", share, None, "ratio", "1", share == 1)


def _share_of_flips_found(flips: int) -> float:
    """One bit of one stored entry or digest at a time: only the rows around it can tell, so only they are looked at."""
    rng, chain = random.Random(6), list(rows(10_000))
    before: list[tuple[Row, Row]] = list(pairwise(chain))
    count = 0
    for _ in range(flips):
        previous, row = rng.choice(before)
        column = rng.choice((1, 2))
        changed = (row[0], flipped(row[1], rng), row[2]) if column == 1 else (*row[:2], flipped(row[2], rng))
        walk = Walk()
        walk.number, walk.digest = previous[0], previous[2]
        count += any(problem.number == row[0] for problem in walk.problems([changed]))
    return count / flips


def main() -> None:
    """Print the measures."""
    print_lines(deciding())


if __name__ == "__main__":
    main()
