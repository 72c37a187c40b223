"""Texts as vectors of their words and pairs of words, weighted by how rare these are; and groups of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from governance.themes import DiscoveryPolicy

Numbers = npt.NDArray[np.int64]
_USED_BY = 2  # texts at least; a term of one text makes nothing alike
_TEXTS_AT_ONCE = 4096
_ROUNDED = 6  # digits of similarities, so that ties are ties on every machine


@dataclass(frozen=True)
class TextSpace:
    """Texts of unit length.

    Attributes:
        vectors: one row per text, one column per term.
        terms: the words and pairs of words, sorted.
    """

    vectors: csr_matrix
    terms: npt.NDArray[np.str_]

    @classmethod
    def of(cls, words: Sequence[str], known_terms: set[str]) -> TextSpace:
        """The space of these texts (words with a space between); terms of one text alone count where they are known."""
        from sklearn.feature_extraction.text import (
            CountVectorizer,
            TfidfTransformer,
        )  # 0.5 s that loading need not wait

        counter = CountVectorizer(analyzer=_terms_of, dtype=np.float64)
        counts = counter.fit_transform(words)
        terms = counter.get_feature_names_out()
        is_used = np.asarray((counts > 0).sum(axis=0)).ravel() >= _USED_BY
        kept = np.flatnonzero(is_used | np.isin(terms, sorted(known_terms)))
        if not len(kept):  # nothing two texts have in common
            return cls(csr_matrix((len(words), 0)), terms[kept])
        return cls(TfidfTransformer(sublinear_tf=True).fit_transform(counts[:, kept]).tocsr(), terms[kept])

    def profiles(self, described: Sequence[Mapping[str, float]]) -> csr_matrix:
        """Themes (term -> weight) as rows of this space, by the terms it has."""
        column = {term: number for number, term in enumerate(self.terms.tolist())}
        cells = [
            (weight, row, column[term])
            for row, profile in enumerate(described)
            for term, weight in profile.items()
            if term in column
        ]
        weights, rows, columns = zip(*cells, strict=True) if cells else ((), (), ())
        return csr_matrix((weights, (rows, columns)), shape=(len(described), len(self.terms)))

    def similarities(self, texts: Numbers, profiles: csr_matrix) -> npt.NDArray[np.float64]:
        """Cosines: one row per text, one column per profile."""
        found: npt.NDArray[np.float64] = (self.vectors[texts] @ profiles.T).toarray().round(_ROUNDED)
        return found

    def nearest(
        self, profiles: csr_matrix, places: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The profile each text is most like (of equals the first), or that of `places` (-1: none); and how alike.

        A few thousand texts at a time: 100,000 texts and 300 themes would take 240 MB at once.
        """
        chosen, alike = places.copy(), np.zeros(len(places))
        for start in range(0, len(places), _TEXTS_AT_ONCE):
            rows = np.arange(start, min(start + _TEXTS_AT_ONCE, len(places)))
            found = self.similarities(rows, profiles)
            chosen[rows] = np.where(places[rows] < 0, found.argmax(axis=1), places[rows])
            alike[rows] = found[np.arange(len(rows)), chosen[rows]]
        return chosen, alike

    def described(self, texts: Numbers, authors: Numbers, fewest_authors: int, count: int) -> dict[str, float]:
        """What these texts have in common: at most `count` terms with their weights, of unit length, heaviest first.

        Only terms that `fewest_authors` distinct authors use: what one person writes describes nobody else.
        """
        own = self.vectors[texts]
        by_author = csr_matrix((np.ones(len(texts)), (authors, np.arange(len(texts)))))
        used_by = np.asarray(((by_author @ (own > 0).astype(float)) > 0).sum(axis=0)).ravel()
        mean = np.asarray(own.mean(axis=0)).ravel().round(_ROUNDED)
        mean[used_by < fewest_authors] = 0
        heaviest = np.lexsort((np.arange(len(mean)), -mean))[:count]
        heaviest = heaviest[mean[heaviest] > 0]
        length = float(np.linalg.norm(mean[heaviest])) or 1.0
        return {str(self.terms[number]): float(mean[number] / length) for number in heaviest}

    def groups(self, texts: Numbers, policy: DiscoveryPolicy) -> list[Numbers]:
        """Groups among these texts that are alike on average, of `min_tickets` and more; the largest first."""
        from sklearn.cluster import AgglomerativeClustering

        spoken = texts[self.vectors[texts].getnnz(axis=1) > 0]
        if len(spoken) < policy.min_tickets:
            return []
        own = self.vectors[spoken]
        distances = 1 - (own @ own.T).toarray().round(_ROUNDED)
        labels = AgglomerativeClustering(
            n_clusters=None, metric="precomputed", linkage="average", distance_threshold=1 - policy.cohesion
        ).fit_predict(distances)
        sizes = np.bincount(labels)
        large = np.flatnonzero(sizes >= policy.min_tickets)
        first = {int(label): int(np.argmax(labels == label)) for label in large}
        ordered = sorted(first, key=lambda label: (-int(sizes[label]), first[label]))
        return [spoken[labels == label] for label in ordered]


def _terms_of(words: str) -> list[str]:
    own = words.split()
    return own + [f"{one} {other}" for one, other in pairwise(own) if one != other]
