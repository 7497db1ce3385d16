"""How a premise bears on a root: the shortest chain of arguments from the one to the other. Pure."""

from collections import deque
from dataclasses import dataclass

from argtree.graph import Argument, ArgumentGraph


@dataclass(frozen=True)
class Step:
    """One argument on the way up from a claim to a root."""

    claim: str  # the premise at its lower end
    holds: bool  # whether the argument takes that premise as holding
    argument: Argument  # whose conclusion is its upper end


def paths_to_root(graph: ArgumentGraph, root: str) -> dict[str, tuple[Step, ...]]:
    """Returns, for the root and every claim under it, the steps up to the root; none for the root itself.

    A claim may bear on a root by exponentially many ways. This gives the one with the fewest arguments; of several, the
    one through the argument that stands first in the graph.
    """
    paths: dict[str, tuple[Step, ...]] = {root: ()}
    waiting = deque([root])
    while waiting:
        conclusion = waiting.popleft()
        for argument in graph.arguments_for(conclusion):
            for premise in argument.premises:
                if premise.claim not in paths:
                    paths[premise.claim] = (Step(premise.claim, premise.holds, argument), *paths[conclusion])
                    waiting.append(premise.claim)
    return paths
