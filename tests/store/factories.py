"""Small graphs, and a propagation that is easy to predict."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from argtree.distributions import Normal, Uniform
from argtree.graph import (
    Argument,
    ArgumentGraph,
    Claim,
    Comparison,
    Measurement,
    Premise,
    Quantity,
    Root,
    Threshold,
)
from store.graphs import save_graph
from store.ranking import rerank

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def nails_graph() -> ArgumentGraph:
    """A root with a support and an attack; "Nails are hard." also lies two levels down; one premise is negated."""
    return ArgumentGraph(
        claims=(
            Claim("r", "Nails beat jelly.", 0.5),
            Claim("s", "Nails scratch jelly.", 0.2),
            Claim("h", "Nails are hard.", 0.9, askable=True),
            Claim("t", "Jelly is tough.", 0.3),
            Claim("q", "Jelly wins every fight.", 0.1, askable=False),
        ),
        arguments=(
            Argument("a1", "r", "support", 0.8, (Premise("s"), Premise("t", holds=False))),
            Argument("a2", "s", "support", 0.7, (Premise("h"),)),
            Argument("a3", "r", "attack", 0.4, (Premise("t"), Premise("h"))),
        ),
        roots=(Root("r", 2.0), Root("q", 0.5)),
        evidence={"t": (0.25, 0.75)},
    )


def jelly_graph() -> ArgumentGraph:
    """Two roots, one on a threshold of a density, one on a comparison of that with another density."""
    return ArgumentGraph(
        claims=(
            Claim("f", "Jelly floats on water.", 0.1),
            Claim("m", "Jelly sinks in milk.", 0.1),
            Claim("light", "Jelly is lighter than water.", 0.0, about=Threshold("jelly", "<", 1.0)),
            Claim("heavy", "Jelly is heavier than milk.", 0.0, about=Comparison("jelly", ">", "milk")),
            Claim("dense", "Jelly is very dense.", 0.0, askable=False, about=Threshold("jelly", ">", 1.5)),
        ),
        arguments=(
            Argument("a1", "f", "support", 0.9, (Premise("light"),)),
            Argument("a2", "m", "support", 0.8, (Premise("heavy"),)),
        ),
        roots=(Root("f"), Root("m", 0.5)),
        quantities=(
            Quantity("jelly", "The density of jelly", "g/cm³", Normal(1.1, 0.1)),
            Quantity("milk", "The density of milk", "g/cm³", Uniform(0.9, 1.2)),
        ),
        measurements=(Measurement("jelly", 1.0, 0.2),),
    )


def flat_graph(count: int) -> ArgumentGraph:
    """A root on `count` premises whose priors, and so their values below, all differ."""
    priors = np.linspace(0.05, 0.45, count)
    claims = [Claim("r", "Root.", 0.5), *(Claim(f"p{i}", f"Premise {i}.", float(p)) for i, p in enumerate(priors))]
    arguments = [Argument(f"a{i}", "r", "support", 0.5, (Premise(f"p{i}"),)) for i in range(count)]
    return ArgumentGraph(tuple(claims), tuple(arguments), (Root("r"),))


@dataclass(frozen=True)
class PriorsOnly:
    """What `propagate` returns, for a world where every claim is worth its own variance."""

    prob: NDArray[np.float64]

    def value(self) -> NDArray[np.float64]:
        return self.prob * (1 - self.prob)


def priors_only(graph: ArgumentGraph) -> PriorsOnly:
    return PriorsOnly(np.array([claim.prior for claim in graph.claims]))


def fill_queue(session: Session, graph: ArgumentGraph) -> None:
    save_graph(session, graph, NOW)
    rerank(session, priors_only, NOW)
