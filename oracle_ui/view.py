"""What a rater sees, as frozen values made of the store's rows and a propagation. Pure.

Not here: HTML (`theme`), the database (`sitting`), widgets (`app`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from argtree.distributions import typical
from argtree.evidence import TRUSTED_RATER, Reliability, answer_likelihood, is_settled
from argtree.graph import Argument, ArgumentGraph, Claim, Polarity
from argtree.propagate import Propagation
from argtree.quantities import beliefs
from store.drafts import Typed
from store.paths import Step, paths_to_root
from store.queue import LeasedQuestion

Left = Literal["", "skipped", "flagged", "held"]
"""How a question was left that was not answered; held: flagged, and asked of nobody until a reviewer has decided."""
MAX_RUNGS = 8  # of a chain; longer ones are folded in the middle
_UNIT = "\u00a0%"  # the space must not break the line
_IMPLAUSIBLE = 1e-6  # a number is not expected beyond the values that it passes with this probability
_NOTICEABLE = 1e-4  # a root that moved less than this stayed where it was


@dataclass(frozen=True)
class Companion:
    """Another premise of the same argument."""

    text: str
    holds: bool  # False: the argument needs it to be false


@dataclass(frozen=True)
class Rung:
    """One argument on the way from the claim up to the root, and what it concludes."""

    polarity: Polarity
    holds: bool  # False: the argument needs the claim below to be false
    companions: tuple[Companion, ...]
    conclusion: str  # the text of the claim that it is about; of the root: the question
    prob: float  # posterior of the conclusion
    skipped: int = 0  # arguments left out just below this one


@dataclass(frozen=True)
class Stake:
    """The root that the asked claim decides most."""

    question: str  # the root's, as somebody asked it
    prob: float  # posterior of the root now
    if_yes: float  # ... after a yes
    if_no: float  # ... after a no
    rungs: tuple[Rung, ...]  # from the claim up; none if the claim is the root or does not lie under it
    is_root: bool  # the asked claim is this root itself
    others: int  # how many other roots an answer would move


@dataclass(frozen=True)
class QuestionView:
    """A question as it is put to a rater."""

    token: str
    claim: str  # text
    prob: float  # posterior
    stake: Stake | None  # None: an answer moves no root, or that is not known
    trouble: str = ""  # a sentence, where it could not be worked out what is at stake
    gold: str | None = None  # the claim's id where the rater is tried; not for their eyes
    typed: Typed = Typed()  # what the rater typed about it before, and did not hand in


@dataclass(frozen=True)
class NumberView:
    """A question about a quantity as it is put to a rater."""

    token: str
    quantity: str  # its id
    text: str  # what the number is
    unit: str
    expected: float  # median of what is known of it
    spread: float  # half the width of the central 68 % of that
    claims: tuple[str, ...]  # texts of the claims that rest on it
    roots: tuple[tuple[str, float], ...] = ()  # text and posterior of the roots that those bear on, most moved first
    plausible: tuple[float, float] = (-math.inf, math.inf)  # it lies in here but for one time in a million each side
    typed: Typed = Typed()  # what the rater typed about it before, and did not hand in

    @property
    def usual_error(self) -> float:
        """The error that a rater's number is taken to have unless they say otherwise: a tenth of the spread."""
        return float(f"{self.spread / 10:.1g}")

    def doubt(self, number: float, error: float) -> str:
        """Returns a sentence that asks for a second look at a number far from what is expected, "" for others."""
        low, high = self.plausible
        if low <= number + 3 * error and number - 3 * error <= high:
            return ""
        said, expected = (with_unit(f"{one:.6g}", self.unit) for one in (number, self.expected))
        return (
            f"{said} is far from the {expected} that the model expects: a slip, or another unit? "
            "If you mean it, give it again."
        )


@dataclass(frozen=True)
class NothingView:
    """There is no question for this rater."""

    held: int  # open questions that others are looking at
    passed: int  # open questions that this rater has answered with "can't say"


@dataclass(frozen=True)
class Move:
    """A root that an answer moved."""

    question: str
    before: float
    after: float


@dataclass(frozen=True)
class Effect:
    """What an answer did."""

    said: str  # "yes", "no", a percentage, a number, or why it was not answered
    claim: str  # text of the claim or the quantity
    moves: tuple[Move, ...]  # farthest first
    trouble: str = ""  # a sentence, where the answer was saved but could not be propagated
    settled: int = 0  # other claims, roots aside, of which nobody has said anything and that it put beyond doubt
    left: Left = ""


def see_question(
    leased: LeasedQuestion,
    result: Propagation,
    questions: Mapping[str, str],
    reliability: Reliability = TRUSTED_RATER,
) -> QuestionView:
    """Returns the question with what is at stake.

    Args:
        leased: what the rater holds.
        result: a propagation of the whole store; if it does not know the claim yet, nothing is at stake.
        questions: the question of each root, by its claim's key; a root without one shows its claim.
        reliability: of the rater.
    """
    assert leased.claim is not None and leased.prob is not None, "a quantity: see_number"
    row = result.graph.index.get(leased.claim)
    if row is None:
        return QuestionView(leased.token, leased.text, leased.prob, None)
    prob = min(max(float(result.prob[row]), 0.0), 1.0)  # rounding may leave [0, 1]
    stake = _stake(leased.claim, prob, result, questions, reliability)
    return QuestionView(leased.token, leased.text, prob, stake, gold=leased.claim if leased.is_gold else None)


def see_number(
    leased: LeasedQuestion, graph: ArgumentGraph, result: Propagation | None, questions: Mapping[str, str]
) -> NumberView:
    """Returns the question about a quantity with what is known of it, measurements taken in.

    Args:
        leased: what the rater holds.
        graph: of the whole store, which has the quantity.
        result: its propagation; None where it can't be propagated, and then no roots are named.
        questions: as of `see_question`.
    """
    (quantity,) = (one for one in graph.quantities if one.id == leased.quantity)
    belief = beliefs(graph)[quantity.id]
    expected, spread = typical(belief)
    low, high = belief.ppf(np.array([_IMPLAUSIBLE, 1 - _IMPLAUSIBLE])).tolist()
    claims = [claim for claim in graph.claims if quantity.id in claim.quantities]
    roots = () if result is None else _roots_moved(claims, result, questions)
    texts = tuple(claim.text for claim in claims)
    return NumberView(
        leased.token, quantity.id, quantity.text, quantity.unit, expected, spread, texts, roots, (low, high)
    )


def _roots_moved(
    claims: Sequence[Claim], result: Propagation, questions: Mapping[str, str]
) -> tuple[tuple[str, float], ...]:
    graph = result.graph
    moved = [np.abs(result.influence.of_claim(graph.index[claim.id])) for claim in claims]
    most = np.max(moved, axis=0, initial=0.0) * np.array([root.weight for root in graph.roots])
    rows = [int(row) for row in np.argsort(-most, kind="stable") if most[row] >= _NOTICEABLE]
    roots = [graph.roots[row].claim for row in rows]
    return tuple((_root_text(graph, root, questions), float(result.prob[graph.index[root]])) for root in roots)


def with_unit(number: str, unit: str) -> str:
    """Returns a number with its unit, if it has one."""
    return f"{number} {unit}" if unit else number


def see_effect(
    said: str, claim: str, before: Propagation | None, after: Propagation, questions: Mapping[str, str]
) -> Effect:
    """Returns what an answer did to the roots and other claims; nothing of those that were not there before it."""
    if before is None:
        return Effect(said, claim, ())
    moves = [
        Move(
            _root_text(after.graph, root.claim, questions),
            float(before.prob[before.graph.index[root.claim]]),
            float(after.prob[after.graph.index[root.claim]]),
        )
        for root in after.graph.roots
        if root.claim in before.graph.index
    ]
    moved = [move for move in moves if abs(move.after - move.before) >= _NOTICEABLE]
    moves_first = tuple(sorted(moved, key=lambda move: -abs(move.after - move.before)))
    return Effect(said, claim, moves_first, settled=_num_settled(before, after))


def _num_settled(before: Propagation, after: Propagation) -> int:
    """Returns how many claims became beyond doubt that nobody said anything of, roots left out."""
    graph = after.graph
    told = {root.claim for root in graph.roots} | set(graph.evidence)
    there = before.graph.index
    rows = [(there[one], row) for one, row in graph.index.items() if one in there and one not in told]
    return sum(is_settled(float(after.prob[new])) and not is_settled(float(before.prob[old])) for old, new in rows)


def percents(*probs: float) -> tuple[str, ...]:
    """Returns probabilities as people read them, with just enough decimals (at most two) to tell them apart.

    What is neither 0 nor 1 is never shown as 0 % or 100 %.
    """
    distinct = len({round(prob, 5) for prob in probs})
    shown: tuple[str, ...] = ()
    for decimals in range(3):
        shown = tuple(_percent(prob, decimals) for prob in probs)
        if len(set(shown)) >= distinct:
            break
    return shown


def _percent(prob: float, decimals: int) -> str:
    least = 10**-decimals
    if 0 < prob and prob * 100 < least / 2:
        return f"<{least:.{decimals}f}{_UNIT}"
    if prob < 1 and (1 - prob) * 100 < least / 2:
        return f">{100 - least:.{decimals}f}{_UNIT}"
    return f"{prob * 100:.{decimals}f}{_UNIT}"


def _stake(
    claim: str, prob: float, result: Propagation, questions: Mapping[str, str], reliability: Reliability
) -> Stake | None:
    roots = result.graph.roots
    difference = result.influence.of_claim(result.graph.index[claim])
    spans = [root.weight * abs(float(one)) for root, one in zip(roots, difference, strict=True)]
    if max(spans, default=0.0) <= 0:
        return None
    best = spans.index(max(spans))
    if_true, if_false = (float(one[best]) for one in result.roots_given(claim))
    root = roots[best].claim
    steps = paths_to_root(result.graph, root).get(claim, ())
    return Stake(
        question=_root_text(result.graph, root, questions),
        prob=float(result.prob[result.graph.index[root]]),
        if_yes=_after_answer(1.0, prob, if_true, if_false, reliability),
        if_no=_after_answer(0.0, prob, if_true, if_false, reliability),
        rungs=_folded(_rungs(steps, result, questions)),
        is_root=claim == root,
        others=sum(span >= _NOTICEABLE for span in spans) - (spans[best] >= _NOTICEABLE),
    )


def _after_answer(said_prob: float, prob: float, if_true: float, if_false: float, reliability: Reliability) -> float:
    """Returns P(root | evidence, the answer): raters can err, so a yes does not make the claim certain."""
    l0, l1 = answer_likelihood(said_prob, reliability)
    after = l1 * prob / (l1 * prob + l0 * (1 - prob))
    return after * if_true + (1 - after) * if_false


def _rungs(steps: tuple[Step, ...], result: Propagation, questions: Mapping[str, str]) -> tuple[Rung, ...]:
    graph = result.graph
    rungs = [
        Rung(
            polarity=step.argument.polarity,
            holds=step.holds,
            companions=_companions(step.argument, step.claim, graph),
            conclusion=graph.claims[graph.index[step.argument.conclusion]].text,
            prob=float(result.prob[graph.index[step.argument.conclusion]]),
        )
        for step in steps
    ]
    if rungs:
        root = steps[-1].argument.conclusion
        rungs[-1] = replace(rungs[-1], conclusion=_root_text(graph, root, questions))
    return tuple(rungs)


def _companions(argument: Argument, claim: str, graph: ArgumentGraph) -> tuple[Companion, ...]:
    return tuple(
        Companion(graph.claims[graph.index[premise.claim]].text, premise.holds)
        for premise in argument.premises
        if premise.claim != claim
    )


def _folded(rungs: tuple[Rung, ...]) -> tuple[Rung, ...]:
    """Returns at most MAX_RUNGS of them, the lowest and the highest."""
    skipped = len(rungs) - MAX_RUNGS
    if skipped <= 0:
        return rungs
    low = MAX_RUNGS // 2
    first, *rest = rungs[low + skipped :]
    return (*rungs[:low], replace(first, skipped=skipped), *rest)


def _root_text(graph: ArgumentGraph, root: str, questions: Mapping[str, str]) -> str:
    return questions.get(root) or graph.claims[graph.index[root]].text
