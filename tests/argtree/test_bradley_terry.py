"""Strengths from comparisons, held against the posterior on a grid, closed forms and an outside implementation."""

import itertools
import math

import choix
import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import kendalltau

from argtree import bradley_terry as bt
from argtree.bradley_terry import Outcome, Tally, best_pair, laplace, standings

Said = list[tuple[int, int, Outcome]]
FEW: Said = [(0, 1, "first"), (2, 1, "second"), (0, 2, "equal"), (0, 1, "first")]


class _Grid:
    """The posterior of three things by brute force: a grid over two differences of strengths and log nu."""

    def __init__(self, said: Said, size: int) -> None:
        step = np.linspace(-9, 9, 91)
        ties = math.log(bt.TIE_ODDS) + np.linspace(-4, 4, 33)
        x, y, log_ties = np.meshgrid(step, step, ties, indexing="ij")  # s0 - s1, s1 - s2
        precision = np.linalg.inv(bt.STRENGTH_SD**2 * np.array([[2.0, -1.0], [-1.0, 2.0]]))
        log_prob = -0.5 * (precision[0, 0] * x**2 + 2 * precision[0, 1] * x * y + precision[1, 1] * y**2)
        log_prob -= 0.5 * ((log_ties - math.log(bt.TIE_ODDS)) / bt.TIE_SD) ** 2
        self.difference = {(0, 1): np.round(x, 6), (1, 2): np.round(y, 6), (0, 2): np.round(x + y, 6)}
        self.pairs = list(itertools.combinations(range(size), 2))
        self.log_ties = log_ties
        for first, second, outcome in said:
            pair, answer = ((first, second), outcome) if first < second else ((second, first), _turned(outcome))
            log_prob += np.log(self.outcome(*pair)[("first", "second", "equal").index(answer)])
        self.prob = np.exp(log_prob - log_prob.max())
        self.prob /= self.prob.sum()

    def outcome(self, first: int, second: int) -> np.ndarray:
        difference = self.difference[first, second]
        odds = np.stack([np.exp(difference / 2), np.exp(-difference / 2), np.exp(self.log_ties)])
        return np.asarray(odds / odds.sum(axis=0))

    def better(self, first: int, second: int) -> float:
        difference = self.difference[first, second]
        return float((self.prob * ((difference > 0) + 0.5 * (difference == 0))).sum())

    def gain(self, asked: tuple[int, int]) -> float:
        """How far an answer brings the entropies of all orders down, on average."""
        told = 0.0
        for pair in self.pairs:
            difference = self.difference[pair]
            above = (difference > 0) + 0.5 * (difference == 0)
            for side in (above, 1 - above):
                for of_answer in self.outcome(*asked):
                    joint = (self.prob * side * of_answer).sum()
                    told += joint * math.log(joint / (self.prob * side).sum() / (self.prob * of_answer).sum())
        return told


def _turned(outcome: Outcome) -> Outcome:
    turned: dict[Outcome, Outcome] = {"first": "second", "second": "first", "equal": "equal"}
    return turned[outcome]


@pytest.mark.parametrize("said", [[], FEW[:1], FEW[:3], FEW, FEW * 5])
def test_three_things_against_a_grid(said: Said) -> None:
    grid, found = _Grid(said, 3), standings(Tally.of(3, said))
    for number, pair in enumerate(grid.pairs):
        assert found.better_prob[pair] == pytest.approx(grid.better(*pair), abs=0.01)
        expected = (grid.prob * grid.outcome(*pair)).sum(axis=(1, 2, 3))
        assert found.outcome_prob[number] == pytest.approx(expected, abs=0.005)
        difference = (grid.prob * grid.difference[pair]).sum()
        assert found.mean[pair[0]] - found.mean[pair[1]] == pytest.approx(difference, abs=0.05)
        assert found.gain[pair] == pytest.approx(grid.gain(pair), abs=0.01)


@pytest.mark.parametrize("said", [FEW[:1], [(0, 1, "equal")], [(0, 1, "first"), (0, 1, "second"), (1, 0, "second")]])
def test_two_things_against_a_grid(said: Said) -> None:
    grid, found = _Grid(said, 2), standings(Tally.of(2, said))
    assert found.better_prob[0, 1] == pytest.approx(grid.better(0, 1), abs=0.003)
    assert found.gain[0, 1] == pytest.approx(grid.gain((0, 1)), abs=0.001)


def test_without_comparisons_stands_the_prior() -> None:
    found = standings(Tally.of(5, []))
    assert found.better_prob == pytest.approx(np.full((5, 5), 0.5), abs=0.01)
    assert found.sd == pytest.approx(np.full(5, bt.STRENGTH_SD), rel=0.02)
    assert found.gain[~np.eye(5, dtype=bool)].std() < 0.01 and np.diag(found.gain).tolist() == [0.0] * 5


def test_the_prior_lets_two_raters_agree_as_often_as_it_says() -> None:
    difference = bt.STRENGTH_SD * math.sqrt(2) * np.random.default_rng(0).normal(size=200_000)
    prob = 1 / (1 + np.exp(-difference))
    assert (prob**2 + (1 - prob) ** 2).mean() == pytest.approx(0.726, abs=0.003)


def test_many_comparisons_of_two_have_a_closed_form() -> None:
    wins, ties = np.array([[0, 60_000], [20_000, 0]]), np.array([[0, 30_000], [30_000, 0]])
    mode, covariance = laplace(Tally(wins, ties))
    assert mode[0] - mode[1] == pytest.approx(math.log(3), abs=1e-3)  # Davidson 1970: p_i / p_j = wins / losses,
    assert math.exp(mode[2]) == pytest.approx(3 / math.sqrt(12), abs=1e-3)  # nu = ties / sqrt(wins * losses)
    found = standings(Tally(wins, ties))
    assert found.outcome_prob[0] == pytest.approx([6 / 11, 2 / 11, 3 / 11], abs=1e-3)
    assert found.mean - mode[:2] == pytest.approx([0, 0], abs=0.05) and covariance[2, 2] < 1e-3


@pytest.mark.parametrize("seed", range(4))
def test_without_ties_it_is_what_choix_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bt, "TIE_ODDS", 1e-12)
    rng = np.random.default_rng(seed)
    data = [tuple(rng.choice(6, 2, replace=False).tolist()) for _ in range(4 + 8 * seed)]  # (winner, loser)
    tally, alpha = Tally.of(6, [(*pair, "first") for pair in data]), bt.STRENGTH_SD**-2
    assert laplace(tally)[0][:6] == pytest.approx(choix.opt_pairwise(6, data, alpha / 2), abs=1e-4)  # it has no 1/2
    mean, covariance = choix.ep_pairwise(6, data, alpha)
    found = standings(tally)
    assert found.mean == pytest.approx(mean, abs=0.06)
    assert found.sd == pytest.approx(np.sqrt(np.diag(covariance)), abs=0.06)


def test_the_gain_is_what_entropies_fall_by_on_average() -> None:
    """The answer is really taken in, in each of three ways, and the orders' entropies are looked at again."""

    def entropy(said: Said) -> float:
        prob = standings(Tally.of(4, said)).better_prob[np.triu_indices(4, 1)]
        return float(-(xlogy(prob, prob) + xlogy(1 - prob, 1 - prob)).sum())

    found = standings(Tally.of(4, FEW))
    outcomes: tuple[Outcome, ...] = ("first", "second", "equal")
    for number, (first, second) in enumerate(itertools.combinations(range(4), 2)):
        after = [entropy([*FEW, (first, second, outcome)]) for outcome in outcomes]
        assert found.gain[first, second] == pytest.approx(entropy(FEW) - after @ found.outcome_prob[number], abs=0.03)


def test_names_do_not_matter() -> None:
    turn: Said = [(2 - first, 2 - second, outcome) for first, second, outcome in FEW]
    one, other = standings(Tally.of(3, FEW)), standings(Tally.of(3, turn))
    assert one.better_prob == pytest.approx(other.better_prob[::-1, ::-1], abs=0.015)
    assert one.order == [2 - thing for thing in other.order] == [0, 1, 2] or one.order[0] == 0
    again = standings(Tally.of(3, FEW))
    assert np.array_equal(one.better_prob, again.better_prob) and np.array_equal(one.gain, again.gain)


def test_all_win_or_all_equal_stays_finite() -> None:
    for outcome in ("first", "equal"):
        found = standings(Tally.of(2, [(0, 1, outcome)] * 1000))  # type: ignore[list-item]
        assert np.isfinite(found.mean).all() and np.isfinite(found.gain).all()


def test_the_next_pair_is_a_close_one() -> None:
    said: Said = [(0, 1, "first"), (0, 2, "first")] * 6
    gain = standings(Tally.of(3, said)).gain
    assert best_pair(gain) == (1, 2, gain[1, 2])


def test_a_pair_that_tells_nothing_is_not_asked_again() -> None:
    known = standings(Tally.of(2, [(0, 1, "first")] * 5))
    assert known.better_prob[0, 1] > 0.98 and best_pair(known.gain) is None
    fresh = standings(Tally.of(3, [])).gain
    only = np.zeros((3, 3), dtype=bool)
    assert best_pair(fresh, only) is None
    only[0, 2] = True
    found = best_pair(fresh, only)
    assert found is not None and found[:2] == (0, 2)


@pytest.mark.parametrize(
    ("said", "fault"), [([(0, 0, "first")], "itself|with 0"), ([(0, 5, "first")], "5"), ([(0, 1, "won")], "won")]
)
def test_what_is_no_comparison_is_refused(said: Said, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Tally.of(2, said)
    with pytest.raises(ValueError, match="two"):
        Tally.of(1, [])


def test_chosen_pairs_find_the_ranking_sooner_than_random_ones() -> None:
    """A simulated rater answers by the model; Kendall's tau after ten comparisons of six things."""
    taus: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(12):
        for is_chosen in taus:
            taus[is_chosen].append(_simulated_tau(is_chosen, np.random.default_rng(seed)))
    assert np.mean(taus[True]) > np.mean(taus[False]) + 0.05


def _simulated_tau(is_chosen: bool, rng: np.random.Generator) -> float:
    truth = bt.STRENGTH_SD * rng.normal(size=6)
    said: Said = []
    for _ in range(10):
        found = best_pair(standings(Tally.of(6, said)).gain) if is_chosen else None
        first, second = found[:2] if found else rng.choice(6, 2, replace=False).tolist()
        odds = np.exp([(truth[first] - truth[second]) / 2, (truth[second] - truth[first]) / 2, math.log(0.5)])
        outcomes: tuple[Outcome, ...] = ("first", "second", "equal")
        said.append((first, second, outcomes[rng.choice(3, p=odds / odds.sum())]))
    return float(kendalltau(truth, standings(Tally.of(6, said)).mean).statistic)
