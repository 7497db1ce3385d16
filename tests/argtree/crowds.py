"""Small simulated crowds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argtree.answers import Answers, gather


def drawn(
    seed: int, claims: int, raters: int, answers_per_claim: int, soft: bool = False
) -> tuple[Answers, npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Returns answers, the truth of `answers.claims`, and the sensitivities and specificities of raters r0, r1, ..."""
    rng = np.random.default_rng(seed)
    truth, rates = rng.random(claims) < 0.5, rng.beta(8, 3, (raters, 2))
    said = []
    for claim in range(claims):
        for rater in rng.choice(raters, answers_per_claim, replace=False).tolist():
            right = rng.random() < rates[rater, 0 if truth[claim] else 1]
            yes = float(truth[claim] == right)
            said.append((f"c{claim}", f"r{rater}", rng.choice([0.9, 0.6] if yes else [0.1, 0.4]) if soft else yes))
    answers = gather(said)
    return answers, np.array([truth[int(claim[1:])] for claim in answers.claims]), rates
