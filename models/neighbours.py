"""An index of texts by their vectors: which of very many are nearest to a text, without looking at all.

A hierarchical navigable small world graph (Malkov and Yashunin 2018, arXiv 1603.09320): approximate; it is held against
looking at all in a test. In memory only.
"""

from collections.abc import Sequence

import numpy as np
from usearch.index import Index

from models.embedding import Embedding


class Neighbours:
    """Texts under integer keys."""

    def __init__(self, embedding: Embedding) -> None:
        self.embedding = embedding
        self._index = Index(ndim=embedding.size, metric="ip", dtype="f16")

    def __len__(self) -> int:
        return len(self._index)

    def add(self, keys: Sequence[int], texts: Sequence[str]) -> None:
        """Take in texts under keys of at least 0 that are new."""
        if keys:
            self._index.add(np.array(keys, dtype=np.uint64), self.embedding(texts))

    def nearest(self, texts: Sequence[str], count: int) -> list[list[int]]:
        """For each text the keys of the nearest, nearest first: `count` at most, and none below the model's floor."""
        if not texts or not len(self):
            return [[] for _ in texts]
        found = []
        for vector in self.embedding(texts):
            matches = self._index.search(vector, count)
            pairs = zip(matches.keys.tolist(), matches.distances.tolist(), strict=True)
            found.append([int(key) for key, distance in pairs if 1 - distance >= self.embedding.floor])
        return found
