"""The world: its size, its sentences, and its truths against the propagation."""

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from models.errors import UnknownWorldError
from models.everyday.corpus import random_statement
from models.everyday.world import Statement, World, check_question, load_world


@pytest.fixture(scope="module")
def world() -> World:
    return load_world()


def drawn_statements(world: World, n: int) -> list[Statement]:
    rng = np.random.default_rng(0)
    return [random_statement(world, [*world.rules, *world.quantities], rng) for _ in range(n)]


def test_world_is_as_large_as_promised(world: World) -> None:
    assert len(world.things) >= 240
    assert len(world.base) + len(world.derived) >= 24
    assert len(world.derived) >= (len(world.base) + len(world.derived)) / 3
    assert len(world.quantities) >= 6
    assert len(world.families) >= 14
    assert all(len(rule.questions) >= 3 for rule in world.families.values())


def test_every_fact_is_of_a_known_kind(world: World) -> None:
    for thing in world.things.values():
        assert thing.properties <= world.base.keys()
        assert all(value >= 0 for value in thing.quantities.values())


def test_every_sentence_reads_back_as_its_statement(world: World) -> None:
    singles = [s for thing in world.things for s in world.single_thing_statements(thing)]
    for statement in singles + drawn_statements(world, 2000):
        assert world.parse(world.text(statement)) == statement
        for question in world.questions(statement):
            assert world.parse_question(question) == statement


def test_trees_grow_three_levels_deep(world: World) -> None:
    def depth(statement: Statement) -> int:
        return 1 + max((depth(p) for _, premises in world.arguments(statement) for p, _ in premises), default=0)

    assert depth(Statement("fight", ("a nail", "honey"))) >= 4


def test_truth_is_what_the_propagation_makes_more_likely_than_not(world: World) -> None:
    for statement in drawn_statements(world, 600):
        if not world.arguments(statement):
            continue
        premises = {p for _, of_argument in world.arguments(statement) for p, _ in of_argument}
        names = {premise: f"p{i}" for i, premise in enumerate(sorted(premises, key=str))}
        claims = [Claim(name, name, float(world.truth(premise))) for premise, name in names.items()]
        arguments = [
            Argument(
                str(i), "root", a.polarity, a.strength, tuple(Premise(names[p], holds) for p, holds in of_argument)
            )
            for i, (a, of_argument) in enumerate(world.arguments(statement))
        ]
        graph = ArgumentGraph([Claim("root", "root", world.prior(statement)), *claims], arguments, [Root("root", 1.0)])
        assert world.truth(statement) == (propagate(graph).prob[0] > 0.5)


@pytest.mark.parametrize(
    "question", ["Is Paris the capital of France?", "Would a unicorn beat honey in a fight?", "Is a brick?", "hard"]
)
def test_question_of_another_world_is_refused_with_examples(question: str) -> None:
    with pytest.raises(UnknownWorldError, match="--model"):
        check_question(question)


def test_question_is_known_in_any_case_and_spacing() -> None:
    check_question("  would A box of nails  beat a bowl of jelly in a FIGHT ?")
