"""What a model knew before, mixed into what it is taught, so that it doesn't forget it.

Rehearsal on old examples against forgetting, and pseudo-rehearsal on what the model itself says of other inputs: Robins
1995, "Catastrophic forgetting, rehearsal and pseudorehearsal". Models of the bundled world rehearse what the first
generation believed, others what a file holds. A prompt that the new examples teach is never rehearsed: the old answer
to it is what they are to change.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from models import prompts
from models.everyday.benchmark import draw_benchmark
from models.everyday.corpus import examples as told_text
from models.everyday.corpus import random_statement
from models.everyday.guesses import guess_untold
from models.everyday.withheld import read_withheld
from models.everyday.world import Statement, World, load_world
from models.examples import Example

BelieveFn = Callable[[list[str]], Sequence[float]]  # claims to P(claim)

REHEARSED_TOLD, REHEARSED_UNTOLD = 0.2, 0.5  # the shares of claims whose truth was told or not
NUM_PAIRS = 4000  # claims about two things, of which so large a share is rehearsed too
NUM_WORDINGS = 100  # wordings and arguments, which hold no facts


def with_replay(new: Sequence[Example], old: Iterator[Example], share: float) -> list[Example]:
    """The new examples, then so many old ones that they are `share` of all, or as many as there are.

    Raises:
        ValueError: `share` isn't in [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"The share of replay is {share}: at least 0 and below 1, please.")
    taught = {example.prompt for example in new}
    wanted = round(len(new) * share / (1 - share))
    kept = (example for example in old if example.prompt not in taught)
    return [*new, *(example for _, example in zip(range(wanted), kept, strict=False))]


def rehearsed(folder: Path, new: Sequence[Example], believe_fn: BelieveFn, seed: Sequence[int]) -> list[Example]:
    """Beliefs in what the new examples bring no news of, each asked both ways, and some of the told text's wordings.

    A training step changes all that it does not hold still. What follows from the facts of a thing is not held where a
    fact of it is taught, nor is any question that generations are judged by.

    Args:
        folder: Of the first generation's model; holds `withheld.json`.
        believe_fn: What that generation believes.
        seed: Of the draws.
    """
    world, withheld = load_world(), read_withheld(folder)
    rng = np.random.default_rng(seed)
    taught = {example.prompt.removeprefix(prompts.IS_TRUE).removeprefix(prompts.IS_FALSE) for example in new}
    facts = [s for s in map(world.parse, taught) if s is not None and not world.arguments(s)]
    touched = {thing for statement in facts for thing in statement.things}
    judged = {q.claim for q in draw_benchmark(world, withheld, withheld.seed) if q.part != "explore"}
    kept: list[str] = []
    for statement in sayable(world, rng):
        claim, is_told = world.text(statement), withheld.is_told(world, statement)
        follows = bool(world.arguments(statement)) and not is_told and not touched.isdisjoint(statement.things)
        is_drawn = rng.random() < (REHEARSED_TOLD if is_told else REHEARSED_UNTOLD)
        if is_drawn and not follows and claim not in taught and claim not in judged:
            kept.append(claim)
    beliefs = [e for claim, prob in zip(kept, believe_fn(kept), strict=True) for e in both_ways(claim, prob)]
    text = shuffled(list(told_text(world, withheld, guess_untold(world, withheld), rng)), rng)
    prompts_taught = {example.prompt for example in new}
    factless = (e for e in text if e.yes_prob is None and e.prompt not in prompts_taught)
    return [*beliefs, *islice(factless, NUM_WORDINGS)]


def shuffled(examples: Sequence[Example], rng: np.random.Generator) -> list[Example]:
    """The examples in random order."""
    return [examples[i] for i in rng.permutation(len(examples))]


def sayable(world: World, rng: np.random.Generator) -> dict[Statement, None]:
    """All that can be said of a single thing, and a draw of what can be said of two."""
    single = [statement for thing in world.things for statement in world.single_thing_statements(thing)]
    kinds = [*world.quantities, *(key for key, rule in world.families.items() if rule.arity == 2)]
    return dict.fromkeys([*single, *(random_statement(world, kinds, rng) for _ in range(NUM_PAIRS))])


def both_ways(claim: str, prob: float) -> tuple[Example, Example]:
    """A claim asked both ways, whether it is true and whether it is false, with P(claim) as what is to be learnt."""
    return Example(prompts.is_true(claim), yes_prob=prob), Example(prompts.is_false(claim), yes_prob=1 - prob)
