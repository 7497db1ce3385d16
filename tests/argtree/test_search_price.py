"""An expansion against a question, by closed forms."""

import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import Frontier, belief_variance, choose_expansions
from argtree.search_price import least_gain, paying

PRIOR, STRENGTH = 0.5, 0.8
GRAPH = ArgumentGraph(
    (Claim("root", "", 0.0), Claim("a", "", PRIOR), Claim("b", "", PRIOR)),
    tuple(Argument(of, "root", "support", STRENGTH, (Premise(of),)) for of in "ab"),
    (Root("root", 2.0),),
)


def test_least_gain_is_a_questions_rate_times_what_an_expansion_costs() -> None:
    """0.06 in 30 s is 0.002 a second; 500 tokens at 1.5 s per 1,000 are 0.75 s."""
    assert least_gain(0.06, 500, 1.5) == pytest.approx(0.0015)
    assert least_gain(0.06, 500, 1.5, question_seconds=10) == pytest.approx(0.0045)
    assert least_gain(0.0, 500, 1.5) == least_gain(0.06, 500, 0.0) == 0.0


@pytest.mark.parametrize(("pseudo_count", "is_worth_it"), [(18.9, True), (19.1, False)])
def test_asking_a_claim_and_expanding_it_pay_equally_at_one_pseudo_count(
    pseudo_count: float, is_worth_it: bool
) -> None:
    """Asked: p (1-p) d^2 in 30 s; expanded: p (1-p) / (n + 1) d^2 in 1.5 s: equal at n + 1 = 30 / 1.5."""
    result = propagate(GRAPH)
    gain = least_gain(float(result.value()[GRAPH.index["a"]]), 1000, 1.5)
    frontier = Frontier(result, {"a": belief_variance(PRIOR, pseudo_count, 0)})
    assert choose_expansions(paying(frontier, gain)) == (["a"] if is_worth_it else [])


def test_of_two_claims_only_the_one_that_pays_is_left() -> None:
    """d = w (1 - w p) for both, so their gains are in the proportion of their variances."""
    result = propagate(GRAPH)
    d = STRENGTH * (1 - STRENGTH * PRIOR)
    frontier = Frontier(result, {"a": 0.02, "b": 0.01}, {"root": 1})
    assert dict(paying(frontier, 2 * d**2 * 0.0199).variances) == {"a": 0.02}
    assert dict(paying(frontier, 2 * d**2 * 0.0099).variances) == {"a": 0.02, "b": 0.01}
    assert paying(frontier, 1.0).visits == {"root": 1}


def test_a_root_without_arguments_is_worth_its_first() -> None:
    bare = ArgumentGraph((Claim("root", "", 0.5),), (), (Root("root"),))
    frontier = Frontier(propagate(bare), {"root": 0.001})
    assert choose_expansions(paying(frontier, 1.0)) == ["root"]
