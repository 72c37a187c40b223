"""Forward-backward over chains of words of all lengths at once, without padding."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
# From the columns of words to those of the words behind them.
Move = tuple[slice, slice]


def in_step(chains: list[tuple[int, int]]) -> tuple[Places, list[Move]]:
    """The places of the words of chains (start, length), the first ones of all before the second ones; and the moves.

    The longest chain stands first, so those that go on to a next word stand together, and no step has to do with chains
    that have ended: padding them to one length took ten times as long.
    """
    starts, lengths = np.array(sorted(chains, key=lambda chain: -chain[1]), dtype=np.int64).reshape(-1, 2).T
    alive = np.searchsorted(-lengths, -np.arange(lengths.max(initial=0))).tolist()
    ends = list(accumulate(alive, initial=0))
    moves = [
        (slice(before, before + count), slice(own, own + count))
        for before, own, count in zip(ends, ends[1:], alive[1:], strict=False)
    ]
    return np.concatenate([starts[:0], *(starts[:count] + step for step, count in enumerate(alive))]), moves


def marginals(scores: Floats, transitions: Floats, moves: list[Move]) -> Floats:
    """How likely each label (row) is for each word (column), in the order of `in_step`; scaled at each step."""
    potentials: Floats = np.exp(scores - scores.max(axis=0))
    forward, backward = potentials.copy(), np.ones_like(potentials)
    for before, own in moves:
        forward[:, own] *= transitions.T @ forward[:, before]
        forward[:, own] /= forward[:, own].sum(axis=0)
    for before, own in reversed(moves):
        backward[:, before] = transitions @ (potentials[:, own] * backward[:, own])
        backward[:, before] /= backward[:, before].sum(axis=0)
    likely: Floats = forward * backward
    likely /= likely.sum(axis=0)
    return likely
