"""Whatever is done to the rows of a chain is found, and at the entry it was done to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.chain import Row, Walk
from tests.unit.audit.chains import rows

COUNT = 12
CHAIN = list(rows(COUNT))

Edit = Callable[[list[Row], int, int], list[Row]]


def problems(damaged: Iterable[Row]) -> list[tuple[str, int, int]]:
    return [(one.damage, one.number, one.last) for one in Walk().problems(damaged)]


def test_a_chain_nobody_touched_has_no_problem() -> None:
    walk = Walk()
    assert list(walk.problems(CHAIN)) == []
    assert (walk.number, walk.digest) == (COUNT, CHAIN[-1][2])


@pytest.mark.parametrize("place", [0, 5, COUNT - 1])
@pytest.mark.parametrize("column", [1, 2])
def test_every_flip_of_every_bit_is_found_at_its_entry(place: int, column: int) -> None:
    for at in range(len(CHAIN[place][column])):
        for bit in range(8):
            row = list(CHAIN[place])
            row[column] = bytes(byte ^ (1 << bit) * (position == at) for position, byte in enumerate(row[column]))
            found = problems([*CHAIN[:place], tuple(row), *CHAIN[place + 1 :]])
            assert [number for _, number, _ in found] == [place + 1], (at, bit, found)


def changed(chain: list[Row], at: int, other: int) -> list[Row]:
    number, entry, digest = chain[at]
    return [*chain[:at], (number, entry.replace(b"mended", b"broken"), digest), *chain[at + 1 :]]


def redigested(chain: list[Row], at: int, other: int) -> list[Row]:
    return [*chain[:at], (chain[at][0], chain[at][1], chain[other][2]), *chain[at + 1 :]]


def removed(chain: list[Row], at: int, other: int) -> list[Row]:
    return chain[:at] + chain[at + 1 :]


def swapped(chain: list[Row], at: int, other: int) -> list[Row]:
    first, second = min(at, other), max(at, other)
    made = list(chain)
    made[first], made[second] = (first + 1, *chain[second][1:]), (second + 1, *chain[first][1:])
    return made


def closed_up(chain: list[Row], at: int, other: int) -> list[Row]:
    """Remove one and number the rest anew."""
    return [(number, *row[1:]) for number, row in enumerate(removed(chain, at, other), 1)]


def doubled(chain: list[Row], at: int, other: int) -> list[Row]:
    """Put one in again elsewhere and number the rest anew."""
    return [(number, *row[1:]) for number, row in enumerate([*chain[:other], chain[at], *chain[other:]], 1)]


# What was done to `at` (and `other`), and the first entry that must be named (both from 0 here, from 1 there).
EDITS: dict[str, tuple[Edit, Callable[[int, int], int]]] = {
    "changed": (changed, lambda at, other: at),
    "digest of another": (redigested, lambda at, other: at),
    "removed": (removed, lambda at, other: at),
    "swapped": (swapped, min),
    "removed and closed up": (closed_up, lambda at, other: at),
    "put in again elsewhere": (doubled, lambda at, other: other),
}


@given(st.sampled_from(sorted(EDITS)), st.integers(0, COUNT - 2), st.integers(0, COUNT - 2))
def test_every_edit_is_found_and_located(name: str, at: int, other: int) -> None:
    edit, located = EDITS[name]
    if at != other:  # the last row is left alone: without it, only the exported head tells
        damaged = edit(CHAIN, at, other)
        assert problems(damaged)[0][1] == located(at, other) + 1


def test_entries_behind_a_damaged_one_are_not_blamed() -> None:
    damaged = changed(redigested(removed(CHAIN, 1, 0), 5, 0), 8, 0)  # of the rows that are left
    assert problems(damaged) == [("removed", 2, 2), ("edited", 7, 7), ("edited", 10, 10)]


@pytest.mark.parametrize(
    ("row", "damage"),
    [
        ((4, CHAIN[3][1].decode(), CHAIN[3][2]), "edited"),  # another type in the database
        ((4, b"", CHAIN[3][2]), "edited"),
        ((4, CHAIN[3][1], None), "edited"),
        ((-4, *CHAIN[3][1:]), "added"),
        (("four", *CHAIN[3][1:]), "added"),
    ],
)
def test_what_is_no_entry_is_told_and_not_stumbled_over(row: tuple[object, ...], damage: str) -> None:
    found = problems([*CHAIN[:3], row, *CHAIN[4:]])  # type: ignore[list-item]
    assert found[0][:2] == (damage, 4)
