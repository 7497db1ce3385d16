"""A fake language model for tests: it answers the prompts from the everyday world's own rules and truths."""

import json
from collections.abc import Sequence

import numpy as np

from models import prompts
from models.base import Reply, Scores
from models.everyday.corpus import argument_in_words
from models.everyday.world import Statement, check_question, load_world
from models.prompts import ProposedArgument, arguments_json


class WorldModel:
    """Knows every argument of the world; of a plain fact it is only `sure` in (0.5, 1)."""

    name = "world"
    is_general = False

    def __init__(self, sure: float = 0.7) -> None:
        self.sure = sure
        self.prompts_seen: list[str] = []

    def check_question(self, question: str) -> None:
        check_question(question)

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        self.prompts_seen += prompts
        return [Reply(_reply(prompt), 1, 1) for prompt in prompts]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        self.prompts_seen += prompts
        yes = np.array([_yes_prob(prompt, self.sure) for prompt in prompts])
        columns = {"yes": np.log(yes), "no": np.log(1 - yes)}
        found = [columns.get(word, np.full(len(yes), -50.0)) for word in continuations]
        return Scores(np.stack(found, axis=1), (1,) * len(prompts))


def _reply(prompt: str) -> str:
    world = load_world()
    if prompt.startswith(prompts.STATE):
        statement = world.parse_question(prompt.removeprefix(prompts.STATE))
        assert statement is not None
        return json.dumps({"claim": world.text(statement)})
    head, _, listed = prompt.removeprefix(prompts.PROPOSE).partition(prompts.LISTED)
    n, _, claim = head.partition(prompts.CLAIM)
    every = [argument_in_words(world, *argument) for argument in world.arguments(_statement(claim))]
    return arguments_json([a for a in every if not _is_listed(a, listed)][: int(n)])


def _is_listed(argument: ProposedArgument, listed: str) -> bool:
    line = prompts.listed([argument]).removeprefix(prompts.LISTED)
    return line in listed and (listed + "\n").find(line + "\n") >= 0


def _yes_prob(prompt: str, sure: float) -> float:
    world = load_world()
    for asked, turned in ((prompts.IS_TRUE, False), (prompts.IS_FALSE, True)):
        if prompt.startswith(asked):
            prob = sure if world.truth(_statement(prompt.removeprefix(asked))) else 1 - sure
            return 1 - prob if turned else prob
    for asked, turned in ((prompts.IS_TRUE_WITHOUT, False), (prompts.IS_FALSE_WITHOUT, True)):
        if prompt.startswith(asked):
            claim, _, _ = prompt.removeprefix(asked).partition(prompts.LISTED)
            prior = world.prior(_statement(claim))
            return 1 - prior if turned else prior
    raise AssertionError(prompt)


def _statement(claim: str) -> Statement:
    statement = load_world().parse(claim)
    assert statement is not None, claim
    return statement
