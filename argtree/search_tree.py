"""Ways to choose what to expand by going down from a root, with an eye to how often each way was gone.

What the words of tree search mean on an argument graph:

    choices   at a claim: the claim itself (to ask for more arguments about it), and every premise of its arguments;
              only those at or below which something open promises `min_gain`
    prior     the model's own: a claim counts as much as one of its arguments on average, 1 / (1 + arguments); the rest
              is shared by its arguments as their strengths, within an argument equally by its premises. A premise of
              several arguments has the sum.
    value     q in [0, 1]: the largest first-order gain (`expansion_gains`) at or below the choice, over the largest in
              the whole graph. It is worked out anew for the graph as it stands, where a rollout's mean would also
              remember what was promised before; so no visit counts are needed to trust it, and every choice has one.
    visits    expansions at or below the choice, each once although a DAG may lead to it in several ways; of the claim
              itself, its own. At a root the first expansion, which made the choices, is not counted.

Not here: breadth first and best first (`argtree.search`).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from argtree.search import MIN_GAIN, FloatArray, Frontier, Mask, pick_apart

PUCT_FACTOR = 1.25  # c of PUCT, for values in [0, 1]: Schrittwieser et al. 2020 (MuZero), appendix B
GUMBEL_CONSIDERED = 16  # choices at the root; this and the next two as in mctx, the implementation by the authors
GUMBEL_VISITS, GUMBEL_SCALE = 50.0, 0.1  # c_visit and c_scale of Danihelka et al. 2022, for values scaled to [0, 1]


def puct(frontier: Frontier, at_most: int = 1, *, factor: float = PUCT_FACTOR, min_gain: float = MIN_GAIN) -> list[str]:
    """Returns the claims at the end of the way from a root that takes, at each claim, the choice of the highest

        q + factor * prior * sqrt(visits of all choices) / (1 + visits of it)

    (Rosin 2011, "Multi-armed bandits with episode context"; in this form Silver et al. 2017, "Mastering the game of Go
    without human knowledge", Methods). Of equals the one of the higher prior, then the first. Roots are chosen the
    same way, their weights in place of a prior.

    Args:
        frontier, at_most: see `argtree.search.Choose`.
        factor: how much prior and visits count beside value, at least 0.
        min_gain: of root variance, above 0.
    """

    def score(choices: Choices) -> FloatArray:
        exploring = factor * choices.prior * math.sqrt(choices.visits.sum()) / (1 + choices.visits)
        return choices.value + exploring + 1e-12 * choices.prior

    return _go_down(frontier, at_most, min_gain, score, score)


def gumbel(
    frontier: Frontier,
    at_most: int = 1,
    *,
    expansions: int,
    considered: int = GUMBEL_CONSIDERED,
    seed: int = 0,
    min_gain: float = MIN_GAIN,
) -> list[str]:
    """Returns the claims at the end of a way from a root that begins by sequential halving over sampled choices.

    At a root every choice has the score g + ln(prior) + s(q), with g of the Gumbel distribution and s(q) =
    (50 + most visits of any choice) * 0.1 * q. Of the choices that were visited as often as the schedule says
    (`considered_visits`), the best is taken: first those of the highest g + ln(prior) + s(q), then the better half of
    them, and so on. Where none was visited just so often, those that come nearest. Below a root, and where the schedule
    has run out, the choice is taken that most lacks visits for the improved policy softmax(ln(prior) + s(q)):
    policy - visits / (1 + visits of all). (Danihelka et al. 2022, "Policy improvement by planning with Gumbel",
    algorithm 2 and equation 14; Karnin et al. 2013, "Almost optimal exploration in multi-armed bandits".) Of several
    roots the one with the fewest visits for its weight comes first. Reasons that come up at a root while the schedule
    runs join as the schedule lets them.

    Args:
        frontier, at_most: see `argtree.search.Choose`.
        expansions: under each root, after its first, for which the schedule is made; at least 1.
        considered: choices at the root, at least 1.
        seed: of the Gumbel draws, each of which belongs to one choice at one root for good.
        min_gain: of root variance, above 0.
    """

    def at_root(choices: Choices) -> FloatArray:
        done = int(choices.visits.sum())
        if done >= expansions:
            return below(choices)
        wanted = considered_visits(min(considered, len(choices.rows)), expansions)[done]
        scores = _gumbel_draws(choices, seed) + np.log(choices.prior) + _transformed(choices)
        off = np.abs(choices.visits - wanted)
        return np.where(off == off.min(), scores, -np.inf)

    def below(choices: Choices) -> FloatArray:
        logits = np.log(choices.prior) + _transformed(choices)
        policy = np.exp(logits - np.logaddexp.reduce(logits))
        return np.asarray(policy - choices.visits / (1 + choices.visits.sum()))

    def among_roots(choices: Choices) -> FloatArray:
        return np.asarray(-choices.visits / choices.prior)

    return _go_down(frontier, at_most, min_gain, among_roots, below, at_root)


def considered_visits(num_choices: int, expansions: int) -> tuple[int, ...]:
    """Returns how often the choice to be expanded next was visited before, for each of so many expansions.

    Sequential halving: in each of ceil(log2(choices)) phases those still considered get equally many visits, then the
    worse half is left; the last two share what is left over.

    Args:
        num_choices: at least 1.
        expansions: at least 0.
    """
    if num_choices == 1:
        return tuple(range(expansions))
    phases, left, level = math.ceil(math.log2(num_choices)), num_choices, 0
    sequence: list[int] = []
    while len(sequence) < expansions:
        each = max(1, expansions // (phases * left))
        for visits in range(level, level + each):
            sequence += [visits] * left
        level, left = level + each, max(2, left // 2)
    return tuple(sequence[:expansions])


@dataclass(frozen=True, eq=False)
class Choices:
    """What can be done at a claim, or at the top, where the roots are the choices; K of them, at least one."""

    names: tuple[str, ...]  # claim ids, unique here; of the claim itself, its own
    at: str  # id of the claim; "" at the top
    rows: tuple[int, ...]  # of those claims
    prior: FloatArray  # [K] above 0, sum 1
    value: FloatArray  # [K] q, in [0, 1]
    visits: FloatArray  # [K]


Score = Callable[[Choices], FloatArray]


def _go_down(
    frontier: Frontier, at_most: int, min_gain: float, top: Score, below: Score, at_root: Score | None = None
) -> list[str]:
    """Goes down from the top by the highest scores; again for each further claim, past those that are blocked."""

    def pick(blocked: Mask) -> int | None:
        ways = _Ways(frontier, np.where(blocked, 0.0, frontier.gains), min_gain)
        choices = ways.at_top()
        if choices is None:
            return None
        row = choices.rows[int(np.argmax(top(choices)))]
        score, is_root = at_root or below, True
        while (there := ways.at(row, is_root)) is not None:
            chosen = there.rows[int(np.argmax(score(there)))]
            if chosen == row:
                return row
            row, score, is_root = chosen, below, False
        raise AssertionError("a way leads only where something is open")

    return pick_apart(frontier, at_most, pick)


class _Ways:
    """The choices at each claim, for given gains."""

    def __init__(self, frontier: Frontier, gains: FloatArray, min_gain: float) -> None:
        self.graph = frontier.result.graph
        self.visits = frontier.visits
        self.gains = np.where(gains >= min_gain, gains, 0.0)
        self.scale = max(float(self.gains.max(initial=0.0)), min_gain)
        self.best = self.gains.copy()  # [C] the largest gain at or below
        for row in self.graph.topological_order:
            for premise in self._premises(row):
                self.best[row] = max(self.best[row], self.best[premise])

    def at_top(self) -> Choices | None:
        """The roots, None where nothing under them is open."""
        weights = {self.graph.index[root.claim]: root.weight for root in self.graph.roots}
        weights = {row: weight for row, weight in weights.items() if weight > 0 and self.best[row] > 0}
        visits = [self._visits_below(row) for row in weights]
        return self._choices("", weights, [float(self.best[row]) for row in weights], visits)

    def at(self, row: int, is_root: bool) -> Choices | None:
        """What can be done at a claim, None where nothing at or below it is open."""
        claim = self.graph.claims[row].id
        arguments = self.graph.arguments_for(claim)
        priors = dict.fromkeys([row], 1 / (1 + len(arguments))) if self.gains[row] > 0 else {}
        strengths = sum(argument.strength for argument in arguments)
        for argument in arguments:
            part = argument.strength / strengths if strengths > 0 else 1 / len(arguments)
            share = part * len(arguments) / (1 + len(arguments)) / max(1, len(argument.premises))
            for premise in argument.premises:
                below = self.graph.index[premise.claim]
                if self.best[below] > 0:
                    priors[below] = priors.get(below, 0.0) + max(share, 1e-12)  # also where a strength is 0
        values = [float(self.gains[row] if below == row else self.best[below]) for below in priors]
        own = self.visits.get(claim, 0)
        visits = [max(0, own - is_root) if below == row else self._visits_below(below) for below in priors]
        return self._choices(claim, priors, values, visits)

    def _choices(self, at: str, priors: dict[int, float], values: list[float], visits: list[int]) -> Choices | None:
        if not priors:
            return None
        prior = np.array(list(priors.values()))
        names = tuple(self.graph.claims[row].id for row in priors)
        value, counts = np.array(values) / self.scale, np.array(visits, dtype=np.float64)
        return Choices(names, at, tuple(priors), prior / prior.sum(), value, counts)

    def _premises(self, row: int) -> list[int]:
        arguments = self.graph.arguments_for(self.graph.claims[row].id)
        return [self.graph.index[premise.claim] for argument in arguments for premise in argument.premises]

    def _visits_below(self, row: int) -> int:
        """Expansions at or below a claim."""
        seen, waiting = {row}, [row]
        for claim in waiting:  # grows meanwhile
            fresh = set(self._premises(claim)) - seen
            seen |= fresh
            waiting += fresh
        return sum(self.visits.get(self.graph.claims[claim].id, 0) for claim in seen)


def _transformed(choices: Choices) -> FloatArray:
    """s(q), monotone in q and growing with visits (Danihelka et al. 2022, equation 8)."""
    return np.asarray((GUMBEL_VISITS + choices.visits.max()) * GUMBEL_SCALE * choices.value)


def _gumbel_draws(choices: Choices, seed: int) -> FloatArray:
    """[K] a draw of each choice at this root: the same at every step, whatever other choices there are."""
    digests = [hashlib.sha256(f"{seed}\0{choices.at}\0{name}".encode()).digest() for name in choices.names]
    uniform = (np.array([int.from_bytes(digest[:6], "big") for digest in digests]) + 0.5) / 2**48
    return np.asarray(-np.log(-np.log(uniform)))
