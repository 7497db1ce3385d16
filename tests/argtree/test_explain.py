"""Why a claim matters, in figures and in words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.explain import MANY_PATHS, MAX_PATHS, Explanation, explain
from argtree.words import how_computed, how_sure, why, with_error
from tests.argtree.random_graphs import random_graph
from tests.store.factories import jelly_graph

CLAIMS = [
    Claim("beats", "A box of nails beats a bowl of jelly.", 0.3),
    Claim("sharp", "Nails are sharp.", 0.95),
    Claim("closed", "The box stays closed.", 0.4),
    Claim("hinge", "The hinge is rusty.", 0.5),
    Claim("aside", "It rains.", 0.5),
]
ARGUMENTS = [
    Argument("stab", "beats", "support", 0.8, [Premise("sharp"), Premise("closed", holds=False)]),
    Argument("stuck", "closed", "support", 0.6, [Premise("hinge")]),
]


def _explain(claim: str, **changes: object) -> tuple[ArgumentGraph, Explanation]:
    graph = replace(ArgumentGraph(CLAIMS, ARGUMENTS, [Root("beats")]), **changes)
    return graph, explain(propagate(graph), claim)


def _words(claim: str, **changes: object) -> str:
    return "\n".join(line for sentence, points in why(*_explain(claim, **changes)) for line in (sentence, *points))


def _paths_by_search(graph: ArgumentGraph, claim: str, root: str) -> int:
    """Counts paths by walking them all."""
    if claim == root:
        return 1
    steps = [a.conclusion for a in graph.arguments for p in dict.fromkeys(a.premises) if p.claim == claim]
    return sum(_paths_by_search(graph, conclusion, root) for conclusion in steps)


def _trees() -> list[ArgumentGraph]:
    """Trees in which every claim bears on the one root by at most one path."""
    rng = np.random.default_rng(3)
    graphs = [random_graph(rng, tree=True, sharp=0.0) for _ in range(60)]
    return [replace(graph, roots=[Root(f"c{len(graph.claims) - 1}")], evidence={}) for graph in graphs]


def test_on_a_tree_the_one_path_carries_the_whole_difference() -> None:
    num_seen = 0
    for graph in _trees():
        result = propagate(graph)
        for row, claim in enumerate(graph.claims):
            (effect,) = explain(result, claim.id).roots
            if effect.link == "paths":
                difference = float(result.root_if_true[0, row] - result.root_if_false[0, row])
                assert [path.effect for path in effect.paths] == [pytest.approx(difference, abs=1e-12)]
                num_seen += 1
    assert num_seen > 100


def test_paths_are_counted_as_a_walk_counts_them() -> None:
    rng = np.random.default_rng(8)
    for _ in range(40):
        graph = replace(random_graph(rng, max_claims=7, sharp=0.0), evidence={})
        graph = replace(graph, roots=[Root(claim.id) for claim in graph.claims])
        result = propagate(graph)
        for claim in graph.claims:
            for effect in explain(result, claim.id).roots:
                if effect.link == "paths":
                    assert effect.num_paths == _paths_by_search(graph, claim.id, effect.root)


def test_exponentially_many_paths_are_counted_and_the_best_found() -> None:
    claims = [Claim(f"{side}{i}", "", 0.1) for i in range(200) for side in "ab"]
    arguments = [
        Argument(f"{i}{x}{y}", f"{x}{i}", "support", 0.9 if x == y else 0.2, [Premise(f"{y}{i - 1}")])
        for i in range(1, 200)
        for x in "ab"
        for y in "ab"
    ]
    graph = ArgumentGraph(claims, arguments, [Root("a199")])
    (effect,) = explain(propagate(graph), "a0").roots
    assert effect.num_paths == MANY_PATHS and len(effect.paths) == MAX_PATHS
    assert [step.premise.claim for step in effect.paths[0].steps] == [f"a{i}" for i in range(199)]
    assert "… 194 more arguments …" in why(graph, explain(propagate(graph), "a0"))[2][1][0]


def test_undercut_is_said_in_words() -> None:
    said = _words("closed")
    assert "It is 58 % likely now" in said and "number" not in said  # argued, so not among those asked about
    assert "If it holds, the root “A box of nails beats a bowl of jelly” is 30 % likely; if it does not, 83 %." in said
    assert "-0.53  It undercuts the argument for “A box of nails beats a bowl of jelly” (strength 0.80)" in said
    assert "from “Nails are sharp”." in said


def test_path_says_every_argument_and_what_goes_with_it() -> None:
    said = _words("hinge")
    assert "Of 3 claims worth asking about it comes first." in said
    assert "through one path" in said
    assert "It supports “The box stays closed” (strength 0.60); that undercuts the argument for" in said
    assert "together with not “The box stays closed”." in _words("sharp")


def test_failing_alone_supports() -> None:
    arguments = [Argument("dry", "beats", "attack", 0.5, [Premise("aside", holds=False)])]
    assert "+0.15  Its failing attacks “A box of nails beats a bowl of jelly”" in _words("aside", arguments=arguments)


def test_claim_that_cannot_matter_says_why() -> None:
    assert "worth nothing" in _words("aside") and "makes no difference to the root" in _words("aside")
    assert "certain already that this is true" in _words("sharp", evidence={"sharp": (0, 1)})
    assert "certain: “The box stays closed”" in _words("hinge", evidence={"closed": (0, 1)})
    assert "no roots" in _words("aside", roots=[])


def test_ways_round_that_are_no_paths_are_named() -> None:
    other = Claim("locked", "It is locked.", 0.1)
    arguments = [*ARGUMENTS, Argument("rust", "locked", "support", 0.9, [Premise("hinge")])]
    changes = {"claims": [*CLAIMS, other], "arguments": arguments}
    assert _explain("locked", **changes)[1].roots[0].via == ("hinge",)
    assert "both rest on “The hinge is rusty”" in _words("locked", **changes)
    below = changes | {"roots": [Root("closed")]}
    assert "It rests on the root itself" in _words("beats", **below)
    seen = changes | {"roots": [Root("hinge")], "evidence": {"beats": (0.1, 0.9)}}
    assert "both bear on what is known: “A box of nails beats a bowl of jelly”" in _words("sharp", **seen)


def test_only_roots_that_move_are_explained() -> None:
    graph, explanation = _explain("sharp", roots=[Root("aside"), Root("beats"), Root("hinge")])
    assert [effect.root for effect in explanation.roots] == ["beats"]
    assert why(graph, explanation)[-1][0] == "It makes no difference to the other 2 roots."


def test_root_explains_itself() -> None:
    assert "It is a root itself: an answer would settle it." in _words("beats")


def test_long_chain_takes_no_recursion() -> None:
    claims = [Claim(f"c{i}", "", 0.0 if i else 0.5) for i in range(10_000)]
    arguments = [Argument(f"a{i}", f"c{i}", "support", 1.0, [Premise(f"c{i - 1}")]) for i in range(1, 10_000)]
    result = propagate(ArgumentGraph(claims, arguments, [Root("c9999")]))
    assert explain(result, "c0").roots[0].paths[0].effect == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("layers", "exact", "said"),
    [
        (("tree",), True, "exact, by sweeps over a tree, in 0.03 s"),
        (("tree", "elimination"), True, "exact, by elimination on a tree of modules, in 0.03 s"),
        (("elimination", "diagram"), True, "exact, by elimination and decision diagrams, in 0.03 s"),
        (("sampling",), False, "sampled in 0.03 s: standard error of the root 0.004"),
        (
            ("tree", "elimination", "sampling"),
            False,
            "sampled in 0.03 s (the rest by elimination on a tree",
        ),
    ],
)
def test_one_line_says_how(layers: tuple[str, ...], exact: bool, said: str) -> None:
    assert how_computed(layers, exact, 0.031, 0.0038, 1).startswith(said)


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.01234, 0.0, "0.012"),
        (0.01234, 0.00041, "0.0123 ± 0.0004"),
        (0.01234, 0.00012, "0.01234 ± 0.00012"),
        (0.0, 0.02, "0.00 ± 0.02"),
        (1.234e-8, 3e-10, "(1.23 ± 0.03)e-08"),
        (1200.0, 300.0, "1200 ± 300"),
        (0.5, math.nan, "0.500"),
        (0.5, 1e-15, "0.500"),
    ],
)
def test_standard_error_is_written_beside_the_value(value: float, error: float, said: str) -> None:
    assert with_error(value, error, ".3f") == said


def test_how_sure_the_order_is_never_sounds_certain() -> None:
    assert how_sure(5, 0.85, is_whole_list=True) == "The first 5 are the 5 best with probability 0.85."
    assert how_sure(1, 0.999, is_whole_list=True) == "The first is the best with probability above 0.99."
    said = "Of the claims worth asking about, the first 2 are the 2 best with probability below 0.01."
    assert how_sure(2, 0.0, is_whole_list=False) == said


def test_claims_about_the_same_number_are_named() -> None:
    explanation = explain(propagate(jelly_graph()), "light")
    assert explanation.related == ("heavy", "dense")
    sentences = [sentence for sentence, _ in why(jelly_graph(), explanation)]
    assert any("same number as “Jelly is heavier than milk” and “Jelly is very dense”" in one for one in sentences)
