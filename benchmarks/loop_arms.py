"""Ways to choose the next question, each from what has been explored so far: one pass of `Exploration` a round."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from argtree import Reliability
from argtree.value import PERFECT
from benchmarks.loop_case import Case, RootTree, Valued
from models.base import FloatArray

LEAST_UNSURE, MOST_UNSURE = 0.1, 0.9  # what may be asked lies between, for every arm
MOVED = 0.05  # a root that an answer moves this far counts as moved


@dataclass
class Exploration:
    """The roots' trees under the beliefs of one generation and the labels so far."""

    case: Case
    prior: dict[str, float]
    evidence: dict[str, tuple[float, float]]
    reliability: Reliability = PERFECT
    found: dict[str, Valued] = field(default_factory=dict)  # by root

    def work_out(self, trees: Iterable[RootTree] | None = None) -> int:
        """Work out the given trees anew, all by default; how many of their roots moved by `MOVED` or more."""
        moved = 0
        for tree in self.case.explored if trees is None else trees:
            before = self.found.get(tree.root)
            now = tree.valued(self.prior, self.evidence, reliability=self.reliability)
            self.found[tree.root] = now
            moved += before is not None and abs(now.prob - before.prob) >= MOVED
        return moved

    def summed(self, of: Mapping[str, FloatArray]) -> dict[str, float]:
        """The sum over roots for every plain claim."""
        total: dict[str, float] = defaultdict(float)
        for tree in self.case.explored:
            for claim, number in zip(tree.plain, of[tree.root].tolist(), strict=True):
                total[claim] += number
        return total

    def value(self) -> dict[str, float]:
        """What it would be worth to know each plain claim."""
        return self.summed({root: one.value for root, one in self.found.items()})

    def sensitivity(self) -> dict[str, float]:
        """How far each plain claim can move the roots: the sum of |P(root | claim) - P(root | not claim)|."""
        return self.summed({root: np.abs(one.difference) for root, one in self.found.items()})

    def argued(self) -> dict[str, float]:
        """The posterior of every argued claim, from the first tree that holds it."""
        return {claim: prob for one in reversed(self.found.values()) for claim, prob in one.argued.items()}

    def resting(self, claim: str) -> list[RootTree]:
        """The trees that hold the claim."""
        return [self.case.explored[i] for i in self.case.holders.get(claim, ())]

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
    open_roots = [r for r, one in at.found.items() if r not in at.evidence and LEAST_UNSURE < one.prob < MOST_UNSURE]
    return open_roots[rng.integers(len(open_roots))] if open_roots else None


def nothing(at: Exploration, rng: np.random.Generator) -> str | None:
    """Nobody is asked."""
    return None


ARMS = {
    "value": by_value,
    "uncertainty": by_uncertainty,
    "random": at_random,
    "most shared": by_sharing,
    "sensitivity": by_sensitivity,
    "final answers": final_answer,
    "self-distillation": nothing,
    "no training": by_value,
}
RANKED_ANEW = ("value", "sensitivity", "no training")  # what an answer changes for the next choice
