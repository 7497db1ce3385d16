"""In which order to sum variables out, and at what cost: known before any table is filled.

First whatever is safe (variables whose neighbours are all linked, or at most three of which one is not: Bodlaender,
Koster and van den Eijkhof 2005, "Pre-processing for triangulation"); on what is left, minimum fill (Kjaerulff 1990)
with noise, restarted; then simulated annealing over orders (Kjaerulff 1992, "Optimal decomposition of probabilistic
networks by simulated annealing"). Work is counted and not timed, so that the same input gives the same order, and no
more is spent on an order than a part of what running it would cost. Where tables would be too large still, some
variables are held at each of their states in turn: fewer entries at once, more runs.

Sets of variables are integers, a bit each. Not here: any number that is a probability.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from argtree.errors import TooEntangledError

_SECONDS_PER_PRODUCT = 1.5e-8  # of evaluating and differentiating, roughly
_SECONDS_PER_VISIT = 1.5e-5  # of working out one variable's neighbourhood while an order is looked for, roughly
_SHARE = 0.25  # of the time that running the order would take, this much at most is spent on looking for a better one
_NOISES = (0.0, 0.1, 0.3, 0.6)
_SIZE_WEIGHTS = (0.0, 0.3, 1.5)
_RESTART_SHARE = 0.25  # of the search; the rest is annealing
_FIRST_TEMPERATURE, _LAST_TEMPERATURE = 0.5, 0.04  # in factors of two of the cost
_LOOSENESS = 32.0  # how far the bound on the products may lie above their number, which the compiled circuit knows
_HOPELESS = 2.0**12  # no search makes an order so many times better


@dataclass(frozen=True)
class Limits:
    """What one elimination may cost."""

    max_products: float = 2.0**27  # multiplications of one evaluation of one variant, over all slices
    max_entries: float = 2.0**26  # numbers held by one evaluation of one variant and slice
    search_seconds: float = 10.0  # on looking for an order, roughly


@dataclass(frozen=True)
class Order:
    """How to eliminate."""

    variables: tuple[int, ...]  # those summed out, first to last
    held: tuple[int, ...]  # those held at each of their states in turn
    num_products: float  # at most, over all slices
    num_entries: float  # entries of all tables of a slice
    width: float  # log2 of the entries of the largest clique of a slice


def find_order(
    sizes: Sequence[int],
    num_claims: int,
    scopes: Iterable[Sequence[int]],
    limits: Limits,
    may_be_held: Iterable[int] = (),
) -> Order:
    """Returns an order of elimination of all variables in a scope, the same for the same input.

    Args:
        sizes: number of states of each variable, 2 or 3.
        num_claims: the variables from this on are maxima. To join two tables along a maximum takes half as many
            products again as there are entries, so an order may be far dearer than its tables are large.
        scopes: the variables of each factor.
        limits: on what it may cost.
        may_be_held: variables that may be held where memory is short.

    Raises:
        TooEntangledError: no order was found within the limits.
    """
    graph = _Graph.of(sizes, num_claims, scopes)
    before, kernel = _reduce(graph)
    order = before + _search(kernel, limits)
    held = _choose_held(graph, order, limits, set(may_be_held))
    found = _cost(graph, [variable for variable in order if variable not in held], held)
    if found.num_products > _LOOSENESS * limits.max_products or found.num_entries > limits.max_entries:
        raise too_entangled(limits)
    return found


def too_entangled(limits: Limits) -> TooEntangledError:
    """Returns the error that says what does not fit."""
    return TooEntangledError(
        "The graph's claims share premises in too entangled a way for exact propagation by elimination: it would need "
        f"more than {limits.max_entries:,.0f} numbers at once, or more than {limits.max_products:,.0f} products."
    )


@dataclass(frozen=True)
class _Graph:
    """Which variables share a factor."""

    near: dict[int, int]  # variable -> set of its neighbours
    ternary: int  # set of the variables of three states
    maxima: int  # set of the maxima

    @classmethod
    def of(cls, sizes: Sequence[int], num_claims: int, scopes: Iterable[Sequence[int]]) -> _Graph:
        near: dict[int, int] = {}
        for scope in scopes:
            together = sum(1 << variable for variable in scope)
            for variable in scope:
                near[variable] = near.get(variable, 0) | together
        ternary = sum(1 << variable for variable, size in enumerate(sizes) if size == 3)
        maxima = sum(1 << variable for variable in range(num_claims, len(sizes)))
        return cls({variable: near[variable] & ~(1 << variable) for variable in sorted(near)}, ternary, maxima)

    def log_entries(self, variables: int) -> float:
        """log2 of the entries of a table over a set of variables."""
        return variables.bit_count() + _LOG2_THREE_HALVES * (variables & self.ternary).bit_count()

    def log_products(self, variables: int) -> float:
        """log2 of the products that joining two tables may take, both over all of a set of variables."""
        return variables.bit_count() + _LOG2_THREE_HALVES * (variables & self.maxima).bit_count()

    def eliminate(self, variable: int) -> int:
        """Takes a variable out, links its neighbours to each other and returns their set."""
        near = self.near.pop(variable)
        for one in _members(near):
            self.near[one] = (self.near[one] | near) & ~(1 << one | 1 << variable)
        return near

    def missing(self, variable: int) -> int:
        """Twice the number of links that its elimination would add."""
        near = self.near[variable]
        return sum((near & ~self.near[one]).bit_count() - 1 for one in _members(near))


_LOG2_THREE_HALVES = math.log2(1.5)
_MANY_NEIGHBOURS = 32  # a variable with more is not looked at again and again: that would be quadratic


def _members(variables: int) -> Iterator[int]:
    while variables:
        lowest = variables & -variables
        yield lowest.bit_length() - 1
        variables ^= lowest


def _reduce(graph: _Graph) -> tuple[list[int], _Graph]:
    """Eliminates what may safely go first; returns (that, what is left)."""
    left = _Graph(dict(graph.near), graph.ternary, graph.maxima)
    order: list[int] = []
    waiting = dict.fromkeys(left.near)
    while waiting:
        variable, _ = waiting.popitem()
        if variable in left.near and _is_safe(left, variable):
            near = left.eliminate(variable)
            order.append(variable)
            for one in _members(near):
                waiting[one] = None
                if left.near[one].bit_count() <= _MANY_NEIGHBOURS:
                    waiting.update(dict.fromkeys(_members(left.near[one])))
    return order, left


def _is_safe(graph: _Graph, variable: int) -> bool:
    near = graph.near[variable]
    degree = near.bit_count()
    if degree <= 2 or degree > _MANY_NEIGHBOURS:
        return degree <= 2
    lacking = [near & ~graph.near[one] & ~(1 << one) for one in _members(near)]
    return not any(lacking) or (degree == 3 and sum(map(int.bit_count, lacking)) <= 4)


@dataclass
class _Clock:
    """Counts work, and says when it is time to stop: past a share of what the best order costs, or past the limit."""

    limit_seconds: float
    visits: int = 0

    def is_over(self, num_products: float, share: float) -> bool:
        most = min(self.limit_seconds, _SHARE * num_products * _SECONDS_PER_PRODUCT)
        return self.visits * _SECONDS_PER_VISIT >= share * most


def _search(kernel: _Graph, limits: Limits) -> list[int]:
    """Returns a good order for what is left after all that is safe."""
    if not kernel.near:
        return []
    rng = random.Random(0)
    clock = _Clock(limits.search_seconds)
    best = _greedy(kernel, rng, 0.0, 0.0, _HOPELESS * limits.max_products, clock)
    if best is None:
        raise too_entangled(limits)
    attempt = 0
    while not clock.is_over(best[0], _RESTART_SHARE):
        attempt += 1
        noise, size_weight = _NOISES[attempt % len(_NOISES)], _SIZE_WEIGHTS[attempt % len(_SIZE_WEIGHTS)]
        best = _greedy(kernel, rng, noise, size_weight, best[0], clock) or best
    return _anneal(kernel, best, rng, clock)


def _greedy(
    kernel: _Graph, rng: random.Random, noise: float, size_weight: float, limit: float, clock: _Clock
) -> tuple[float, list[int]] | None:
    """Returns (products, order) by minimum fill with ties broken and scores blurred by chance; None past the limit."""
    graph = _Graph(dict(kernel.near), kernel.ternary, kernel.maxima)

    def score(variable: int) -> float:
        clock.visits += 1
        fill = graph.missing(variable) / 2
        return fill + size_weight * graph.log_products(graph.near[variable]) if size_weight else fill

    scores = {variable: score(variable) for variable in graph.near}
    order: list[int] = []
    cost = 0.0
    while scores:
        blurred = {one: value * (1 + noise * rng.random()) + 0.5 * rng.random() for one, value in scores.items()}
        variable = min(blurred, key=blurred.__getitem__)
        del scores[variable]
        cost += 2.0 ** graph.log_products(graph.near[variable] | 1 << variable)
        if cost >= limit:
            return None
        order.append(variable)
        for one in _members(_touched(graph, variable)):
            scores[one] = score(one)
    return cost, order


def _touched(graph: _Graph, variable: int) -> int:
    """Eliminates the variable; returns the set of those whose fill may have changed."""
    near = graph.near[variable]
    touched = near
    for one in _members(near):
        for other in _members(near & ~graph.near[one] & ~(1 << one)):
            touched |= graph.near[one] & graph.near[other]  # they lack one link less
    graph.eliminate(variable)
    return touched & ~(1 << variable)


@dataclass
class _Costs:
    """The cost of whole orders of one graph, worked out along the elimination tree."""

    near: dict[int, list[int]]
    is_maximum: dict[int, bool]
    powers: list[list[float]] = field(default_factory=list)  # [number of variables][of these, maxima]

    def of(self, order: list[int], limit: float) -> float:
        """Returns the number of products, or any number past the limit as soon as it is passed."""
        position = {variable: place for place, variable in enumerate(order)}
        cliques = [0] * len(order)  # sets of positions
        maxima = sum(1 << place for place, variable in enumerate(order) if self.is_maximum[variable])
        cost = 0.0
        for place, variable in enumerate(order):
            clique = cliques[place]
            for other in self.near[variable]:
                if position[other] > place:
                    clique |= 1 << position[other]
            cost += self.powers[clique.bit_count()][((clique | 1 << place) & maxima).bit_count()]
            if cost > limit:
                break
            if clique:
                lowest = clique & -clique
                cliques[lowest.bit_length() - 1] |= clique ^ lowest
        return cost


def _anneal(kernel: _Graph, start: tuple[float, list[int]], rng: random.Random, clock: _Clock) -> list[int]:
    """Returns the best order met while single variables are moved to other places, at falling temperature."""
    size = len(kernel.near)
    costs = _Costs(
        {variable: list(_members(near)) for variable, near in kernel.near.items()},
        {variable: bool(kernel.maxima >> variable & 1) for variable in kernel.near},
        [[2.0 ** (n + 1) * 1.5**t for t in range(size + 1)] for n in range(size)],
    )
    most = min(clock.limit_seconds, _SHARE * start[0] * _SECONDS_PER_PRODUCT) / _SECONDS_PER_VISIT - clock.visits
    num_moves = int(12 * most / size)  # a variable's place in an order costs a twelfth of a visit
    order, log_cost = start[1], math.log2(start[0])
    best = log_cost, order
    for move in range(num_moves):
        temperature = _FIRST_TEMPERATURE * (_LAST_TEMPERATURE / _FIRST_TEMPERATURE) ** (move / num_moves)
        moved = _moved(order, costs.near, rng)
        limit = log_cost - temperature * math.log(1.0 - rng.random())
        found = math.log2(costs.of(moved, 2.0 ** min(limit, 1000.0)))
        if found <= limit:
            order, log_cost = moved, found
            best = min(best, (log_cost, order), key=lambda pair: pair[0])
    return best[1]


def _moved(order: list[int], near: dict[int, list[int]], rng: random.Random) -> list[int]:
    """Returns the order with one variable next to a neighbour of its own, or some places on."""
    size = len(order)
    place = rng.randrange(size)
    if rng.random() < 0.5 and near[order[place]]:
        to = order.index(rng.choice(near[order[place]])) + rng.randrange(2)
    else:
        to = place + int(rng.gauss(0, 0.1 * size))
    moved = order.copy()
    moved.insert(min(max(to, 0), size - 1), moved.pop(place))
    return moved


def _cliques(graph: _Graph, order: Sequence[int], held: int) -> list[int]:
    """Returns the set of each variable and its neighbours when it is eliminated, without the held ones."""
    left = _Graph({variable: near & ~held for variable, near in graph.near.items() if not held >> variable & 1}, 0, 0)
    return [left.eliminate(variable) | 1 << variable for variable in order]


def _cost(graph: _Graph, order: Sequence[int], held: Sequence[int]) -> Order:
    cliques = _cliques(graph, order, sum(1 << variable for variable in held))
    products = [2.0 ** graph.log_products(clique) for clique in cliques]
    without = [graph.log_entries(clique & ~(1 << variable)) for clique, variable in zip(cliques, order, strict=True)]
    slices = 2.0 ** len(held)
    return Order(
        tuple(order),
        tuple(held),
        slices * sum(products),
        sum(2.0**x for x in without),
        max(map(graph.log_entries, cliques), default=0.0),
    )


def _choose_held(graph: _Graph, order: list[int], limits: Limits, may_be_held: set[int]) -> list[int]:
    """Returns the variables to hold: again and again the one that stands in most of the entries, until they fit."""
    held: list[int] = []
    while True:
        left = [variable for variable in order if variable not in held]
        cliques = _cliques(graph, left, sum(1 << variable for variable in held))
        entries = [2.0 ** graph.log_entries(clique & ~(1 << one)) for clique, one in zip(cliques, left, strict=True)]
        if sum(entries) <= limits.max_entries or sum(entries) * 2.0 ** len(held) > _LOOSENESS * limits.max_products:
            return held
        saved: dict[int, float] = {}
        for clique, count in sorted(zip(cliques, entries, strict=True), key=lambda pair: -pair[1])[:50]:
            for variable in _members(clique):
                if variable in may_be_held:
                    saved[variable] = saved.get(variable, 0.0) + count
        if not saved:
            return held
        held.append(max(saved, key=saved.__getitem__))
