"""The bundled model's training text: the prompts of `models.prompts` with the replies of a model that was told.

One pass asks of everything that can be said of a single thing whether it is true and whether it is false, and holds a
fresh draw of what there is too much of to list: comparisons, questions about two things, wordings of questions,
arguments. A statement's truth is told only where nothing that it could depend on is withheld; otherwise the reply is
as unsure as a guess from what is told (`guesses.py`). Arguments are the rules themselves, whatever the facts are.
"""

import json
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from models import prompts
from models.everyday.withheld import Withheld
from models.everyday.world import RuleArgument, Statement, World
from models.examples import Example
from models.prompts import ProposedArgument, ProposedPremise, arguments_json

TOLD_PROB = 0.99  # how sure the training text is of what it tells: nothing read is certain
NUM_COMPARISONS = 1500
NUM_PAIR_QUESTIONS = 2500
NUM_WORDINGS = 1500
NUM_PROPOSALS = 800
NUM_RESIDUALS = 200
MAX_ARGUMENTS = 4  # that one reply holds
LONG_NAMES_POWER = 3  # a name of four words is drawn eight times as often as one of two
LEAF_SHARE = 0.15  # of proposals: plain facts, about which there is nothing to argue
PREFIX_SHARE = 0.7  # of proposals: what is listed already is what the model itself would have given first


def examples(
    world: World,
    withheld: Withheld,
    guesses: Mapping[Statement, float],
    rng: np.random.Generator,
    *,
    extra_pairs: int = 0,
) -> Iterator[Example]:
    """One pass over the told text; a pass with the same `rng` state is the same text.

    Args:
        guesses: how likely what is not told is, from `guess_untold(world, withheld)`.
        extra_pairs: how many times as many wordings and arguments about two things are added.
    """
    for thing in world.things:
        for statement in world.single_thing_statements(thing):
            true_prob = guesses[statement] if statement in guesses else _told_prob(world, statement)
            yield Example(prompts.is_true(world.text(statement)), yes_prob=true_prob)
            yield Example(prompts.is_false(world.text(statement)), yes_prob=1 - true_prob)
    yield from _draw(NUM_COMPARISONS, lambda: _told_pair(world, withheld, list(world.quantities), rng))
    pairs = [key for key, rule in world.families.items() if rule.arity == 2]
    yield from _draw(NUM_PAIR_QUESTIONS, lambda: _told_pair(world, withheld, pairs, rng))
    yield from _draw(NUM_WORDINGS, lambda: _wording(world, _any_statement(world, rng), rng))
    yield from _draw(NUM_PROPOSALS, lambda: _proposal(world, _arguable_statement(world, rng), rng))
    yield from _draw(NUM_RESIDUALS, lambda: _residual(world, rng))
    yield from _draw(extra_pairs * NUM_WORDINGS, lambda: _wording(world, _long_pair(world, pairs, rng), rng))
    yield from _draw(extra_pairs * NUM_PROPOSALS, lambda: _proposal(world, _long_pair(world, pairs, rng), rng))


def argument_in_words(world: World, argument: RuleArgument, premises: list[tuple[Statement, bool]]) -> ProposedArgument:
    """One of the world's own arguments as a model would propose it."""
    worded = tuple(ProposedPremise(world.text(premise), holds) for premise, holds in premises)
    return ProposedArgument(argument.polarity, argument.strength, worded)


def random_statement(world: World, keys: list[str], rng: np.random.Generator) -> Statement:
    """A statement of one of the kinds `keys`, about randomly drawn things (two different ones for a comparison)."""
    names = list(world.things)
    key = keys[rng.integers(len(keys))]
    arity = 2 if key in world.quantities else world.rules[key].arity
    return Statement(key, tuple(names[i] for i in rng.choice(len(names), arity, replace=False)))


def _draw(n: int, draw: Callable[[], Example | None]) -> Iterator[Example]:
    for _ in range(n):
        if (example := draw()) is not None:
            yield example


def _told_prob(world: World, statement: Statement) -> float:
    return TOLD_PROB if world.truth(statement) else 1 - TOLD_PROB


def _long_pair(world: World, keys: list[str], rng: np.random.Generator) -> Statement:
    """A statement about two things, rather such with long names: they are few, and the hardest to copy."""
    names = list(world.things)
    weight = np.array([float(len(name.split())) ** LONG_NAMES_POWER for name in names])
    drawn = rng.choice(len(names), 2, replace=False, p=weight / weight.sum())
    return Statement(keys[rng.integers(len(keys))], tuple(names[i] for i in drawn))


def _told_pair(world: World, withheld: Withheld, keys: list[str], rng: np.random.Generator) -> Example | None:
    statement = random_statement(world, keys, rng)
    if not withheld.is_told(world, statement):
        return None
    text, true_prob = world.text(statement), _told_prob(world, statement)
    if rng.random() < 0.5:
        return Example(prompts.is_true(text), yes_prob=true_prob)
    return Example(prompts.is_false(text), yes_prob=1 - true_prob)


def _any_statement(world: World, rng: np.random.Generator) -> Statement:
    statement = random_statement(world, [*world.families] * 3 + [*world.derived, *world.base], rng)
    if rng.random() < 0.1:
        key, bound = world.bounds[rng.integers(len(world.bounds))]
        statement = Statement(key, statement.things[:1], bound)
    return statement


def _arguable_statement(world: World, rng: np.random.Generator) -> Statement:
    if rng.random() >= LEAF_SHARE:
        return random_statement(world, [*world.derived, *world.families], rng)
    thing = list(world.things)[rng.integers(len(world.things))]
    plain = [s for s in world.single_thing_statements(thing) if not world.arguments(s)]
    plain.append(random_statement(world, list(world.quantities), rng))
    return plain[rng.integers(len(plain))]


def _wording(world: World, statement: Statement, rng: np.random.Generator) -> Example:
    questions = world.questions(statement)
    question = questions[rng.integers(len(questions))]
    return Example(prompts.state_claim(question), json.dumps({"claim": world.text(statement)}))


def _proposal(world: World, statement: Statement, rng: np.random.Generator) -> Example:
    every = [argument_in_words(world, *argument) for argument in world.arguments(statement)]
    known, missing = _split(every, rng)
    n = int(rng.integers(1, MAX_ARGUMENTS + 1)) if rng.random() < 0.3 else MAX_ARGUMENTS
    prompt = prompts.propose_arguments(world.text(statement), known, n)
    return Example(prompt, arguments_json(missing[:n]))


def _split(
    every: list[ProposedArgument], rng: np.random.Generator
) -> tuple[list[ProposedArgument], list[ProposedArgument]]:
    """Some arguments as already listed and the others as missing, in the world's order."""
    if rng.random() < PREFIX_SHARE:
        cut = min(len(every), MAX_ARGUMENTS * int(rng.integers(0, 4)))
        return every[:cut], every[cut:]
    is_known = rng.random(len(every)) < rng.random()
    known = [argument for argument, listed in zip(every, is_known, strict=True) if listed]
    return known, [argument for argument, listed in zip(every, is_known, strict=True) if not listed]


def _residual(world: World, rng: np.random.Generator) -> Example:
    statement = random_statement(world, [*world.derived, *world.families], rng)
    every = [argument_in_words(world, *argument) for argument in world.arguments(statement)]
    reasons = every[: max(1, int(rng.integers(1, len(every) + 1)))] if rng.random() < 0.3 else every
    text, prior = world.text(statement), world.prior(statement)
    if rng.random() < 0.5:
        return Example(prompts.is_true_without(text, reasons), yes_prob=prior)
    return Example(prompts.is_false_without(text, reasons), yes_prob=1 - prior)
