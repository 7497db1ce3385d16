"""Direct beliefs beside arguments, against the engine and against truths drawn with a known weight."""

import numpy as np
import pytest
from scipy.special import expit, logit

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.coherence import (
    LEAST_SETTLED,
    START_WEIGHT,
    Marginals,
    argued_prob,
    disagreement,
    fit_weight,
    likelihood,
    without_own_answers,
)

CLAIMS = (Claim("r", "r", 0.3), Claim("s", "s", 0.2), Claim("p", "p", 0.7), Claim("q", "q", 0.4))
ARGUMENTS = (
    Argument("a1", "r", "support", 0.8, (Premise("s"), Premise("p", holds=False))),
    Argument("a2", "r", "attack", 0.5, (Premise("q"),)),
)
TREE = ArgumentGraph(CLAIMS, (*ARGUMENTS, Argument("a3", "s", "support", 0.6, (Premise("q"),))), (Root("r"),))


def test_marginals_are_the_posteriors_where_no_premise_is_shared() -> None:
    tree = ArgumentGraph(CLAIMS, ARGUMENTS, (Root("r"),), {"q": (0.1, 0.9)})
    bare = propagate(ArgumentGraph(CLAIMS, ARGUMENTS, (Root("r"),)))
    assert Marginals(tree)("r") == pytest.approx(bare.prob[0])  # evidence is left out
    premises = [(0.2, True), (0.7, False)]
    assert argued_prob(0.3, [("support", 0.8, premises), ("attack", 0.5, [(0.4, True)])]) == pytest.approx(bare.prob[0])


def test_a_thousand_claims_deep() -> None:
    claims = [Claim(f"c{i}", "", 0.1) for i in range(3000)]
    arguments = [Argument(f"a{i}", f"c{i}", "support", 0.9, (Premise(f"c{i + 1}"),)) for i in range(2999)]
    graph = ArgumentGraph(claims, arguments, (Root("c0"),))
    assert Marginals(graph)("c0") == pytest.approx(propagate(graph).prob[0])


@pytest.mark.parametrize(("belief", "marginal"), [(0.9, 0.2), (0.01, 0.6), (0.4, 0.4), (1.0, 0.0)])
def test_at_full_weight_the_posterior_is_the_belief_and_at_none_the_arguments(belief: float, marginal: float) -> None:
    for weight, wanted in ((1.0, belief), (0.0, marginal)):
        if_false, if_true = likelihood(belief, marginal, weight)
        clipped = np.clip(marginal, 1e-4, 1 - 1e-4)
        found = clipped * if_true / (clipped * if_true + (1 - clipped) * if_false)
        assert found == pytest.approx(np.clip(wanted, 1e-4, 1 - 1e-4)) and max(if_false, if_true) == 1


def test_direct_beliefs_multiply_with_the_evidence_and_are_none() -> None:
    direct, answer = likelihood(0.8, 0.3, 0.5), (0.2, 0.8)
    both = ArgumentGraph(TREE.claims, TREE.arguments, TREE.roots, {"s": answer}, direct_beliefs={"s": direct})
    as_one = TREE.given({"s": (answer[0] * direct[0], answer[1] * direct[1])})
    assert propagate(both).prob == pytest.approx(propagate(as_one).prob)
    assert list(both.evidence) == ["s"] and both.likelihood("s") == as_one.evidence["s"] and both != as_one
    assert both.given({}).direct_beliefs == both.direct_beliefs
    with pytest.raises(ValueError, match="'x', which is not among the claims"):
        ArgumentGraph(TREE.claims, direct_beliefs={"x": direct})


def test_disagreement_is_the_variance_of_two_readings() -> None:
    assert disagreement(0.9, 0.3) == pytest.approx(np.var([0.9, 0.3])) and disagreement(0.2, 0.2) == 0


def _sample(count: int, weight: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    belief, marginal = expit(rng.normal(0, 1.5, count)), expit(rng.normal(0, 1.5, count))
    cavity = expit(logit(marginal) + rng.normal(0, 0.5, count))
    right = expit(logit(cavity) + weight * (logit(belief) - logit(marginal)))
    truth = rng.random(count) < right
    said = np.where(rng.random(count) < 0.9, truth, ~truth)  # by a rater who errs one time in ten
    return belief, marginal, cavity, np.where(said[:, None], [[0.1, 0.9]], [[0.9, 0.1]]), np.arange(count) % 5


@pytest.mark.parametrize("weight", [0.3, 0.7, 1.0])
def test_weight_is_found_again(weight: float) -> None:
    assert fit_weight(*_sample(4000, weight)) == pytest.approx(weight, abs=0.08)


def test_weight_stays_unless_another_is_proved() -> None:
    found = [fit_weight(*_sample(60, START_WEIGHT, seed)) for seed in range(40)]
    assert np.mean(np.array(found) != START_WEIGHT) < 0.3 and np.mean(found) == pytest.approx(START_WEIGHT, abs=0.05)
    assert fit_weight(*_sample(LEAST_SETTLED - 1, 1.0)) == START_WEIGHT
    assert fit_weight(*_sample(4000, 0.0)) < 0.05
    *rest, said, fold = _sample(100, 1.0)
    assert fit_weight(*rest, said[np.zeros(100, dtype=int)], fold) == START_WEIGHT


def test_own_answers_are_divided_out() -> None:
    evidence = {"p": (0.1, 0.9), "s": (0.97, 0.03)}
    alone = propagate(TREE.given({"p": evidence["p"]})).prob[1]
    found = without_own_answers(propagate(TREE.given(evidence)).prob[[1]], np.array([evidence["s"]]))
    assert found == pytest.approx([alone])
