"""What the arms of the learning experiment share: a seed's model and questions, the trees, and a simulated rater."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import logit

from argtree import ArgumentGraph, Propagator, Reliability, Root, answer_likelihood
from argtree.value import Measure, value_of_information
from benchmarks.loop_trees import Trees
from models.base import FloatArray
from models.everyday.benchmark import BenchmarkQuestion
from models.everyday.corpus import examples
from models.everyday.guesses import guess_untold
from models.everyday.withheld import Withheld
from models.everyday.world import World
from models.examples import Example

TREES = {"explore": (160, 40), "test": (80, 20), "apart": (60, 0)}
"""How many questions of each part have trees: of those that need withheld facts, and of those that do not."""

SLOW_DIRECT, LEARNT_DIRECT = 0.5, 1.0
"""How far a direct belief in a root counts beside its arguments, where roots are judged and where they are learnt from.

The first was chosen on the explore part of seeds 0 and 2. With the second a root of which nothing new is known is
learnt as it is believed already: what is learnt is what the answers changed."""


@dataclass(frozen=True)
class Case:
    """A seed: what its model was not told, the questions with their truths, and the trees under some of them."""

    seed: int
    folder: Path  # of the model
    world: World
    withheld: Withheld
    questions: Sequence[BenchmarkQuestion]
    trees: Trees

    def part(self, name: str) -> list[BenchmarkQuestion]:
        """The questions of a part, in the benchmark's order."""
        return [question for question in self.questions if question.part == name]

    def with_trees(self, name: str) -> list[BenchmarkQuestion]:
        """The questions of a part that trees were grown for."""
        return with_trees(self.questions, name)

    @cached_property
    def explored(self) -> "list[RootTree]":
        """A tree for each root to learn about; one about which the model could say nothing is left out."""
        claims = [question.claim for question in self.with_trees("explore")]
        return [RootTree(self.trees, claim) for claim in claims if not self.trees.is_plain(claim)]

    @cached_property
    def judged(self) -> "dict[str, list[RootTree]]":
        """Trees under questions of the parts that are never asked about."""
        return {part: [RootTree(self.trees, q.claim) for q in self.with_trees(part)] for part in ("test", "apart")}

    @cached_property
    def plain(self) -> list[str]:
        """The plain claims under the roots: what may be asked."""
        return list(dict.fromkeys(claim for tree in self.explored for claim in tree.plain))

    @cached_property
    def holders(self) -> dict[str, list[int]]:
        """For each claim of a tree, the numbers of the trees that hold it."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, tree in enumerate(self.explored):
            for claim in (*tree.plain, *tree.argued):
                found[claim].append(number)
        return found

    @cached_property
    def factless(self) -> list[Example]:
        """A draw of wordings and arguments from the training text: the part of it that holds no facts."""
        drawn = examples(
            self.world, self.withheld, guess_untold(self.world, self.withheld), np.random.default_rng(self.seed)
        )
        return [example for example in drawn if example.yes_prob is None]

    def is_told(self, claim: str) -> bool:
        """Whether the training text told the claim's truth."""
        statement = self.world.parse(claim)
        return statement is not None and self.withheld.is_told(self.world, statement)

    def truth(self, claim: str) -> bool | None:
        """Whether the claim is true of the world, None where the world does not hold it."""
        statement = self.world.parse(claim)
        return None if statement is None else self.world.truth(statement)


def with_trees(questions: Sequence[BenchmarkQuestion], part: str) -> list[BenchmarkQuestion]:
    """The questions of a part that get trees: the first of those that need withheld facts, and of the others."""
    needing, others = TREES[part]
    of_part = [question for question in questions if question.part == part]
    return [
        *[question for question in of_part if question.needs_withheld][:needing],
        *[question for question in of_part if not question.needs_withheld][:others],
    ]


class RootTree:
    """One root with all that it rests on, as a graph whose plan is kept."""

    def __init__(self, trees: Trees, root: str) -> None:
        self.root = root
        claims = trees.below([root])
        self.plain = [claim for claim in claims if trees.is_plain(claim)]
        self.argued = [claim for claim in claims if not trees.is_plain(claim)]
        self._graph = trees.graph([root], dict.fromkeys(self.plain, 0.5))
        self._plain_rows = np.array([self._graph.index[claim] for claim in self.plain], dtype=np.intp)
        self._propagate, self._solve = Propagator(only_askable=True), Propagator()
        self.lean: tuple[float, float] = (1.0, 1.0)  # evidence on the root: the model's direct belief in it

    def lean_to(self, belief: float, marginal: float, power: float) -> None:
        """Let the model's direct belief in the root enter as evidence, with the likelihood ratio (odds(belief) /
        odds(marginal from the arguments)) to a power: docs/design.md, "Beliefs enter once"."""
        ratio = float(np.exp(power * (logit(belief) - logit(np.clip(marginal, 1e-4, 1 - 1e-4)))))
        self.lean = (min(1.0, 1 / ratio), min(1.0, ratio))

    def prob(self, prior: Mapping[str, float], evidence: Mapping[str, tuple[float, float]]) -> dict[str, float]:
        """The posterior of every claim; the root's is the first."""
        graph = replace(self._given(prior, evidence), roots=())
        return dict(zip((claim.id for claim in graph.claims), self._solve(graph).prob.tolist(), strict=True))

    def valued(
        self,
        prior: Mapping[str, float],
        evidence: Mapping[str, tuple[float, float]],
        measure: Measure = "variance_reduction",
        reliability: Reliability = Reliability(1.0, 1.0),
    ) -> "Valued":
        """The posteriors, and what each plain claim is worth for the root."""
        result = self._propagate(self._given(prior, evidence))
        difference = result.difference[0, self._plain_rows]
        root_prob = float(result.root_prob[0])
        plain_prob = result.prob[self._plain_rows]
        value = value_of_information(measure, plain_prob, np.array(root_prob), difference, reliability)
        argued = {claim: float(result.prob[self._graph.index[claim]]) for claim in self.argued}
        return Valued(root_prob, argued, value, difference)

    def _given(self, prior: Mapping[str, float], evidence: Mapping[str, tuple[float, float]]) -> ArgumentGraph:
        claims = tuple(replace(c, prior=prior[c.id]) if c.id in prior else c for c in self._graph.claims)
        known = {c.id: evidence[c.id] for c in claims if c.id in evidence}
        l0, l1 = known.get(self.root, (1.0, 1.0))
        known[self.root] = l0 * self.lean[0], l1 * self.lean[1]
        return replace(self._graph, claims=claims, evidence=known, roots=(Root(self.root),))


@dataclass(frozen=True)
class Valued:
    """A tree worked out; P plain claims in the tree's order."""

    prob: float  # of the root
    argued: dict[str, float]  # P(claim) of every argued claim, the root among them
    value: FloatArray  # [P] of knowing each plain claim
    difference: FloatArray  # [P] P(root | claim) - P(root | not claim)


class SimulatedRater:
    """Answers from the world's truth, right at a stated rate; the same claim always gets the same answer."""

    def __init__(self, case: Case, rate: float) -> None:
        self.case, self.rate = case, rate
        self.asked = 0

    def answer(self, claim: str) -> float | None:
        """1.0 for yes, 0.0 for no, None where the rater cannot say."""
        self.asked += 1
        truth = self.case.truth(claim)
        if truth is None:
            return None
        drawn = np.random.default_rng([self.case.seed, 9, *claim.encode()]).random()
        return float(truth if drawn < self.rate else not truth)

    def likelihood(self, said: float) -> tuple[float, float]:
        """P(answer | claim false), P(answer | claim true); a perfect rater is taken for one who is nearly so."""
        rate = min(self.rate, 0.97)
        return answer_likelihood(said, Reliability(rate, rate))
