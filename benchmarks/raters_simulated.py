"""Simulated crowds with raters who mean harm or do not look: who is paused, and what that does to the labels.

Every rater here is simulated. Honest ones have a sensitivity and a specificity drawn from Beta(16, 4), and answers that
take a log-normal time around 12 s. Each rater gives 50 answers: 45 about open claims, each asked of five raters, and 5
to gold questions in between. Every 10 answers the crowd is fitted anew to what has been said so far by those who are
not paused, and whoever gives reason to is paused: answers given so far are left out, and there are no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from argtree.answers import Answers, gather
from argtree.checks import reasons_to_pause
from argtree.crowd import Crowd, fit_with_prior

BoolArray = npt.NDArray[np.bool_]

ANSWERS_EACH = 50
LOOK_EVERY = 10
OPEN_BASE, GOLD = 0.4, 50  # share of true claims; gold questions that there are

WAYS = {
    "wrong": "all say what is wrong",
    "mostly wrong": "all say the same, wrong on 80 % of the claims",
    "wrong but on gold": "wrong, but they know the gold questions",
    "same coin": "all say the same, right by chance",
    "wrong on a fifth": "all wrong on the same 20 % of the claims, else right",
    "always yes": "each says yes to everything",
    "alternating": "each says yes and no by turns",
    "fast coin": "each flips a coin in half a second",
}
"""What raters who are not honest do."""


@dataclass(frozen=True)
class Setting:
    """A simulated crowd, but for the seed."""

    way: str  # of `WAYS`
    raters: int = 50
    dishonest: int = 10  # the first so many
    answers_per_claim: int = 5
    gold_each: int = 5  # gold questions among a rater's answers


@dataclass(frozen=True)
class Said:
    """One answer."""

    claim: str
    rater: str
    prob: float
    seconds: float


@dataclass(frozen=True)
class Simulated:
    """A crowd's answers, in the order in which each rater gave them, and the truth."""

    setting: Setting
    truth: BoolArray  # open claims first, then gold
    by_rater: tuple[tuple[Said, ...], ...]
    rates: npt.NDArray[np.float64]  # [W, 2] true sensitivity and specificity of the honest; NaN for others

    @property
    def dishonest(self) -> frozenset[str]:
        """Who of the raters is not honest."""
        return frozenset(f"rater {row}" for row in range(self.setting.dishonest))

    @property
    def num_open(self) -> int:
        """How many claims are not gold."""
        return len(self.truth) - GOLD

    @cached_property
    def gold(self) -> Mapping[str, bool]:
        """The gold questions' truths."""
        return {f"claim {row}": bool(self.truth[row]) for row in range(self.num_open, len(self.truth))}

    def answers(self, first: int, leave_out: frozenset[str]) -> Answers:
        """The first so many answers of each rater, but for those left out."""
        return gather(
            (s.claim, s.rater, s.prob) for of in self.by_rater for s in of[:first] if s.rater not in leave_out
        )

    def accuracy(self, crowd: Crowd) -> float:
        """Share of open claims labelled right; one that nobody has answered counts as half right."""
        prob = dict(zip(crowd.answers.claims, crowd.prob.tolist(), strict=True))
        found = np.array([prob.get(f"claim {row}", 0.5) for row in range(self.num_open)])
        right = np.where(found == 0.5, 0.5, (found > 0.5) == self.truth[: self.num_open])
        return float(right.mean())


def simulate(setting: Setting, seed: int) -> Simulated:
    """Draws a crowd."""
    rng = np.random.default_rng(seed)
    own = ANSWERS_EACH - setting.gold_each
    num_open = own * setting.raters // setting.answers_per_claim
    truth = rng.random(num_open + GOLD) < OPEN_BASE
    rates = rng.beta(16, 4, (setting.raters, 2))
    rates[: setting.dishonest] = np.nan
    asked = np.concatenate([rng.permutation(num_open) for _ in range(setting.answers_per_claim)])
    said = agreed(setting.way, truth, num_open, rng)
    by_rater = []
    for row in range(setting.raters):
        gold = num_open + rng.choice(GOLD, setting.gold_each, replace=False)
        claims = rng.permutation(np.concatenate([asked[row * own : (row + 1) * own], gold]))
        honest = row >= setting.dishonest
        says = _honest(truth[claims], rates[row], rng) if honest else _dishonest(setting.way, claims, said, rng)
        fast = not honest and setting.way == "fast coin"
        seconds = rng.lognormal(np.log(0.5 if fast else 12.0), 0.6, len(claims))
        answers = zip(claims.tolist(), says.tolist(), seconds.tolist(), strict=True)
        by_rater.append(tuple(Said(f"claim {claim}", f"rater {row}", float(yes), took) for claim, yes, took in answers))
    return Simulated(setting, truth, tuple(by_rater), rates)


def _honest(truth: BoolArray, rates: npt.NDArray[np.float64], rng: np.random.Generator) -> BoolArray:
    right = rng.random(len(truth)) < np.where(truth, rates[0], rates[1])
    return truth == right


def agreed(way: str, truth: BoolArray, num_open: int, rng: np.random.Generator) -> BoolArray:
    """What those who collude have agreed to say of each claim."""
    wrong_share = {
        "wrong": 1.0,
        "mostly wrong": 0.8,
        "wrong but on gold": 1.0,
        "same coin": 0.5,
        "wrong on a fifth": 0.2,
    }
    wrong = rng.random(len(truth)) < wrong_share.get(way, 0.0)
    if way == "wrong but on gold":
        wrong[num_open:] = False
    return truth ^ wrong


def _dishonest(way: str, claims: npt.NDArray[np.intp], agreed: BoolArray, rng: np.random.Generator) -> BoolArray:
    if way == "always yes":
        return np.ones(len(claims), dtype=np.bool_)
    if way == "alternating":
        return np.arange(len(claims)) % 2 == 0
    return rng.random(len(claims)) < 0.5 if way == "fast coin" else agreed[claims]


@dataclass(frozen=True)
class Outcome:
    """What became of one simulated crowd."""

    found: float  # share of the dishonest who were paused
    honest_paused: float  # share of the honest who were
    answers_before: float  # mean number of answers that the paused dishonest had given; NaN for none
    accuracy: float  # of the labels, those paused being left out
    accuracy_unpaused: float  # with everybody's answers
    accuracy_honest: float  # with the answers of the honest alone
    covered: float  # share of the honest's true rates inside their 90 % intervals


def watch(crowd: Simulated) -> Outcome:
    """Lets the raters answer, pauses who gives reason to, and compares the labels with the truth."""
    paused: dict[str, int] = {}
    for given in range(LOOK_EVERY, ANSWERS_EACH + 1, LOOK_EVERY):
        while new := _to_pause(crowd, given, frozenset(paused)):  # a group loses its members' support as they go
            paused.update(dict.fromkeys(new, given))
    fitted = _fit(crowd, frozenset(paused))
    found = crowd.dishonest & paused.keys()
    honest = len(crowd.by_rater) - len(crowd.dishonest)
    return Outcome(
        len(found) / len(crowd.dishonest) if crowd.dishonest else float("nan"),
        (len(paused) - len(found)) / honest,
        float(np.mean([paused[rater] for rater in found])) if found else float("nan"),
        crowd.accuracy(fitted),
        crowd.accuracy(_fit(crowd, frozenset())),
        crowd.accuracy(_fit(crowd, crowd.dishonest)),
        _covered(crowd, fitted),
    )


def _fit(crowd: Simulated, leave_out: frozenset[str]) -> Crowd:
    return fit_with_prior(crowd.answers(ANSWERS_EACH, leave_out), gold=crowd.gold)


def _to_pause(crowd: Simulated, given: int, paused: frozenset[str]) -> list[str]:
    fitted = fit_with_prior(crowd.answers(given, paused), gold=crowd.gold)
    without_own, answers, new = fitted.prob_without_own(), fitted.answers, []
    for row, of in enumerate(crowd.by_rater):
        if (rater := f"rater {row}") not in paused:
            own = without_own[answers.rater == answers.raters.index(rater)]
            seconds = [said.seconds for said in of[:given]]
            if reasons_to_pause(fitted.raters[rater], [said.prob for said in of[:given]], own.tolist(), seconds):
                new.append(rater)
    return new


def _covered(crowd: Simulated, fitted: Crowd) -> float:
    inside = []
    for rater, known in fitted.raters.items():
        rates = crowd.rates[int(rater.split()[1])]
        for beta, rate in zip((known.sensitivity, known.specificity), rates, strict=True):
            if not np.isnan(rate):
                inside.append(beta.quantile(0.05) <= rate <= beta.quantile(0.95))
    return float(np.mean(inside))
