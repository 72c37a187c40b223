"""Small trend lines that need no JavaScript: SVG for pages, block characters for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


@dataclass(frozen=True)
class Line:
    """Points of an SVG polyline per unbroken stretch, in a box of width x height; baseline_y is null without one."""

    width: int
    height: int
    stretches: tuple[str, ...]
    baseline_y: float | None
    last: tuple[float, float] | None


def line(values: Sequence[float | None], width: int, height: int, baseline: float | None = None) -> Line | None:
    """`values` in their order, from zero up; a missing value is a gap, not a zero. Null where all are missing."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    top = max([*known, baseline or 0.0]) or 1.0
    step = (width - 4) / max(1, len(values) - 1)

    def y(value: float) -> float:
        return round(height - 2 - (height - 4) * max(0.0, value) / top, 1)

    stretches: list[list[tuple[float, float]]] = [[]]
    for position, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((round(2 + position * step, 1), y(value)))
    drawn = [stretch for stretch in stretches if stretch]
    points = tuple(" ".join(f"{x},{height_}" for x, height_ in _visible(stretch)) for stretch in drawn)
    return Line(width, height, points, None if baseline is None else y(baseline), drawn[-1][-1])


def _visible(stretch: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A stretch of one point is drawn as a short dash: a line of no length would not be seen."""
    if len(stretch) > 1:
        return stretch
    x, y = stretch[0]
    return [(x - 1, y), (x + 1, y)]


def blocks(values: Sequence[float | None], width: int) -> str:
    """`values` in at most `width` block characters, each the highest of its days; a missing one is a space."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    top = max(known)
    cells = []
    for cell in range(min(width, len(values))):
        first, last = (len(values) * edge // min(width, len(values)) for edge in (cell, cell + 1))
        held = [value for value in values[first:last] if value is not None]
        cells.append(_BLOCKS[_height(max(held), top)] if held else _GAP)
    return "".join(cells)


def _height(value: float, top: float) -> int:
    return 0 if top <= 0 else min(len(_BLOCKS) - 1, int(max(0.0, value) / top * (len(_BLOCKS) - 1) + 0.5))
