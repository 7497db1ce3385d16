"""Of many vectors the few that stand for all: greedy facility location."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def thinned(vectors: NDArray[np.float32], count: int) -> list[int]:
    """Returns the rows of vectors that together are nearest to all: up to `count`, the most telling first.

    Greedily maximises the sum over all rows of the likeness (cosine, at least 0) to the nearest chosen one. That sum is
    monotone and submodular, so the choice reaches at least 1 - 1/e of the best (Nemhauser, Wolsey and Fisher 1978, "An
    analysis of approximations for maximizing submodular set functions"). What was proposed several times counts as
    often. A row that adds nothing is not chosen.

    Args:
        vectors: [N, D], each of length 1.
        count: at least 1.
    """
    likeness = np.maximum(vectors @ vectors.T, 0.0)
    covered = np.zeros(len(vectors), dtype=likeness.dtype)
    chosen: list[int] = []
    while len(chosen) < min(count, len(vectors)):
        gains = np.maximum(likeness, covered).sum(axis=1) - covered.sum()
        best = int(gains.argmax())
        if gains[best] <= 1e-6:
            break
        chosen.append(best)
        covered = np.maximum(covered, likeness[best])
    return chosen
