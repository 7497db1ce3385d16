"""`LiveForest` after sequences of answers and expansions against `propagate` on the equal graph from scratch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from argtree import (
    MEASURES,
    Argument,
    ArgumentGraph,
    Claim,
    ImpossibleEvidenceError,
    Normal,
    Premise,
    Quantity,
    Root,
    Threshold,
    propagate,
    rank,
)
from argtree import live as live_module
from argtree.forest_view import bound, view_claim, worth
from argtree.live import LiveForest
from tests.argtree.random_graphs import random_graph


def _random_forest(rng: np.random.Generator, max_claims: int, sharp: float) -> ArgumentGraph:
    """A forest with random roots among its tops, some claims of which are askable against the default."""
    graph = random_graph(rng, max_claims, tree=True, sharp=sharp)
    used = {premise.claim for argument in graph.arguments for premise in argument.premises}
    tops = [claim.id for claim in graph.claims if claim.id not in used]
    roots = [Root(top, float(rng.choice([0.0, 1.0, rng.uniform(0, 2)]))) for top in tops if rng.random() < 0.8]
    asked = [replace(c, askable=bool(rng.random() < 0.5)) if rng.random() < 0.3 else c for c in graph.claims]
    evidence = {} if rng.random() < 0.5 else graph.evidence
    return replace(graph, claims=asked, roots=roots, evidence=evidence)


def _random_answer(rng: np.random.Generator, graph: ArgumentGraph) -> tuple[str, tuple[float, float]]:
    claim = graph.claims[int(rng.integers(len(graph.claims)))].id
    certain = [(1.0, 0.0), (0.0, 1.0)][int(rng.integers(2))]
    return claim, certain if rng.random() < 0.15 else (float(rng.random()), float(rng.random()))


def _random_expansion(
    rng: np.random.Generator, graph: ArgumentGraph, sharp: float
) -> tuple[str, list[Claim], list[Argument], float | None]:
    conclusion = graph.claims[int(rng.integers(len(graph.claims)))].id

    def number() -> float:
        return float(rng.integers(2)) if rng.random() < sharp else float(rng.random())

    claims, arguments = [], []
    for i in range(int(rng.integers(0, 3))):
        new = [
            Claim(f"n{len(graph.claims) + len(claims) + j}", "new", number()) for j in range(int(rng.integers(0, 4)))
        ]
        premises = [Premise(claim.id, bool(rng.random() < 0.6)) for claim in new]
        polarity = "support" if rng.random() < 0.6 else "attack"
        claims += new
        arguments.append(Argument(f"b{len(graph.arguments) + i}", conclusion, polarity, number(), premises))
    return conclusion, claims, arguments, number() if rng.random() < 0.3 else None


def _answered(graph: ArgumentGraph, claim: str, pair: tuple[float, float]) -> ArgumentGraph:
    old = graph.evidence.get(claim, (1.0, 1.0))
    return replace(graph, evidence={**graph.evidence, claim: (old[0] * pair[0], old[1] * pair[1])})


def _expanded(
    graph: ArgumentGraph, conclusion: str, claims: list[Claim], arguments: list[Argument], prior: float | None
) -> ArgumentGraph:
    kept = [replace(c, prior=prior) if c.id == conclusion and prior is not None else c for c in graph.claims]
    return replace(graph, claims=[*kept, *claims], arguments=[*graph.arguments, *arguments])


def _is_possible(graph: ArgumentGraph) -> bool:
    try:
        propagate(graph)
    except ImpossibleEvidenceError:
        return False
    return True


def _assert_equals_scratch(live: LiveForest, graph: ArgumentGraph, k: int) -> None:
    result = propagate(graph)
    posteriors = [live.posterior(claim.id) for claim in graph.claims]
    np.testing.assert_allclose(posteriors, result.prob, atol=1e-11, rtol=0)
    for root in graph.roots:
        assert live.root_prob(root.claim) == pytest.approx(result.prob[graph.index[root.claim]], abs=1e-11)
    for measure in MEASURES:
        values = result.value(measure)
        expected = [one.value for one in rank(result, measure)][:k]
        found = live.top(k, measure)
        assert len({one.claim for one in found}) == len(found)
        padded = [one.value for one in found] + [0.0] * (len(expected) - len(found))
        np.testing.assert_allclose(padded, expected, atol=1e-11, rtol=1e-9)
        for one in found:
            assert one.value == pytest.approx(values[graph.index[one.claim]], rel=1e-7, abs=1e-11)
            assert one.prob == pytest.approx(result.prob[graph.index[one.claim]], abs=1e-11)


@pytest.mark.parametrize("seed", range(24))
def test_a_sequence_of_answers_and_expansions_equals_propagation_from_scratch(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sharp = 0.2 if seed % 2 else 0.0
    graph = _random_forest(rng, 25, sharp)
    if not _is_possible(graph):
        with pytest.raises(ImpossibleEvidenceError):
            LiveForest(graph)
        return
    live = LiveForest(graph)
    _assert_equals_scratch(live, graph, 100)
    for _ in range(8):
        if rng.random() < 0.6:
            claim, pair = _random_answer(rng, graph)
            changed, change = _answered(graph, claim, pair), lambda c=claim, p=pair: live.answer(c, p)
        else:
            expansion = _random_expansion(rng, graph, sharp)
            changed, change = _expanded(graph, *expansion), lambda e=expansion: live.expand(*e)
        if _is_possible(changed):
            graph = changed
            change()
        else:
            with pytest.raises(ImpossibleEvidenceError):
                change()
        _assert_equals_scratch(live, graph, int(rng.integers(1, 40)))


def _chain(length: int, top_evidence: bool = False) -> ArgumentGraph:
    """c0 rests on c1, c1 on c2 and so on."""
    claims = [Claim(f"c{i}", "", 0.01 if i < length - 1 else 0.5) for i in range(length)]
    arguments = [Argument(f"a{i}", f"c{i}", "support", 0.98, (Premise(f"c{i + 1}"),)) for i in range(length - 1)]
    return ArgumentGraph(claims, arguments, [Root("c0")], {"c0": (0.4, 0.9)} if top_evidence else {})


def _broad(num_arguments: int) -> ArgumentGraph:
    rng = np.random.default_rng(0)
    premises = [Claim(f"p{i}", "", float(rng.uniform(0, 0.1))) for i in range(2 * num_arguments)]
    arguments = [
        Argument(f"a{i}", "top", "support" if i % 3 else "attack", 0.3, [Premise(f"p{2 * i + j}") for j in (0, 1)])
        for i in range(num_arguments)
    ]
    return ArgumentGraph([Claim("top", "", 0.1), *premises], arguments, [Root("top")])


@pytest.mark.parametrize("seed", range(3))
def test_larger_forests_with_much_evidence_on_argued_claims_give_the_exact_best(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    graph = _random_forest(rng, 300, 0.0)
    evidence = {c.id: (float(rng.uniform(0.01, 1)), float(rng.uniform(0.01, 1))) for c in graph.claims[::2]}
    roots = [replace(root, weight=1.0) for root in graph.roots]
    graph = replace(graph, roots=roots, evidence=evidence)
    _assert_equals_scratch(LiveForest(graph), graph, 15)


@pytest.mark.parametrize("evidence", [False, True])
def test_ten_thousand_deep_is_no_trouble(evidence: bool) -> None:
    live = LiveForest(_chain(10_000, evidence))
    live.answer("c9999", (0.0, 1.0))
    live.expand("c20", [Claim("new", "", 0.5)], [Argument("b", "c20", "attack", 0.9, (Premise("new"),))])
    assert 0 < live.posterior("c9999") <= 1
    assert live.top(3)[0].claim == "new"


def test_hundreds_of_arguments_about_one_claim_equal_propagation() -> None:
    graph = _broad(300)
    live = LiveForest(graph)
    live.answer("p5", (0.0, 1.0))
    _assert_equals_scratch(live, _answered(graph, "p5", (0.0, 1.0)), 20)


def test_the_best_are_found_by_opening_a_few_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = _random_forest(np.random.default_rng(7), 500, 0.0)
    graph = replace(graph, evidence={}, claims=[replace(claim, askable=None) for claim in graph.claims])
    live, opened = LiveForest(graph), []
    real = live_module.view_premises
    monkeypatch.setattr(live_module, "view_premises", lambda forest, view: opened.append(view) or real(forest, view))
    for measure in MEASURES:
        opened.clear()
        paths = [set(live._forest.path(live._row(one.claim))) for one in live.top(5, measure)]
        assert len(opened) <= len(set().union(*paths)) + 20 * (measure == "mutual_information")


def test_a_contradiction_is_refused_and_changes_nothing() -> None:
    graph = _chain(4)
    sure = replace(graph, arguments=[replace(one, strength=1.0) for one in graph.arguments])
    live = LiveForest(sure)
    live.answer("c3", (0.0, 1.0))
    for contradict in (
        lambda: live.answer("c1", (1.0, 0.0)),
        lambda: live.answer("c3", (1.0, 0.0)),
    ):
        with pytest.raises(ImpossibleEvidenceError, match="c1|c3"):
            contradict()
        _assert_equals_scratch(live, _answered(sure, "c3", (0.0, 1.0)), 5)


def test_an_expansion_that_contradicts_is_taken_back() -> None:
    graph = replace(_chain(3), evidence={"c0": (0.0, 1.0)})
    live = LiveForest(graph)
    never = [Argument("b", "c0", "attack", 1.0, (Premise("new"),))]
    with pytest.raises(ImpossibleEvidenceError):
        live.expand("c0", [Claim("new", "", 1.0)], never)
    _assert_equals_scratch(live, graph, 5)
    live.expand("c0", [Claim("new", "", 0.5)], never)
    _assert_equals_scratch(live, _expanded(graph, "c0", [Claim("new", "", 0.5)], never, None), 5)


def test_many_answers_of_one_mind_do_not_become_certain() -> None:
    live = LiveForest(_chain(2))
    for _ in range(300):
        live.answer("c1", (0.01, 0.99))
    for _ in range(300):
        live.answer("c1", (0.99, 0.01))
    assert 0 <= live.posterior("c1") < 1


def test_a_shared_claim_is_refused_unless_it_is_certain() -> None:
    claims = [Claim("top", "", 0.1), Claim("p", "", 0.4), Claim("q", "", 0.3)]
    both = [Argument("a", "top", "support", 0.7, (Premise("p"),)), Argument("b", "q", "support", 0.6, (Premise("p"),))]
    graph = ArgumentGraph(claims, [*both, Argument("c", "top", "support", 0.5, (Premise("q"),))], [Root("top")])
    with pytest.raises(ValueError, match="'p' stands in 2 places.*propagate"):
        LiveForest(graph)
    answered = replace(graph, evidence={"p": (0.0, 1.0)})
    _assert_equals_scratch(LiveForest(answered), answered, 5)
    certain = replace(graph, claims=[replace(claim, prior=1.0) if claim.id == "p" else claim for claim in claims])
    live = LiveForest(certain)
    _assert_equals_scratch(live, certain, 5)
    with pytest.raises(ValueError, match="'p' is certain"):
        live.expand("p", [], [])


def test_what_is_asked_wrongly_is_named() -> None:
    graph = _chain(3)
    with pytest.raises(ValueError, match="the root 'c1' is a premise"):
        LiveForest(replace(graph, roots=(Root("c1"),)))
    live = LiveForest(graph)
    new = Claim("new", "", 0.5)
    argument = Argument("b", "c1", "support", 0.5, (Premise("new"),))
    for wrong, message in (
        (lambda: live.answer("c1", (0.5, 1.5)), "1.5"),
        (lambda: live.root_prob("c1"), "'c1' is a premise"),
        (lambda: live.top(1, "luck"), "luck"),
        (lambda: live.expand("c1", [new], []), "'new' stands in 0"),
        (lambda: live.expand("c1", [new], [argument, replace(argument, id="d")]), "'new' stands in 2"),
        (lambda: live.expand("c1", [replace(new, id="c2")], []), "claim 'c2' already"),
        (lambda: live.expand("c1", [], [replace(argument, premises=(Premise("c2"),))]), "'c2'"),
        (lambda: live.expand("c1", [new], [replace(argument, conclusion="new", premises=())]), "is about 'new'"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()
    with pytest.raises(KeyError):
        live.posterior("nobody")
    _assert_equals_scratch(live, graph, 5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("evidence", [False, True])
def test_bounds_hold_for_all_that_is_below_and_are_attained_where_promised(seed: int, evidence: bool) -> None:
    rng = np.random.default_rng(200 + seed)
    graph = _random_forest(rng, 60, 0.0)
    labels = {c.id: [(0.02, 1.0), (1.0, 0.02), (1.0, 0.5)][rng.integers(3)] for c in graph.claims if rng.random() < 0.4}
    claims = [replace(claim, askable=None) for claim in graph.claims]
    forest = LiveForest(replace(graph, claims=claims, evidence=labels if evidence else {}))._forest
    views = [view_claim(forest, row) for row in range(len(graph.claims))]
    for measure in MEASURES:
        best = np.zeros(len(views))
        for view in views:
            if forest.is_asked[view.claim]:
                above = forest.path(view.claim)
                best[above] = np.maximum(best[above], worth(forest, view, measure))
        bounds = np.array([bound(forest, view, measure) for view in views])
        assert (bounds >= best * (1 - 1e-9)).all()
        if measure == "expected_shift" or (measure == "variance_reduction" and not evidence):
            np.testing.assert_allclose(bounds, best, rtol=1e-9, atol=0)


def test_a_claim_about_a_quantity_has_its_probability_and_takes_no_arguments() -> None:
    claims = [Claim("root", "", 0.1), Claim("short", "", 0.0, about=Threshold("x", "<", 1.0))]
    arguments = [Argument("a", "root", "support", 0.9, [Premise("short")])]
    graph = ArgumentGraph(claims, arguments, [Root("root")], quantities=[Quantity("x", "", "m", Normal(0.0, 1.0))])
    live, whole = LiveForest(graph), propagate(graph)
    assert live.root_prob("root") == pytest.approx(whole.prob[0])
    assert [(one.claim, one.value) for one in live.top(2)] == [("short", pytest.approx(whole.value()[1]))]
    with pytest.raises(ValueError, match="'short' is about a quantity"):
        live.expand("short", [], [Argument("b", "short", "support", 0.5, [])])
