"""The simulated rater: truth, stated error rates, the same answer each time, and the counts."""

import pytest

from models.everyday.oracle import SimulatedOracle
from models.everyday.world import load_world


def facts_of_the_world() -> dict[str, bool]:
    world = load_world()
    statements = [one for thing in world.things for one in world.single_thing_statements(thing)]
    return {world.text(one): world.truth(one) for one in statements[::4]}


def test_without_errors_it_says_the_truth() -> None:
    oracle, facts = SimulatedOracle(), facts_of_the_world()
    assert all(oracle.answer(claim) == ("yes" if truth else "no") for claim, truth in facts.items())
    assert oracle.asked.total() == len(facts) and oracle.asked["yes"] == sum(facts.values())


def test_it_errs_as_often_as_stated() -> None:
    oracle, facts = SimulatedOracle(sensitivity=0.9, specificity=0.7, seed=3), facts_of_the_world()
    right = {True: 0, False: 0}
    for claim, truth in facts.items():
        right[truth] += (oracle.says(claim) == "yes") == truth
    for truth, rate in ((True, 0.9), (False, 0.7)):
        asked = sum(one == truth for one in facts.values())
        assert right[truth] / asked == pytest.approx(rate, abs=4 * (rate * (1 - rate) / asked) ** 0.5)


def test_the_same_claim_gets_the_same_answer_however_it_is_spelled() -> None:
    oracle = SimulatedOracle(sensitivity=0.5, specificity=0.5, seed=1)
    for claim in list(facts_of_the_world())[:50]:
        assert oracle.says(claim) == oracle.says(claim.upper()) == SimulatedOracle(0.5, 0.5, 1).says(claim)


def test_other_seeds_err_elsewhere() -> None:
    claims = list(facts_of_the_world())[:200]
    one, other = (SimulatedOracle(0.5, 0.5, seed) for seed in (1, 2))
    assert [one.says(claim) for claim in claims] != [other.says(claim) for claim in claims]


def test_what_the_world_does_not_hold_it_cannot_say() -> None:
    assert SimulatedOracle().answer("It will rain in Lisbon tomorrow.") == "cannot_say"


def test_tally_counts_wrong_answers() -> None:
    claim, truth = next(iter(facts_of_the_world().items()))
    tally = SimulatedOracle().tally([(claim, "no" if truth else "yes"), ("The moon is cheese.", "cannot_say")])
    assert tally.to_json() == {"asked": 2, "yes": int(not truth), "no": int(truth), "cannot_say": 1, "wrong": 1}


def test_rate_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="sensitivity is 1.2"):
        SimulatedOracle(sensitivity=1.2)
