"""The world's forms of question, put together anew."""

import numpy as np

from models.everyday.posing import recombined
from models.everyday.world import load_world

CLAIMS = ["A candle would survive a drop from a roof.", "Honey is heavier than a brick.", "It rains in Paris."]


def test_each_question_is_another_of_the_world_about_what_a_claim_names() -> None:
    world = load_world()
    posed = recombined(CLAIMS, 40, np.random.default_rng(0))
    about = [world.parse_question(question) for question in posed]
    assert len(set(about)) == len(posed) == 40 and None not in about
    assert all({"a candle", "honey", "a brick"} & set(one.things) for one in about if one)
    assert len({one.key for one in about if one}) > 10


def test_the_seed_decides_and_claims_of_no_world_give_none() -> None:
    assert recombined(CLAIMS, 5, np.random.default_rng(1)) == recombined(CLAIMS, 5, np.random.default_rng(1))
    assert recombined(CLAIMS[2:], 5, np.random.default_rng(1)) == [] == recombined(CLAIMS, 0, np.random.default_rng(1))
