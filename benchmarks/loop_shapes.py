"""Many trees of one shape, solved side by side by one compiled circuit: what `argtree.propagate` gives one at a time.

Roots of one family rest on the same rules, so that their trees differ in the names alone. A shape is compiled once, and
its trees are one more axis of every array.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from argtree.circuit import compile_circuit
from argtree.compiled import compile_graph
from argtree.factors import build_factors
from argtree.value import PERFECT, Reliability, value_of_information
from benchmarks.loop_trees import Trees
from models.base import FloatArray

SMALLEST = 1e-9  # of a probability: nothing here is certain

Signature = tuple[tuple[tuple[str, float, tuple[tuple[int, bool], ...]], ...], ...]


@dataclass(frozen=True)
class Solved:
    """One tree worked out; P plain claims in the tree's order."""

    prob: float  # of the root
    argued: dict[str, float]  # P(claim) of every argued claim, the root among them
    value: FloatArray  # [P] of knowing each plain claim, for the root
    difference: FloatArray  # [P] P(root | claim) - P(root | not claim)


class Grove:
    """Trees of any shapes, by the number of their root. Axes: N trees, P plain claims, C claims of a tree."""

    def __init__(self, trees: Trees, roots: Sequence[str], least_alike: int = 1) -> None:
        """Args:
        roots: about which something is argued; others are left out.
        least_alike: trees of a shape that fewer than so many have are left out.
        """
        argued = [root for root in dict.fromkeys(roots) if not trees.is_plain(root)]
        signatures = {root: _signature(trees, _premises_first(trees, root)) for root in argued}
        alike = Counter(signatures.values())
        self.roots = [root for root in argued if alike[signatures[root]] >= least_alike]
        self.claims = [_premises_first(trees, root) for root in self.roots]  # the root last
        self.plain = [[claim for claim in claims if trees.is_plain(claim)] for claims in self.claims]
        self.argued = [[claim for claim in claims if not trees.is_plain(claim)] for claims in self.claims]
        self.lean = np.ones((len(self.roots), 2))  # evidence on each root, of its being false and true
        members: dict[Signature, list[int]] = defaultdict(list)
        for number, root in enumerate(self.roots):
            members[signatures[root]].append(number)
        self._shapes = [_Shape(trees, [self.claims[number] for number in of]) for of in members.values()]
        self._shape = {number: shape for shape, of in enumerate(members.values()) for number in of}

    def solve(
        self, prior: Mapping[str, float], numbers: Sequence[int] | None = None, reliability: Reliability = PERFECT
    ) -> dict[int, Solved]:
        """The trees of these numbers, all by default, in ascending order.

        Args:
            prior: P(plain claim), with what was answered about it.
        """
        by_shape: dict[int, list[int]] = defaultdict(list)
        for number in range(len(self.roots)) if numbers is None else numbers:
            by_shape[self._shape[number]].append(number)
        found: dict[int, Solved] = {}
        for shape, of in by_shape.items():
            rows = np.array([[prior[claim] for claim in self.plain[number]] for number in of])
            prob, difference = self._shapes[shape].solve(rows, self.lean[of])
            plain = prob[:, self._shapes[shape].is_plain]  # as the direct belief in the root leaves them
            value = value_of_information("variance_reduction", plain, prob[:, -1:], difference, reliability)
            for place, number in enumerate(of):
                argued = prob[place, self._shapes[shape].argued].tolist()
                found[number] = Solved(
                    argued[-1], dict(zip(self.argued[number], argued, strict=True)), value[place], difference[place]
                )
        return dict(sorted(found.items()))


class _Shape:
    """Trees that are alike, compiled once. The prior of an argued claim belongs to the rule: it is their mean."""

    def __init__(self, trees: Trees, alike: Sequence[Sequence[str]]) -> None:
        first = alike[0]
        self.is_plain = np.array([trees.is_plain(claim) for claim in first])
        self.argued = np.flatnonzero(~self.is_plain)
        prior = dict.fromkeys(first, 0.5)
        for row in self.argued:
            prior[first[row]] = float(np.mean([trees.residual[claims[row]] for claims in alike]))
        compiled = compile_graph(trees.graph(first, prior))
        self._circuit = compile_circuit(build_factors(compiled))

    def solve(self, plain: FloatArray, lean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P(claim) [N, C], and P(root | plain claim) - P(root | not) [N, P], for P(plain claim) [N, P].

        Twice over: as it is, and with the root held true.
        """
        size = len(plain)
        indicators = np.ones((2 * size, len(self.is_plain), 2))
        p = np.clip(plain, SMALLEST, 1 - SMALLEST)
        indicators[:, self.is_plain] = np.tile(np.stack([1 - p, p], axis=-1), (2, 1, 1))
        indicators[:, -1] = np.tile(lean, (2, 1))
        indicators[size:, -1, 0] = 0.0
        evaluation = self._circuit.evaluate({row: indicators[:, row] for row in range(indicators.shape[1])})
        assert evaluation is not None, "nothing here is impossible"
        prob = np.empty((2 * size, indicators.shape[1]))
        for row, derivative in self._circuit.differentiate(evaluation).items():
            joint = derivative * indicators[:, row]
            prob[:, row] = joint[:, 1] / joint.sum(axis=1)
        now, held = prob[:size], prob[size:]
        here, root = now[:, self.is_plain], now[:, -1:]
        difference = root * (held[:, self.is_plain] - here) / np.maximum(here * (1 - here), SMALLEST)
        return now, difference


def _signature(trees: Trees, claims: Sequence[str]) -> Signature:
    number = {claim: i for i, claim in enumerate(claims)}
    return tuple(
        tuple(
            (a.polarity, a.strength, tuple((number[p.text], p.holds) for p in a.premises)) for a in trees.arguments[c]
        )
        for c in claims
    )


def _premises_first(trees: Trees, root: str) -> list[str]:
    done: dict[str, None] = {}

    def visit(claim: str) -> None:
        if claim not in done:
            for argument in trees.arguments[claim]:
                for premise in argument.premises:
                    visit(premise.text)
            done[claim] = None

    visit(root)
    return list(done)
