"""One line of the tables of `make bench`: what was measured, of ours and of stock, and the goal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

_MET = {True: "yes", False: "NO", None: ""}


@dataclass(frozen=True)
class Measure:
    """One line of a table; `stock`, `goal` and `is_met` where there is one.

    A goal that ends in x is one of the ratio.
    """

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

    @property
    def judged(self) -> str:
        """The figure that the goal is of."""
        if self.goal.endswith("x") and self.ratio is not None:
            return f"{self.ratio:,.3g}x"
        return f"{_figure(self.ours)} {self.unit}"


def print_table(title: str, measures: Sequence[Measure], prefix: str = "") -> None:
    """The measures with all their figures; `prefix` is left out of their names."""
    table = Table(title=title)
    for heading in ("measure", "ours", "stock", "ratio", "goal", "met"):
        table.add_column(heading)
    for one in measures:
        figures = [_figure(value) if value is not None else "" for value in (one.ours, one.stock, one.ratio)]
        name = f"{one.name.removeprefix(prefix)} [{one.unit}]"
        table.add_row(name.replace("[", "\\["), *figures, one.goal, _MET[one.is_met])
    _print(table)


def print_goals(goals: Iterable[tuple[str, Measure]]) -> None:
    """One row per goal: the section it is of, the measure, the figure the goal is of, the goal, whether it is met."""
    table = Table(title="Goals")
    for heading in ("of", "measure", "ours", "goal", "met"):
        table.add_column(heading)
    of = ""
    for section, one in goals:
        if section != of and of:
            table.add_section()
        table.add_row(section if section != of else "", one.name, one.judged, one.goal, _MET[one.is_met])
        of = section
    _print(table)


def print_lines(measures: Iterable[Measure]) -> None:
    """One line per measure, as each is there."""
    for one in measures:
        stock, ratio = (_figure(value) if value is not None else "" for value in (one.stock, one.ratio))
        print(
            f"{one.name:90} {_figure(one.ours):>12} {stock:>12} {one.unit:10} {ratio:>8} {one.goal:8} "
            f"{_MET[one.is_met]}",
            flush=True,
        )


def is_masked(spans: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether the spans cover 90 % of the characters of [start, end)."""
    covered = {place for one, other in spans for place in range(max(one, start), min(other, end))}
    return len(covered) >= 0.9 * (end - start)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def _print(table: Table) -> None:
    Console(width=max(140, Console().width)).print(table)
