"""Typical waiting times that take those still waiting into account."""

from __future__ import annotations

from collections.abc import Iterable


def median_wait(waits: Iterable[tuple[float, bool]]) -> float | None:
    """The time within which half were served; null where fewer than half have been, or nobody waited.

    Kaplan and Meier, "Nonparametric estimation from incomplete observations" (1958). A median over the served alone
    would be too short: those who wait longest are not in it yet.

    Args:
        waits: for each, how long it has waited, and whether it was served then (else it is still waiting).
    """
    ordered = sorted(waits, key=lambda wait: (wait[0], not wait[1]))
    share_waiting, at_risk = 1.0, len(ordered)
    for minutes, was_served in ordered:
        if was_served:
            share_waiting *= 1 - 1 / at_risk
            if share_waiting <= 0.5 + 1e-12:
                return minutes
        at_risk -= 1
    return None
