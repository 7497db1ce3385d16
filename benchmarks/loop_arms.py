"""Ways to choose the next question, each from what has been explored so far: one pass of `Exploration` a round."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from argtree import Reliability
from argtree.value import PERFECT
from benchmarks.loop_case import Case
from benchmarks.loop_shapes import Solved
from models.base import FloatArray

LEAST_UNSURE, MOST_UNSURE = 0.1, 0.9  # what may be asked lies between, for every arm
MOVED = 0.05  # a root that an answer moves this far counts as moved


def posterior(prob: float, evidence: tuple[float, float]) -> float:
    """P(plain claim | its labels), from the belief in it and the labels' likelihoods."""
    if_false, if_true = evidence
    return prob * if_true / (prob * if_true + (1 - prob) * if_false)


@dataclass
class Exploration:
    """The roots' trees under the beliefs of one generation and the labels so far."""

    case: Case
    prior: dict[str, float]  # plain claim -> the belief in it, without labels
    evidence: dict[str, tuple[float, float]]  # claim -> likelihoods of its labels if false, if true
    reliability: Reliability = PERFECT
    found: dict[int, Solved] = field(default_factory=dict)  # by the number of the tree

    def work_out(self, numbers: Iterable[int] | None = None) -> int:
        """Work out the trees of these numbers anew, all by default; how many roots moved by `MOVED` or more."""
        wanted = range(len(self.case.explored.roots)) if numbers is None else sorted(set(numbers))
        claims = dict.fromkeys(claim for number in wanted for claim in self.case.explored.plain[number])
        prob = {claim: posterior(self.prior[claim], self.evidence.get(claim, (1.0, 1.0))) for claim in claims}
        now = self.case.explored.solve(prob, wanted, self.reliability)
        moved = sum(n in self.found and abs(self.found[n].prob - one.prob) >= MOVED for n, one in now.items())
        self.found |= now
        return moved

    def value(self, but_one: bool = False) -> dict[str, float]:
        """What it would be worth to know each plain claim, summed over roots, or over all but its best."""
        value = self._summed({number: one.value for number, one in self.found.items()})
        if not but_one:
            return value
        best = np.zeros(len(self.case.plain))
        for number, one in self.found.items():
            np.maximum.at(best, self.case.rows[number], one.value)
        return {claim: value[claim] - most for claim, most in zip(self.case.plain, best.tolist(), strict=True)}

    def sensitivity(self) -> dict[str, float]:
        """How far each plain claim can move the roots: the sum of |P(root | claim) - P(root | not claim)|."""
        return self._summed({number: np.abs(one.difference) for number, one in self.found.items()})

    def argued(self) -> dict[str, float]:
        """The posterior of every argued claim, from the first tree that holds it."""
        return {
            claim: prob
            for number in sorted(self.found, reverse=True)
            for claim, prob in self.found[number].argued.items()
        }

    def _summed(self, of: dict[int, FloatArray]) -> dict[str, float]:
        total = np.zeros(len(self.case.plain))
        for number, numbers in of.items():
            total[self.case.rows[number]] += numbers
        return dict(zip(self.case.plain, total.tolist(), strict=True))

    def open_claims(self) -> list[str]:
        """The plain claims that may be asked: not answered yet, and neither likely nor unlikely."""
        return [
            claim
            for claim in self.case.plain
            if claim not in self.evidence and LEAST_UNSURE < self.prior[claim] < MOST_UNSURE
        ]


def by_value(at: Exploration, rng: np.random.Generator) -> str | None:
    """The highest value of information over all roots."""
    value = at.value()
    return max(at.open_claims(), key=lambda claim: value[claim], default=None)


def by_value_for_others(at: Exploration, rng: np.random.Generator) -> str | None:
    """The highest value to all roots but the one that gains most: what questions not asked yet may gain."""
    value = at.value(but_one=True)
    return max(at.open_claims(), key=lambda claim: value[claim], default=None)


def by_uncertainty(at: Exploration, rng: np.random.Generator) -> str | None:
    """The probability closest to one half."""
    return min(at.open_claims(), key=lambda claim: abs(at.prior[claim] - 0.5), default=None)


def at_random(at: Exploration, rng: np.random.Generator) -> str | None:
    """Any claim that may be asked."""
    open_claims = at.open_claims()
    return open_claims[rng.integers(len(open_claims))] if open_claims else None


def by_sharing(at: Exploration, rng: np.random.Generator) -> str | None:
    """The most roots that rest on it, times p (1-p)."""
    shared = at.case.holders
    return max(at.open_claims(), key=lambda c: len(shared[c]) * at.prior[c] * (1 - at.prior[c]), default=None)


def by_sensitivity(at: Exploration, rng: np.random.Generator) -> str | None:
    """The largest sum over roots of |P(root | claim) - P(root | not claim)|, however likely the claim is."""
    moves = at.sensitivity()
    return max(at.open_claims(), key=lambda claim: moves[claim], default=None)


def final_answer(at: Exploration, rng: np.random.Generator) -> str | None:
    """A root drawn at random, to be answered itself."""
    roots = at.case.explored.roots
    open_roots = [
        roots[n] for n, one in at.found.items() if roots[n] not in at.evidence and LEAST_UNSURE < one.prob < MOST_UNSURE
    ]
    return open_roots[rng.integers(len(open_roots))] if open_roots else None


def nothing(at: Exploration, rng: np.random.Generator) -> str | None:
    """Nobody is asked."""
    return None


ARMS = {
    "value": by_value,
    "value for others": by_value_for_others,
    "uncertainty": by_uncertainty,
    "random": at_random,
    "most shared": by_sharing,
    "sensitivity": by_sensitivity,
    "final answers": final_answer,
    "self-distillation": nothing,
    "no training": by_value,
}
RANKED_ANEW = ("value", "value for others", "sensitivity", "no training")  # what an answer changes for the next choice
