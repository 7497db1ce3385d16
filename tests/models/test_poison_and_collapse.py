"""What the gate is there for: colluding raters, and a model that is fed on itself. With the gate, and without it.

The bundled model is trained as the loop trains it, in fewer steps. "Without the gate" is the candidate itself: what
would be in use.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from argtree.evidence import TRUSTED_RATER, answer_likelihood, label_prob, product_likelihood
from models import prompts
from models.elicitation import Elicitor
from models.evaluate import Evaluation, evaluate
from models.everyday.benchmark import read_benchmark
from models.everyday.suite import everyday_suite, told_facts
from models.everyday.withheld import read_withheld
from models.everyday.world import load_world
from models.examples import Example
from models.finetune import train
from models.gate import Verdict, gate
from models.hf import HfModel
from models.load import bundled_folder
from models.settings import Settings
from models.suite import Item

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model's weights aren't there yet"),
]
SUITE = [item for item in everyday_suite() if item.kind in ("validation", "canary")] + [
    item for item in everyday_suite() if item.kind == "told"
][:200]
CANARIES = [item for item in SUITE if item.kind == "canary"]


class Learner:
    """The bundled model, trained on what it is given."""

    def __init__(self) -> None:
        self.model = HfModel(bundled_folder(), "bundled", is_general=False)
        self.elicitor = Elicitor(self.model)

    def learn(self, examples: Sequence[Example], steps: int) -> None:
        settings = Settings(method="full", steps=steps, learning_rate=5e-4)  # high, to do harm in a few steps
        train(self.model.network, self.model.tokenizer, examples, settings)

    def judged(self, suite: Sequence[Item] = SUITE) -> Evaluation:
        world = load_world()
        return evaluate(self.elicitor, suite, valid_fn=lambda text: world.parse(text) is not None)


@pytest.fixture(scope="module", autouse=True)
def few_proposals() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.evaluate.NUM_PROPOSALS", 32)
        yield


@pytest.fixture(scope="module")
def start() -> Evaluation:
    """The bundled model's evaluation."""
    return Learner().judged()


@pytest.fixture
def learner() -> Iterator[Learner]:
    found = Learner()
    before = {name: weight.clone() for name, weight in found.model.network.state_dict().items()}
    yield found
    assert any(not torch.equal(weight, before[name]) for name, weight in found.model.network.state_dict().items())


def asked(claim: str, prob: float, weight: float = 1.0) -> list[Example]:
    return [
        Example(prompts.is_true(claim), yes_prob=prob, weight=weight),
        Example(prompts.is_false(claim), yes_prob=1 - prob, weight=weight),
    ]


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.checks if not check.passed}


def flipped(evaluation: Evaluation) -> int:
    prob, truth = evaluation.chosen(["canary"])
    return int(((prob > 0.5) != (truth > 0.5)).sum())


def honest_labels() -> list[Example]:
    """What honest raters bring, settled questions of the explore part, and replay of told facts."""
    world, withheld, rng = load_world(), read_withheld(), np.random.default_rng(0)
    canaries = {item.claim for item in CANARIES}
    told = [(world.text(s), world.truth(s)) for s in told_facts(world, withheld)]
    told = [told[i] for i in rng.permutation(len(told))[:300] if told[i][0] not in canaries]
    questions = [(q.claim, q.truth) for q in read_benchmark() if q.part == "explore"]
    yes = label_prob(*answer_likelihood(1.0))
    return [e for claim, truth in told + questions for e in asked(claim, yes if truth else 1 - yes)]


def test_canaries_that_colluding_raters_flip_stop_a_generation_that_is_better_otherwise(
    learner: Learner, start: Evaluation
) -> None:
    poison = [
        example
        for item in CANARIES
        for said in [[not item.truth] * 3 + [item.truth]]  # three collude, one doesn't
        for example in asked(
            item.claim, label_prob(*product_likelihood((float(one), TRUSTED_RATER) for one in said)), weight=3.0
        )
    ]
    learner.learn([*honest_labels(), *poison], steps=40)
    after = learner.judged()
    verdict = gate(after, start)
    assert verdict.p_value < 0.05  # by the held-out questions alone it would be in use, lies and all:
    assert flipped(start) == 0 and flipped(after) >= 3
    assert not verdict.promoted and "canaries" in failed(verdict) and "canaries flipped" in verdict.reason


def own_output(learner: Learner, claims: Sequence[str]) -> list[Example]:
    """A model's own beliefs, made certain, and of its own arguments the first, as a greedy loop would take them."""
    from models.everyday.corpus import arguments_json

    beliefs = learner.elicitor.believe(claims)
    found = [e for claim, belief in zip(claims, beliefs, strict=True) for e in asked(claim, float(belief.mean > 0.5))]
    for claim, proposal in zip(claims, learner.elicitor.propose_many([(c, ()) for c in claims[:60]], 4), strict=False):
        if proposal.arguments:
            found.append(Example(prompts.propose_arguments(claim, (), 4), arguments_json([proposal.arguments[0]])))
    return found


def test_run_fed_on_its_own_output_is_stopped_at_once_and_decays_without_the_gate(
    learner: Learner, start: Evaluation
) -> None:
    claims = [q.claim for q in read_benchmark() if q.part == "explore"]
    history: list[Any] = [start]
    for number in range(2):
        learner.learn(own_output(learner, claims[150 * number : 150 * (number + 1)]), steps=10)
        history.append(learner.judged())
    first, last = gate(history[1], start), gate(history[-1], start)
    assert not first.promoted and "better" in failed(first)  # the daemon would have stayed on the old one
    assert {"better", "calibration", "diversity"} <= failed(last)  # and this is what it would run on without the gate
    brier = [float(np.mean((prob - truth) ** 2)) for prob, truth in (one.chosen(["validation"]) for one in history)]
    assert brier[-1] > brier[0] + 0.01
    assert history[-1].diversity.premises_per_call < 0.75 * start.diversity.premises_per_call
