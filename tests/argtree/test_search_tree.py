"""Going down from a root: against formulas written out plainly over small graphs, and published numbers."""

from functools import partial

import networkx
import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import Frontier, expansion_gains
from argtree.search_tree import considered_visits, gumbel, puct
from tests.argtree.random_graphs import random_graph

VARIANCE = 0.1


def fan(strengths: dict[str, float], prior: float = 0.5) -> ArgumentGraph:
    """A root with an argument of each strength, on a premise of that name."""
    claims = [Claim("root", "", 0.1), *(Claim(name, "", prior) for name in strengths)]
    arguments = [Argument(name, "root", "support", of, (Premise(name),)) for name, of in strengths.items()]
    return ArgumentGraph(claims, arguments, [Root("root")])


def explored(choose, graph: ArgumentGraph, variances: dict[str, float], expansions: int, root: int = 1):  # type: ignore[no-untyped-def]
    """Visits after so many expansions that bring nothing to light, the root having been expanded before."""
    result, visits = propagate(graph), {"root": root}
    for _ in range(expansions):
        (chosen,) = choose(Frontier(result, variances, visits))
        visits[chosen] = visits.get(chosen, 0) + 1
    return visits


class Plain:
    """The choices at a claim of a graph, from dictionaries and networkx alone."""

    def __init__(self, graph: ArgumentGraph, variances: dict[str, float], visits: dict[str, int]) -> None:
        result = propagate(graph)
        gains = dict(zip((c.id for c in graph.claims), expansion_gains(result, variances), strict=True))
        self.gains = {name: gain for name, gain in gains.items() if gain >= 1e-7}
        self.graph, self.visits = graph, visits
        self.links = networkx.DiGraph((a.conclusion, p.claim) for a in graph.arguments for p in a.premises)
        self.links.add_nodes_from(c.id for c in graph.claims)

    def below(self, claim: str) -> set[str]:
        return {claim, *networkx.descendants(self.links, claim)}

    def value(self, claims: set[str]) -> float:
        return max((self.gains.get(one, 0.0) for one in claims), default=0.0) / max(self.gains.values())

    def choices(self, claim: str) -> dict[str, tuple[float, float, int]]:
        """(prior, value, visits) by choice."""
        arguments = self.graph.arguments_for(claim)
        prior = {claim: 1.0} | dict.fromkeys(sorted(networkx.neighbors(self.links, claim)), 0.0)
        for a in arguments:
            for p in a.premises:
                prior[p.claim] += a.strength / np.mean([b.strength for b in arguments]) / len(a.premises)
        found = {one: (prior[one], self.value({one} if one == claim else self.below(one)), 0) for one in prior}
        found = {one: of for one, of in found.items() if of[1] > 0}
        total = sum(of[0] for of in found.values())
        first = claim == self.graph.roots[0].claim and self.visits.get(claim, 0) > 0
        counts = {
            one: sum(self.visits.get(each, 0) for each in ({one} if one == claim else self.below(one)))
            - (first and one == claim)
            for one in found
        }
        return {one: (of[0] / total, of[1], counts[one]) for one, of in found.items()}


def random_frontier(seed: int) -> tuple[ArgumentGraph, dict[str, float], dict[str, int]]:
    """A graph with one root, what is open in it, and some visits."""
    rng = np.random.default_rng(seed)
    while True:
        graph = random_graph(rng, sharp=0.0)
        if len(graph.claims) > 2 and len(graph.arguments_for(name := graph.claims[graph.topological_order[-1]].id)) > 1:
            break
    graph = ArgumentGraph(graph.claims, graph.arguments, [Root(name)])
    variances = {claim.id: float(rng.uniform(0.01, 0.25)) for claim in graph.claims if rng.random() < 0.8}
    return graph, variances, {claim.id: int(rng.integers(0, 4)) for claim in graph.claims}


@pytest.mark.parametrize("seed", range(40))
def test_puct_ends_where_its_formula_written_out_ends(seed: int) -> None:
    graph, variances, visits = random_frontier(seed)
    plain, claim, expected = Plain(graph, variances, visits), graph.roots[0].claim, list[str]()
    while plain.gains and not expected and plain.value(plain.below(claim)) > 0:
        of = plain.choices(claim)
        total = sum(count for _, _, count in of.values())
        score = {one: q + 1.25 * p * total**0.5 / (1 + n) + 1e-12 * p for one, (p, q, n) in of.items()}
        best = max(score, key=lambda one: score[one])
        expected, claim = ([best], claim) if best == claim else ([], best)
    assert puct(Frontier(propagate(graph), variances, visits)) == expected


def test_choices_of_equal_value_are_visited_as_their_priors_say() -> None:
    graph = fan({"a": 0.4, "b": 0.4, "c": 0.4, "d": 0.4})
    visits = explored(puct, graph, dict.fromkeys("abcd", VARIANCE), 80)
    assert [visits[one] for one in "abcd"] == [20, 20, 20, 20]


def test_puct_on_two_choices_worked_by_hand() -> None:
    """q = 1 and (0.2 / 0.4)^2 = 1/4, since the root's slopes are in the proportion of the strengths at p near 0; priors
    0.4 and 0.2 of 0.6: after a visits of the first, the second scores 1/4 + 1.25 (1/3) sqrt(a), the first
    1 + 1.25 (2/3) sqrt(a) / (1 + a); a = 3: 0.972 against 1.361; a = 4: 1.083 against 1.333; a = 5: 1.182, 1.311;
    a = 6: 1.271, 1.292; a = 7: 1.352 against 1.276."""
    graph = fan({"a": 0.4, "b": 0.2}, prior=1e-9)
    for expansions, expected in ((7, {"a": 7}), (8, {"a": 7, "b": 1})):
        visits = explored(puct, graph, {"a": VARIANCE, "b": VARIANCE}, expansions)
        assert {one: n for one, n in visits.items() if one != "root"} == expected


@pytest.mark.parametrize(
    ("choices", "expansions", "expected"),
    [  # the numbers that the tests of mctx, by the authors of the method, give
        (8, 24, [0] * 8 + [1] * 4 + [2] * 4 + [3, 3, 4, 4, 5, 5, 6, 6]),
        (8, 47, [0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + sorted([*range(4, 17)] * 2) + [17]),
        (8, 2, [0, 0]),
        (8, 13, [0] * 8 + [1] * 4 + [2]),
        (7, 24, [0] * 7 + [1] * 3 + [2] * 3 + [3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]),
        (1, 16, list(range(16))),
    ],
)
def test_schedule_of_sequential_halving(choices: int, expansions: int, expected: list[int]) -> None:
    assert considered_visits(choices, expansions) == tuple(expected)


def test_halving_leaves_the_worse_half_each_time() -> None:
    """Eight choices, 24 expansions: one each, two more for the better four, four more for the better two."""
    strengths = {name: 0.02 + 0.1 * i for i, name in enumerate("abcdefgh")}
    choose = partial(gumbel, expansions=24)
    visits = explored(choose, fan(strengths, prior=0.1), dict.fromkeys(strengths, VARIANCE), 24)
    assert sorted((visits[one] for one in strengths), reverse=True) == [7, 7, 3, 3, 1, 1, 1, 1]


def test_first_choice_is_drawn_from_the_prior_sharpened_by_value() -> None:
    """P(argmax of g + logits = a) = softmax(logits) (Gumbel 1954): so often, over the draws of 2000 seeds."""
    graph, variances = fan({"a": 0.4, "b": 0.4, "c": 0.2}, prior=1e-9), {"a": 0.10, "b": 0.09, "c": 0.15}
    frontier = Frontier(propagate(graph), variances, {"root": 1})
    drawn = [gumbel(frontier, expansions=8, seed=seed)[0] for seed in range(2000)]
    value = np.array([1.0, 0.9, 0.15 * 0.2**2 / (0.10 * 0.4**2)])
    weight = np.array([0.4, 0.4, 0.2]) * np.exp(50 * 0.1 * value)
    shares = np.array([drawn.count(one) / len(drawn) for one in "abc"])
    assert shares == pytest.approx(weight / weight.sum(), abs=0.03)  # three standard errors


def test_it_is_an_improvement_over_drawing_from_the_prior() -> None:
    """The expected value of what it settles on is at least that of the prior (Danihelka et al. 2022, section 2)."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        strengths = dict(zip("abcde", rng.uniform(0.1, 0.9, 5), strict=True))
        graph, variances = fan(strengths), dict(zip("abcde", rng.uniform(0.01, 0.25, 5), strict=True))
        frontier = Frontier(propagate(graph), variances, {"root": 1})
        gains = dict(zip((c.id for c in graph.claims), frontier.gains, strict=True))
        mean = sum(strengths[one] * gains[one] for one in strengths) / sum(strengths.values())
        assert np.mean([gains[gumbel(frontier, expansions=8, seed=seed)[0]] for seed in range(200)]) >= mean


@pytest.mark.parametrize("seed", range(40))
def test_after_the_schedule_gumbel_ends_where_its_formula_written_out_ends(seed: int) -> None:
    graph, variances, visits = random_frontier(seed)
    visits = {claim: 20 * count for claim, count in visits.items()}
    plain, claim, expected = Plain(graph, variances, visits), graph.roots[0].claim, list[str]()
    while plain.gains and not expected and plain.value(plain.below(claim)) > 0:
        of = plain.choices(claim)
        most, total = max(n for _, _, n in of.values()), sum(n for _, _, n in of.values())
        policy = {one: p * np.exp((50 + most) * 0.1 * q) for one, (p, q, _) in of.items()}
        lack = {one: policy[one] / sum(policy.values()) - of[one][2] / (1 + total) for one in of}
        best = max(lack, key=lambda one: lack[one])
        expected, claim = ([best], claim) if best == claim else ([], best)
    done = sum(n for _, _, n in plain.choices(graph.roots[0].claim).values()) if plain.gains else 0
    if done > 0:
        assert gumbel(Frontier(propagate(graph), variances, visits), expansions=done) == expected


def test_nothing_is_chosen_where_nothing_open_can_move_a_root() -> None:
    result = propagate(fan({"a": 0.4}))
    for choose in (puct, partial(gumbel, expansions=8)):
        assert choose(Frontier(result, {})) == choose(Frontier(result, {"a": 1e-9})) == []


def test_chosen_together_they_move_no_root_in_common() -> None:
    claims = [Claim(name, "", 0.5) for name in ("r", "s", "of r", "of s", "of both")]
    rests = {"of r": ["r"], "of s": ["s"], "of both": ["r", "s"]}
    arguments = [
        Argument(f"{root} {name}", root, "support", 0.5, (Premise(name),)) for name, of in rests.items() for root in of
    ]
    frontier = Frontier(
        propagate(ArgumentGraph(claims, arguments, [Root("r"), Root("s", 0.9)])), dict.fromkeys(rests, 0.1)
    )
    of_one = Frontier(frontier.result, {"of r": 0.2, "of s": 0.2})
    for choose in (puct, partial(gumbel, expansions=8)):
        assert set(choose(of_one, 3)) == {"of r", "of s"}
        assert len(choose(of_one, 1)) == 1
        chosen = choose(frontier, 3)
        assert chosen == ["of both"] or set(chosen) == {"of r", "of s"}
