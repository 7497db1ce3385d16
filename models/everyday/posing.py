"""New questions of the bundled world near some of its claims: its own forms of question, put together anew.

A model of this world was never taught to pose a question. So none is asked to: things that the claims name are put into
the forms of question that the world has. No fact is looked at. Not here: which of the questions are worth exploring
(`argtree.curiosity`).
"""

from collections.abc import Sequence

import numpy as np

from models.everyday.world import Statement, load_world

PARTNER_SHARE = 0.5  # of questions about two things: the second is taken from the claims too, if they name another


def recombined(claims: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    """Up to `count` different questions about the things that these claims name; [] if they name none of the world.

    Each is about a thing of one of the claims, taken by turns, in a form drawn at random. A second thing, where the
    form wants one, is another of theirs or any thing of the world.

    Args:
        claims: in the words of the world; others are passed over.
        count: how many, at least 0.
        rng: draws.
    """
    world = load_world()
    statements = [world.parse(claim) for claim in claims]
    about = [one.things for one in statements if one is not None]
    named = list(dict.fromkeys(thing for things in about for thing in things))
    families, everything = list(world.families.values()), list(world.things)
    found: dict[Statement, str] = {}
    for turn in range(3 * count if about else 0):  # some come twice
        if len(found) == count:
            break
        things = about[turn % len(about)]
        one = things[rng.integers(len(things))]
        rule = families[rng.integers(len(families))]
        pool = named if len(named) > 1 and rng.random() < PARTNER_SHARE else everything
        pair = (one, _other(pool, one, rng))[: rule.arity]
        if rng.random() < 0.5:
            pair = pair[::-1]
        statement = Statement(rule.key, pair)
        wordings = world.questions(statement)
        found.setdefault(statement, wordings[rng.integers(len(wordings))])
    return list(found.values())


def _other(things: Sequence[str], than: str, rng: np.random.Generator) -> str:
    others = [thing for thing in things if thing != than]
    return others[rng.integers(len(others))]
