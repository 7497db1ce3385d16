from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from store.paths import paths_to_root
from tests.store.factories import nails_graph


def _ids(graph: ArgumentGraph, root: str) -> dict[str, list[tuple[str, bool]]]:
    ways = paths_to_root(graph, root)
    return {claim: [(step.argument.id, step.holds) for step in way] for claim, way in ways.items()}


def test_the_shortest_way_up_wins() -> None:
    ways = {"r": [], "s": [("a1", True)], "t": [("a1", False)], "h": [("a3", True)]}
    assert _ids(nails_graph(), "r") == ways and _ids(nails_graph(), "q") == {"q": []}


def test_a_long_way_is_told_from_the_premise_up() -> None:
    claims = [Claim(str(i), f"{i}", 0.5) for i in range(2000)]
    arguments = [Argument(f"a{i}", str(i), "support", 0.5, (Premise(str(i + 1)),)) for i in range(1999)]
    way = paths_to_root(ArgumentGraph(tuple(claims), tuple(arguments), (Root("0"),)), "0")["1999"]
    assert [step.argument.id for step in way] == [f"a{i}" for i in reversed(range(1999))]
