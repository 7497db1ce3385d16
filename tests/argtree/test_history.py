from dataclasses import dataclass, replace

import pytest

from argtree.evidence import TRUSTED_RATER, Reliability, answer_likelihood, product_likelihood
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.history import history, with_told
from argtree.propagate import propagate


@dataclass(frozen=True)
class Said:
    claim: str | None
    prob: float | None
    quantity: str | None = None
    number: tuple[float, float] | None = None
    reliability: Reliability = TRUSTED_RATER


GRAPH = ArgumentGraph(
    (Claim("r", "R.", 0.1), Claim("a", "A.", 0.5), Claim("b", "B.", 0.5)),
    (Argument("1", "r", "support", 0.9, (Premise("a"),)), Argument("2", "r", "attack", 0.5, (Premise("b"),))),
    (Root("r", 2.0),),
)
TOLD = [Said("a", 1.0), Said("b", None), Said("b", 0.2), Said("a", 1.0)]


def test_each_point_is_the_graph_with_the_answers_so_far() -> None:
    found = history(GRAPH, TOLD, propagate)
    assert found.counts == (0, 1, 2, 3, 4)
    both = replace(GRAPH, evidence={"a": product_likelihood([(1.0, TRUSTED_RATER)] * 2), "b": answer_likelihood(0.2)})
    assert found.prob[-1] == pytest.approx(propagate(both).prob)
    assert found.of_claim("a")[:2] == pytest.approx([0.5, 0.97]) and found.prob[1].tolist() == found.prob[2].tolist()


def test_many_answers_are_thinned_but_never_the_first_and_the_last() -> None:
    found = history(GRAPH, TOLD * 50, propagate, max_points=7)
    assert len(found.counts) == 7 and (found.counts[0], found.counts[-1]) == (0, 200)


def test_uncertainty_is_the_weighted_variance_of_the_roots() -> None:
    found = history(GRAPH, [], propagate)
    p = propagate(GRAPH).prob[0]
    assert found.counts == (0,) and found.uncertainty() == pytest.approx([2 * p * (1 - p)])


def test_what_came_with_the_graph_stays() -> None:
    told = with_told(replace(GRAPH, evidence={"a": (0.5, 0.25)}), TOLD[:1])
    assert told.evidence["a"] == pytest.approx((0.5 * 0.03, 0.25 * 0.97))
