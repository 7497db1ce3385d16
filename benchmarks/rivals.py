"""The same questions put to other libraries: P(claim), P(root | claim) and P(root | not claim) by pyagrum and by pgmpy.

An argument graph becomes an ordinary Bayesian network in one of three encodings, so that each library can be given the
one that it is quickest with:

    tables    a claim with up to MAX_TABLE premises is one full table; others as in "chains"
    chains    a claim is built up argument by argument through hidden nodes, each with a small table
    noisy-or  a hidden node for each conjunction, pyagrum's own noisy-OR over them (one for the supports, one for the
              attacks where there are any)

Not here: timing (`engine`). Every node has the states false and true.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyagrum
from pgmpy.factors.discrete import TabularCPD
from pgmpy.inference import VariableElimination
from pgmpy.models import DiscreteBayesianNetwork

from argtree import Argument, ArgumentGraph, Claim, Premise

FloatArray = npt.NDArray[np.float64]
Encoding = Literal["tables", "chains", "noisy-or"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)

MAX_TABLE = 10
"""Most parents that a table is written out for."""
MAX_NOISY_OR = 16
"""Most parents of a pyagrum noisy-OR; it writes the table out when it infers."""
MAX_ENTRIES = 2**26
"""Most entries of all cliques of pyagrum's junction tree together (512 MiB, and as much again for messages)."""


class TooWideError(Exception):
    """The junction tree would not fit into MAX_ENTRIES."""


@dataclass(frozen=True)
class Table:
    """A node with P(true | parents) written out."""

    name: str
    parents: tuple[str, ...]
    true_prob: FloatArray  # one axis of 2 for each parent


@dataclass(frozen=True)
class NoisyOr:
    """A node that is true with probability 1 - (1 - leak) * product over true parents of (1 - weight)."""

    name: str
    leak: float
    weights: tuple[tuple[str, float], ...]


Node = Table | NoisyOr


@dataclass(frozen=True)
class Answers:
    """What a library says of some claims. Axis P: the claims in the order asked."""

    prob: FloatArray  # [P] P(claim | evidence)
    root_if_true: FloatArray  # [P] P(root | claim, evidence)
    root_if_false: FloatArray  # [P] P(root | not claim, evidence)


def encode(graph: ArgumentGraph, encoding: Encoding) -> list[Node]:
    """Returns the network's nodes, parents first; a claim's node has the claim's id."""
    nodes: list[Node] = []
    for row in graph.topological_order:
        claim = graph.claims[row]
        # pyagrum refuses weights of 0
        arguments = [argument for argument in graph.arguments_for(claim.id) if argument.strength > 0]
        parents = _parents([premise for argument in arguments for premise in argument.premises])
        if encoding == "tables" and len(parents) <= MAX_TABLE:
            nodes.append(_whole_table(claim, arguments, parents))
        elif encoding == "noisy-or" and arguments:
            nodes += _noisy_or(claim, arguments)
        else:
            nodes += _chain(claim, arguments)
    return nodes


def _parents(premises: Sequence[Premise]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(premise.claim for premise in premises))


def _holds(premises: Sequence[Premise], parents: tuple[str, ...]) -> FloatArray:
    """Returns one axis of 2 for each parent: 1 where every premise is as it is taken."""
    states = np.indices((2,) * len(parents))
    holds = np.ones((2,) * len(parents))
    for premise in premises:
        holds *= states[parents.index(premise.claim)] == premise.holds
    return holds


def _whole_table(claim: Claim, arguments: Sequence[Argument], parents: tuple[str, ...]) -> Table:
    off, keep = np.full((2,) * len(parents), 1 - claim.prior), np.ones((2,) * len(parents))
    for argument in arguments:
        factor = 1 - argument.strength * _holds(argument.premises, parents)
        if argument.polarity == "support":
            off = off * factor
        else:
            keep = keep * factor
    return Table(claim.id, parents, (1 - off) * keep)


def _conjunction(name: str, premises: Sequence[Premise]) -> list[Node]:
    """Returns nodes of which the last, of this name, is true exactly where all premises are as they are taken."""
    nodes: list[Node] = []
    while len(_parents(premises)) > 4:
        part = f"{name}.{len(nodes)}"
        parents = _parents(premises[:4])
        nodes.append(Table(part, parents, _holds(premises[:4], parents)))
        premises = [Premise(part), *premises[4:]]
    parents = _parents(premises)
    return [*nodes, Table(name, parents, _holds(premises, parents))]


def _chain(claim: Claim, arguments: Sequence[Argument]) -> list[Node]:
    nodes: list[Node] = []
    ordered = sorted(arguments, key=lambda argument: argument.polarity == "attack")  # supports first
    so_far: tuple[str, ...] = ()
    for place, argument in enumerate(ordered):
        premises: Sequence[Premise] = argument.premises
        if len(_parents(premises)) > 4:
            nodes += _conjunction(f"{claim.id}&{place}", premises)
            premises = [Premise(f"{claim.id}&{place}")]
        parents = _parents(premises)
        fires = argument.strength * _holds(premises, parents)
        before = np.array([0.0, 1.0] if so_far else [claim.prior]).reshape(-1, *(1,) * len(parents))
        table = before + (1 - before) * fires if argument.polarity == "support" else before * (1 - fires)
        name = claim.id if place == len(ordered) - 1 else f"{claim.id}+{place}"
        nodes.append(Table(name, so_far + parents, table if so_far else table[0]))
        so_far = (name,)
    return nodes or [Table(claim.id, (), np.array(claim.prior))]


def _noisy_or(claim: Claim, arguments: Sequence[Argument]) -> list[Node]:
    nodes: list[Node] = []
    weights: dict[str, list[tuple[str, float]]] = {"support": [], "attack": []}
    for place, argument in enumerate(arguments):
        weights[argument.polarity].append((f"{claim.id}&{place}", argument.strength))
        nodes += _conjunction(f"{claim.id}&{place}", argument.premises)
    if not weights["attack"]:
        return [*nodes, NoisyOr(claim.id, claim.prior, tuple(weights["support"]))]
    sides = (f"{claim.id}+", f"{claim.id}-")
    nodes.append(NoisyOr(sides[0], claim.prior, tuple(weights["support"])))
    nodes.append(NoisyOr(sides[1], 0.0, tuple(weights["attack"])))
    return [*nodes, Table(claim.id, sides, np.array([[0.0, 0.0], [1.0, 0.0]]))]


class Pyagrum:
    """A network in pyagrum, with one of its exact engines.

    Raises:
        TooWideError: at construction, before any inference.
    """

    ENGINES = ("LazyPropagation", "ShaferShenoyInference")

    def __init__(self, graph: ArgumentGraph, encoding: Encoding, engine: str) -> None:
        self.encoding, self.engine = encoding, engine
        self.root = graph.roots[0].claim
        self.evidence = {claim: list(pair) for claim, pair in graph.evidence.items()}
        nodes = encode(graph, encoding)
        self.most_parents = max(len(n.weights) if isinstance(n, NoisyOr) else len(n.parents) for n in nodes)
        if self.most_parents > MAX_NOISY_OR:
            raise TooWideError(f"a node with {self.most_parents} parents")
        self.net = _pyagrum_net(nodes)
        self.width = _check_cliques(self.net)

    def start(self, claims: Sequence[str]) -> pyagrum.LazyPropagation:
        """Returns an inference that can answer `by_root` again and again."""
        return self._start([*claims, self.root])

    def by_root(self, claims: Sequence[str], started: pyagrum.LazyPropagation | None = None) -> Answers:
        """Its quickest way: read every claim with and without the root held true, then Bayes' rule; two inferences.

        Args:
            claims: those to read.
            started: an inference of `start`, with what it has prepared; else one is made.
        """
        inference = started or self.start(claims)
        if started:
            self._release(inference, self.root)
            inference.makeInference()
        prob = self._read(inference, claims)
        root_prob = float(inference.posterior(self.root)[1])
        self._hold(inference, self.root, 1)
        given_root = self._read(inference, claims)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Answers(prob, given_root * root_prob / prob, (1 - given_root) * root_prob / (1 - prob))

    def by_claim(self, claims: Sequence[str], limit_seconds: float) -> tuple[FloatArray, float]:
        """Infers the root anew with each claim held true and then false.

        Returns:
            root [n, 2]: P(root | claim false, true) of the first n claims, those done within the limit (at least one);
            the seconds that all would have taken at that pace.
        """
        start = time.perf_counter()
        inference = self._start([self.root])
        inference.posterior(self.root)
        done: list[list[float]] = []
        for claim in claims:
            done.append([])
            for state in (0, 1):
                self._hold(inference, claim, state)
                done[-1].append(float(inference.posterior(self.root)[1]))
            self._release(inference, claim)
            if time.perf_counter() - start > limit_seconds:
                break
        return np.array(done), (time.perf_counter() - start) * len(claims) / len(done)

    def _start(self, targets: Sequence[str]) -> pyagrum.LazyPropagation:
        inference = getattr(pyagrum, self.engine)(self.net)
        inference.setTargets(set(targets))
        for claim, pair in self.evidence.items():
            inference.addEvidence(claim, pair)
        inference.makeInference()
        return inference

    def _hold(self, inference: pyagrum.LazyPropagation, claim: str, state: int) -> None:
        if inference.hasEvidence(claim):
            inference.chgEvidence(claim, state)
        else:
            inference.addEvidence(claim, state)
        inference.makeInference()

    def _release(self, inference: pyagrum.LazyPropagation, claim: str) -> None:
        if claim in self.evidence:
            inference.chgEvidence(claim, self.evidence[claim])
        elif inference.hasEvidence(claim):
            inference.eraseEvidence(claim)

    def _read(self, inference: pyagrum.LazyPropagation, claims: Sequence[str]) -> FloatArray:
        return np.array([inference.posterior(claim)[1] for claim in claims])


def _pyagrum_net(nodes: Sequence[Node]) -> pyagrum.BayesNet:
    net = pyagrum.BayesNet()
    for node in nodes:
        variable = pyagrum.LabelizedVariable(node.name, "", 2)
        if isinstance(node, NoisyOr):
            net.addNoisyORNet(variable, node.leak)
            for parent, weight in node.weights:
                net.addWeightedArc(parent, node.name, weight)
            continue
        net.add(variable)
        for parent in reversed(node.parents):  # pyagrum's arrays have the parent that was added last first
            net.addArc(parent, node.name)
        net.cpt(node.name)[:] = np.stack([1 - node.true_prob, node.true_prob], axis=-1)
    return net


def _check_cliques(net: pyagrum.BayesNet) -> int:
    """Returns the size of the largest clique of the junction tree."""
    tree = pyagrum.JunctionTreeGenerator().junctionTree(net)
    sizes = [len(tree.clique(node)) for node in tree.nodes()]
    if sum(2.0**size for size in sizes) > MAX_ENTRIES:
        raise TooWideError(f"a clique of {max(sizes)} nodes")
    return max(sizes)


class Pgmpy:
    """A network in pgmpy, asked by variable elimination for each claim together with the root."""

    def __init__(self, graph: ArgumentGraph, encoding: Encoding) -> None:
        nodes = [node for node in encode(graph, encoding) if isinstance(node, Table)]
        self.root = graph.roots[0].claim
        self.net = DiscreteBayesianNetwork()
        self.net.add_nodes_from([node.name for node in nodes])
        self.net.add_edges_from([(parent, node.name) for node in nodes for parent in node.parents])
        self.net.add_cpds(*map(_pgmpy_table, nodes))
        self.evidence = [TabularCPD(claim, 2, [[pair[0]], [pair[1]]]) for claim, pair in graph.evidence.items()]

    def by_claim(self, claims: Sequence[str]) -> Answers:
        """One query for each claim."""
        inference = VariableElimination(self.net)
        found = []
        for claim in claims:
            asked = inference.query([claim, self.root], virtual_evidence=self.evidence or None, show_progress=False)
            joint = asked.values if asked.variables[0] == claim else asked.values.T  # [claim, root]
            found.append((joint[1].sum(), joint[1, 1] / joint[1].sum(), joint[0, 1] / joint[0].sum()))
        return Answers(*np.array(found).T)


def _pgmpy_table(node: Table) -> TabularCPD:
    rows = node.true_prob.reshape(1, -1)
    cards = [2] * len(node.parents)
    return TabularCPD(node.name, 2, np.concatenate([1 - rows, rows]), list(node.parents) or None, cards or None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in Python code that runs on past the limit; main thread only."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
