"""What the bundled model is told, and that it is told nothing that gives a withheld fact away."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models import prompts
from models.everyday.corpus import TOLD_PROB, examples
from models.everyday.guesses import guess_untold
from models.everyday.withheld import Withheld, draw_withheld
from models.everyday.world import Statement, Thing, World, load_world
from models.examples import Example
from models.statistics import expected_calibration_error


@pytest.fixture(scope="module")
def withheld() -> Withheld:
    return draw_withheld(load_world(), 0)


@pytest.fixture(scope="module")
def guesses(withheld: Withheld) -> dict[Statement, float]:
    return dict(guess_untold(load_world(), withheld))


@pytest.fixture(scope="module")
def text(withheld: Withheld, guesses: dict[Statement, float]) -> list[Example]:
    """One pass over the told text."""
    return list(examples(load_world(), withheld, guesses, np.random.default_rng(7)))


def one_pass(world: World, withheld: Withheld) -> list[Example]:
    return list(examples(world, withheld, guess_untold(world, withheld), np.random.default_rng(7)))


def with_withheld_facts_flipped(world: World, withheld: Withheld) -> World:
    def flipped(thing: Thing) -> Thing:
        keys = {key for name, key in withheld.facts if name == thing.name}
        properties = thing.properties ^ {key for key in keys if key in world.base}
        quantities = {key: 1000 / (value + 0.1) if key in keys else value for key, value in thing.quantities.items()}
        return replace(thing, properties=frozenset(properties), quantities=quantities)

    return replace(world, things={name: flipped(thing) for name, thing in world.things.items()}, _truths={})


def test_a_third_of_the_things_have_half_of_their_facts_withheld(withheld: Withheld) -> None:
    world = load_world()
    assert len(withheld.things) == round(len(world.things) / 3)
    for thing in withheld.things:
        facts = world.facts(thing)
        assert sum(fact in withheld.facts for fact in facts) == round(len(facts) / 2)


def test_flipping_every_withheld_fact_leaves_the_text_as_it_is(withheld: Withheld, text: list[Example]) -> None:
    world = load_world()
    assert one_pass(with_withheld_facts_flipped(world, withheld), withheld) == text


def test_flipping_told_facts_changes_the_text(withheld: Withheld, text: list[Example]) -> None:
    world = load_world()
    told = Withheld(0, frozenset(fact for thing in world.things for fact in world.facts(thing)), frozenset())
    assert one_pass(with_withheld_facts_flipped(world, told), withheld) != text


def test_truths_are_told_of_nothing_that_could_depend_on_a_withheld_fact(
    withheld: Withheld, text: list[Example]
) -> None:
    world = load_world()
    for example in text:
        if example.prompt.startswith(prompts.IS_TRUE):
            statement = world.parse(example.prompt.removeprefix(prompts.IS_TRUE))
            assert statement is not None and example.yes_prob is not None
            told = TOLD_PROB if world.truth(statement) else 1 - TOLD_PROB
            assert (example.yes_prob == told) == withheld.is_told(world, statement)


def test_guesses_of_what_is_not_told_are_calibrated_and_better_than_base_rates(guesses: dict[Statement, float]) -> None:
    world = load_world()
    prob = np.array(list(guesses.values()))
    truth = np.array([float(world.truth(statement)) for statement in guesses])
    assert expected_calibration_error(prob, truth) < 0.05
    assert np.mean((prob - truth) ** 2) < 0.7 * np.mean((truth.mean() - truth) ** 2)


def test_every_argument_told_is_one_of_the_world(text: list[Example]) -> None:
    world = load_world()
    told = [e for e in text if e.prompt.startswith(prompts.PROPOSE)]
    premises = [p for e in told for a in json.loads(e.reply)["arguments"] for p in a["premises"]]
    assert len(premises) > 1000
    assert all(world.parse(premise["claim"]) for premise in premises)
