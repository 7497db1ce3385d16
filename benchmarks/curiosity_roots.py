"""Questions of the bundled world explored to the end, one tree each, and what was left unsure and could be learnt then.

What was worked out is kept in a file, so that a question is explored once whoever picks it. Not here: who picks what
(`benchmarks.curiosity`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from argtree import Propagation, answer_likelihood, propagate, rank
from argtree.search import choose_expansions
from benchmarks.search_trees import RememberingModel, grow, planted
from models.beliefs import Belief
from models.elicitation import Elicitor
from models.everyday.oracle import SimulatedOracle
from models.everyday.world import load_world

ANSWERS = 10
AT_ONCE = 16
_NO_LIMIT = 10**9  # tokens


@dataclass(frozen=True)
class Finished:
    """A question that was explored until nothing was worth an expansion."""

    question: str
    claim: str
    family: str
    belief: float  # the model's direct one, mean
    pseudo_count: float
    prob: float  # P(root) at the end
    answered: float  # P(root) once the ten questions that stand first in its queue were answered truthfully
    truth: bool
    planting: int  # tokens that it took to word and to believe the root
    tokens: int  # in all

    @property
    def residual(self) -> float:
        """p (1 - p)."""
        return self.prob * (1 - self.prob)

    @property
    def resolved(self) -> float:
        """The drop in p (1 - p) by the ten answers; below 0 where they leave it less sure."""
        return self.residual - self.answered * (1 - self.answered)

    @property
    def brier_drop(self) -> float:
        """The drop in (p - truth)^2 by the ten answers."""
        return (self.prob - self.truth) ** 2 - (self.answered - self.truth) ** 2


@dataclass(frozen=True)
class Planted:
    """A question that was worded and believed, and no more."""

    question: str
    claim: str
    belief: Belief
    tokens: int


class Finisher:
    """Explores questions, each once."""

    def __init__(self, folder: Path, model: RememberingModel, seed: int) -> None:
        """Args:
        folder: where what was done is kept.
        model: whom to ask.
        seed: of the arguments drawn.
        """
        self._elicitor = Elicitor(model, seed=seed)
        self._model = model
        self._file = folder / f"finished-{seed}.jsonl"
        self._done: dict[str, Finished] = {}
        whole = self._file.read_bytes().rpartition(b"\n")[0] if self._file.exists() else b""
        for line in whole.split(b"\n") if whole else ():
            one = Finished(**json.loads(line))
            self._done[one.question] = one
        self._file.write_bytes(whole + b"\n" if whole else b"")

    def __call__(self, questions: Sequence[str], on_step: Callable[[int], None] = lambda done: None) -> list[Finished]:
        """The questions explored, in their order; `on_step` is told how many of the new ones are done."""
        new = [one for one in dict.fromkeys(questions) if one not in self._done]
        for start in range(0, len(new), AT_ONCE):
            finished = self._explored(new[start : start + AT_ONCE])
            with self._file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(one)) + "\n" for one in finished)
            self._done |= {one.question: one for one in finished}
            on_step(start + len(finished))
        return [self._done[one] for one in questions]

    def planted(self, questions: Sequence[str]) -> list[Planted]:
        """The questions that the model could word, with what it believes of their claims."""
        worded = self._elicitor.state_claims(questions)
        good = [one for one, claim in zip(questions, worded, strict=True) if claim is not None]
        trees = planted(self._elicitor, self._model, good)
        return [
            Planted(one, tree.texts[tree.root], tree.beliefs[tree.root], tree.tokens)
            for one, tree in zip(good, trees, strict=True)
        ]

    def _explored(self, questions: Sequence[str]) -> list[Finished]:
        trees = planted(self._elicitor, self._model, questions)
        planting = [tree.tokens for tree in trees]
        grown = grow(self._elicitor, self._model, trees, choose_expansions, [_NO_LIMIT])
        world, found = load_world(), []
        for question, tree, (end,), tokens in zip(questions, trees, grown, planting, strict=True):
            statement = world.parse_question(question)
            assert statement is not None, question
            found.append(
                Finished(
                    question,
                    tree.texts[tree.root],
                    statement.key,
                    tree.beliefs[tree.root].mean,
                    tree.beliefs[tree.root].pseudo_count,
                    float(end.result.root_prob[0]),
                    _answered(end.result),
                    world.truth(statement),
                    tokens,
                    end.tokens,
                )
            )
        return found


def _answered(result: Propagation) -> float:
    """P(root) once the ten questions that it is best to ask are answered truthfully."""
    oracle = SimulatedOracle()
    truths = {one.claim: oracle.truth(one.text) for one in rank(result)[:ANSWERS]}
    evidence = {claim: answer_likelihood(float(truth)) for claim, truth in truths.items() if truth is not None}
    after = propagate(result.graph.given(evidence)) if evidence else result
    return float(after.root_prob[0])
