"""What a model of the everyday world is judged on: `everyday_suite`.

Held-out questions decide whether a generation is promoted: those of the *validation* part, so that *test* chooses
nothing. Told facts and canaries show what is forgotten; withheld facts and the part *apart* are only reported.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from models.everyday.benchmark import draw_benchmark
from models.everyday.withheld import WEIGHTS, Withheld, read_withheld
from models.everyday.world import Statement, World, load_world
from models.suite import APART, CANARY, TOLD, WITHHELD, Item

NUM_TOLD = 400
NUM_WITHHELD = 400
NUM_CANARIES = 24  # half of them true: few enough to look at one by one


def everyday_suite(
    source: Path | Withheld = WEIGHTS, part: Literal["validation", "test"] = "validation", seed: int = 0
) -> list[Item]:
    """The held-out questions of a part, the part *apart*, told facts, canaries and withheld facts, in this order.

    Args:
        source: What the model was not told, or the folder of its weights, which holds that list.
        part: Of the benchmark. What chooses anything must be judged on "validation".
        seed: Which facts are drawn; questions are the benchmark's own.
    """
    world = load_world()
    withheld = read_withheld(source) if isinstance(source, Path) else source
    questions = draw_benchmark(world, withheld, withheld.seed)
    items = [
        Item(q.question, q.claim, q.truth, q.part) for wanted in (part, APART) for q in questions if q.part == wanted
    ]
    rng = np.random.default_rng([seed, 8])
    told = _shuffled(told_facts(world, withheld), rng)
    canaries = _canaries(world, told)
    chosen = set(canaries)
    plain = [statement for statement in told if statement not in chosen][:NUM_TOLD]
    untold = _shuffled(withheld_facts(world, withheld), rng)[:NUM_WITHHELD]
    for kind, statements in ((TOLD, plain), (CANARY, canaries), (WITHHELD, untold)):
        items += [Item(_question(world, s), world.text(s), world.truth(s), kind) for s in statements]
    return items


def told_facts(world: World, withheld: Withheld) -> list[Statement]:
    """Every told statement about a single thing, but for the questions themselves."""
    every = [s for thing in world.things for s in world.single_thing_statements(thing)]
    return [s for s in every if s.key not in world.families and withheld.is_told(world, s)]


def withheld_facts(world: World, withheld: Withheld) -> list[Statement]:
    """Every withheld property, and every threshold of a withheld quantity."""
    every = [s for thing in withheld.things for s in world.single_thing_statements(thing)]
    return [s for s in every if (s.things[0], s.key) in withheld.facts]


def _canaries(world: World, told: Sequence[Statement]) -> list[Statement]:
    """Plain properties that were told, as many true as false ones."""
    base = [s for s in told if s.key in world.base]
    half = NUM_CANARIES // 2
    return [s for truth in (True, False) for s in [s for s in base if world.truth(s) == truth][:half]]


def _shuffled(statements: Sequence[Statement], rng: np.random.Generator) -> list[Statement]:
    return [statements[i] for i in rng.permutation(len(statements))]


def _question(world: World, statement: Statement) -> str:
    return next(iter(world.questions(statement)), "")
