"""What a crowd of raters said, as flat arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np

from argtree.compiled import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Answers:
    """What raters said. Axes: N answers, C claims, W raters."""

    claims: tuple[str, ...]  # [C] ids
    raters: tuple[str, ...]  # [W] ids
    claim: IntArray  # [N] which claim, in [0, C)
    rater: IntArray  # [N] which rater, in [0, W)
    prob: FloatArray  # [N] what the answer says P(claim) is, in [0, 1]; yes is 1, no is 0

    def without(self, raters: Collection[str]) -> Answers:
        """Returns the answers of all other raters, about the same claims."""
        kept = np.array([rater not in raters for rater in self.raters], dtype=np.bool_)[self.rater]
        return replace(self, claim=self.claim[kept], rater=self.rater[kept], prob=self.prob[kept])


def gather(said: Iterable[tuple[str, str, float]]) -> Answers:
    """Returns answers given as (claim, rater, what the answer says P(claim) is); who cannot say gives none.

    Raises:
        ValueError: an answer is no probability.
    """
    rows = list(said)
    claims, raters = ({one: None for one in column} for column in ([r[0] for r in rows], [r[1] for r in rows]))
    claim_row, rater_row = ({one: i for i, one in enumerate(column)} for column in (claims, raters))
    for claim, rater, prob in rows:
        if not 0 <= prob <= 1:
            raise ValueError(f"the answer of {rater!r} to {claim!r} is {prob}; it must lie in [0, 1]")
    return Answers(
        tuple(claims),
        tuple(raters),
        np.array([claim_row[claim] for claim, _, _ in rows], dtype=np.intp),
        np.array([rater_row[rater] for _, rater, _ in rows], dtype=np.intp),
        np.array([prob for _, _, prob in rows], dtype=np.float64),
    )
