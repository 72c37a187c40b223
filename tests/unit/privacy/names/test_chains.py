"""Forward-backward over chains of several lengths, against the sum over every path."""

from itertools import pairwise, product

import numpy as np

from governance.privacy.names.chains import in_step, marginals

LABELS = 3


def summed(scores: np.ndarray, transitions: np.ndarray) -> np.ndarray:
    """How likely each label (column) is for each word (row) of one chain, path by path."""
    likely = np.zeros_like(scores)
    for path in product(range(LABELS), repeat=len(scores)):
        moves = [transitions[one, two] for one, two in pairwise(path)]
        likely[range(len(scores)), path] += np.exp(scores[range(len(scores)), path].sum()) * np.prod(moves)
    return likely / likely.sum(axis=1, keepdims=True)


def test_each_chain_has_the_marginals_it_has_alone() -> None:
    rng = np.random.default_rng(3)
    scores, transitions = rng.normal(0, 3, (16, LABELS)), np.exp(rng.normal(0, 2, (LABELS, LABELS)))
    chains = [(0, 2), (2, 5), (8, 1), (9, 5), (15, 1)]  # words 7 and 14 belong to none
    here, moves = in_step(chains)
    found = np.zeros_like(scores)
    found[here] = marginals(scores[here].T, transitions, moves).T
    assert sorted(here) == [place for start, length in chains for place in range(start, start + length)]
    for start, length in chains:
        own = slice(start, start + length)
        np.testing.assert_allclose(found[own], summed(scores[own], transitions), rtol=1e-9)


def test_no_chains_have_no_words() -> None:
    here, moves = in_step([])
    assert marginals(np.zeros((LABELS, 0))[:, here], np.ones((LABELS, LABELS)), moves).shape == (LABELS, 0)
