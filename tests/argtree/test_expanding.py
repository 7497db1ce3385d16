"""Strengths by conditional questions, of a model whose beliefs and words can differ."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from argtree.expanding import arguments_about
from models import prompts
from models.base import Reply, Scores
from models.elicitation import Elicitor

CLAIM, PRIOR = "Nails beat jelly.", 0.4
SAID = (("support", 0.9, "Nails are hard."), ("attack", 0.9, "Jelly is slippery."), ("support", 0.9, "Nails are few."))


class GeneralModel:
    """Proposes SAID; holds the claim to be as likely as told given each premise, PRIOR without any."""

    name = "general"
    is_general = True

    def __init__(self, given: dict[str, float]) -> None:
        self.given = given
        self.asked: list[str] = []

    def check_question(self, question: str) -> None: ...

    def complete(self, asked: Sequence[str], schema: dict[str, object], **_: object) -> list[Reply]:
        arguments = [
            {"polarity": polarity, "strength": weight, "premises": [{"claim": text, "holds": True}]}
            for polarity, weight, text in SAID
        ]
        return [Reply(json.dumps({"arguments": arguments}), 1, 1) for _ in asked]

    def log_probs(self, asked: Sequence[str], continuations: Sequence[str]) -> Scores:
        self.asked += asked
        yes = np.array([self._yes(prompt) for prompt in asked])
        columns = {"yes": np.log(yes), "no": np.log1p(-yes)}
        rows = [columns.get(word, np.full(len(yes), -60.0)) for word in continuations]
        return Scores(np.stack(rows, axis=1), (1,) * len(asked))

    def _yes(self, prompt: str) -> float:
        for begin, turned in ((prompts.IS_TRUE_GIVEN, False), (prompts.IS_FALSE_GIVEN, True)):
            if prompt.startswith(begin):
                prob = next(prob for text, prob in self.given.items() if text in prompt)
                return 1 - prob if turned else prob
        without = {prompts.IS_TRUE_WITHOUT: PRIOR, prompts.IS_FALSE_WITHOUT: 1 - PRIOR}
        return next((prob for begin, prob in without.items() if prompt.startswith(begin)), 0.5)


def test_a_general_models_strengths_are_what_its_beliefs_say_and_contradictions_are_dropped() -> None:
    model = GeneralModel({"Nails are hard.": 0.7, "Jelly is slippery.": 0.1, "Nails are few.": 0.3})
    elicitor = Elicitor(model)
    found = arguments_about(elicitor, {"k": (CLAIM, [])}, lambda texts: list(dict.fromkeys(texts)))["k"]
    support, attack = found.proposal.arguments
    assert (support.polarity, support.strength) == ("support", pytest.approx(0.5))  # 1 - 0.6 * 0.5 = 0.7
    assert (attack.polarity, attack.strength) == ("attack", pytest.approx(0.75))  # 0.4 * 0.25 = 0.1
    assert list(found.beliefs) == ["Nails are hard.", "Jelly is slippery."]
    assert found.proposal.dropped == elicitor.dropped == 1
    assert elicitor.calls == 1 + 3 * 6 + 2 + 3 * 2


def test_a_model_of_the_bundled_world_keeps_the_strengths_that_it_says() -> None:
    model = GeneralModel({})
    model.is_general = False
    found = arguments_about(Elicitor(model), {"k": (CLAIM, [])}, list)["k"]
    assert [argument.strength for argument in found.proposal.arguments] == [0.9] * 3


def test_a_claim_is_left_out_if_an_arguments_strength_cannot_be_told() -> None:
    model = GeneralModel({"Nails are hard.": 0.7, "Jelly is slippery.": float("nan"), "Nails are few.": 0.3})
    assert arguments_about(Elicitor(model), {"k": (CLAIM, [])}, list) == {}
