"""What the arms of the learning experiment share: a seed's model and questions, the trees, and a simulated rater."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from argtree import Reliability, answer_likelihood
from argtree.coherence import START_WEIGHT
from benchmarks.loop_model import SmallModel
from benchmarks.loop_shapes import Grove
from benchmarks.loop_trees import Trees
from models.base import FloatArray
from models.beliefs import MIN_PROB
from models.everyday.benchmark import BenchmarkQuestion
from models.everyday.corpus import examples
from models.everyday.guesses import guess_untold
from models.everyday.oracle import SimulatedOracle
from models.everyday.withheld import Withheld
from models.everyday.world import World
from models.examples import Example
from models.replay import sayable

IntArray = npt.NDArray[np.intp]
JUDGED = ("test", "apart")  # the parts that are never asked about
PARTS = ("explore", *JUDGED)  # the parts with trees
LEAST_ALIKE = 5
"""Roots are explored whose trees have a shape that so many have. Where the model garbles an argument a tree gets one
of its own, and shapes are what is dear to solve. Nothing that is judged is left out for that."""


@dataclass(frozen=True)
class Believed:
    """A claim, and P(claim) by the first generation."""

    claim: str
    prob: float
    is_told: bool
    is_argued: bool  # it follows from facts
    things: frozenset[str]


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

    @cached_property
    def explored(self) -> Grove:
        """The trees under the roots to learn about."""
        return Grove(self.trees, [question.claim for question in self.part("explore")], LEAST_ALIKE)

    @cached_property
    def groves(self) -> dict[str, Grove]:
        """The trees under each part's questions."""
        judged = {part: Grove(self.trees, [q.claim for q in self.part(part)]) for part in JUDGED}
        return {"explore": self.explored} | judged

    @cached_property
    def lean(self) -> dict[str, FloatArray]:
        """For each part, the first generation's direct beliefs in the roots as evidence, [N, 2] of false and true.

        The likelihood ratio is odds(belief) / odds(marginal from the arguments), to the power `START_WEIGHT`:
        docs/design.md, "Beliefs enter once". Those of later generations, which learn from explored roots, would hold
        the arguments already, and count them twice.
        """
        model = SmallModel(self.folder)
        found = {}
        for part, grove in self.groves.items():
            plain = list(dict.fromkeys(claim for of in grove.plain for claim in of))
            grove.lean = np.ones((len(grove.roots), 2))
            solved = grove.solve(dict(zip(plain, model.believe(plain).tolist(), strict=True)))
            marginal = np.clip([one.prob for one in solved.values()], MIN_PROB, 1 - MIN_PROB)
            ratio = np.exp(START_WEIGHT * (logit(model.believe(grove.roots)) - logit(marginal)))
            found[part] = np.stack([np.minimum(1, 1 / ratio), np.minimum(1, ratio)], axis=1)
        return found

    @cached_property
    def plain(self) -> list[str]:
        """The plain claims under the roots: what may be asked."""
        return list(dict.fromkeys(claim for plain in self.explored.plain for claim in plain))

    @cached_property
    def holders(self) -> dict[str, list[int]]:
        """For each plain claim, the numbers of the trees that hold it."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, plain in enumerate(self.explored.plain):
            for claim in plain:
                found[claim].append(number)
        return found

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Of each root, the number of its tree."""
        return {root: number for number, root in enumerate(self.explored.roots)}

    @cached_property
    def rows(self) -> list[IntArray]:
        """For each tree, the places of its plain claims in `plain`."""
        place = {claim: i for i, claim in enumerate(self.plain)}
        return [np.array([place[claim] for claim in plain], dtype=np.intp) for plain in self.explored.plain]

    @cached_property
    def factless(self) -> list[Example]:
        """A draw of wordings and arguments from the training text: the part of it that holds no facts."""
        drawn = examples(
            self.world, self.withheld, guess_untold(self.world, self.withheld), np.random.default_rng(self.seed)
        )
        return [example for example in drawn if example.yes_prob is None]

    @cached_property
    def believed(self) -> list[Believed]:
        """Beliefs of the first generation in claims about one thing, and in a draw of claims about two.

        Nothing that is judged is among them.
        """
        rng, world = np.random.default_rng([self.seed, 16]), self.world
        judged = {question.claim for question in self.questions if question.part != "explore"}
        of_claim = {world.text(s): s for s in sayable(world, rng)}
        kept = {claim: s for claim, s in of_claim.items() if claim not in judged}
        return [
            Believed(claim, prob, self.withheld.is_told(world, s), bool(world.arguments(s)), frozenset(s.things))
            for (claim, s), prob in zip(kept.items(), SmallModel(self.folder).believe(list(kept)).tolist(), strict=True)
        ]

    def is_told(self, claim: str) -> bool:
        """Whether the training text told the claim's truth."""
        statement = self.world.parse(claim)
        return statement is not None and self.withheld.is_told(self.world, statement)

    def truth(self, claim: str) -> bool | None:
        """Whether the claim is true of the world, None where the world does not hold it."""
        statement = self.world.parse(claim)
        return None if statement is None else self.world.truth(statement)


class SimulatedRater:
    """Answers from the world's truth, right at a stated rate; the same claim always gets the same answer."""

    def __init__(self, case: Case, rate: float) -> None:
        self.rate = rate
        self._oracle = SimulatedOracle(rate, rate, case.seed, case.world)

    def answer(self, claim: str) -> float | None:
        """1.0 for yes, 0.0 for no, None where the rater cannot say."""
        return {"yes": 1.0, "no": 0.0, "cannot_say": None}[self._oracle.says(claim)]

    def likelihood(self, said: float) -> tuple[float, float]:
        """P(answer | claim false), P(answer | claim true); a perfect rater is taken for one who is nearly so."""
        rate = min(self.rate, 0.97)
        return answer_likelihood(said, Reliability(rate, rate))
