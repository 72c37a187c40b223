"""One line of the table of `make bench`: what was measured, of ours and of stock Presidio, and the goal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One line of the table; `stock`, `goal` and `is_met` where there is one."""

    name: str
    ours: float
    stock: float | None
    unit: str
    goal: str = ""
    is_met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours by stock's."""
        return self.ours / self.stock if self.stock else None


def is_masked(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether the spans cover 90 % of the characters of [start, end)."""
    covered = {place for one, other in spans for place in range(max(one, start), min(other, end))}
    return len(covered) >= 0.9 * (end - start)
