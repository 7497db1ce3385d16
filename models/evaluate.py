"""How good a model is on a suite: every answer is kept, so that two models are compared item by item.

Ways to answer: *fast*, at once; *slow*, after exploring at a fixed budget with an empty store (closed book); *open*,
the same with the labels so far as evidence (open book). Exploring needs a store, so it is passed in (`argtree.slow`).

Not here: what is good enough to be promoted (`models.gate`), the items (`models.suite`), arithmetic
(`models.statistics`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from argtree.format import write_whole
from models.base import FloatArray
from models.elicitation import Elicitor
from models.errors import BadSuiteError
from models.statistics import Figure, bootstrap, expected_calibration_error, judged, paired_p_value
from models.suite import HELD_OUT, Item, suite_hash

Way = Literal["fast", "slow", "open"]
SlowFn = Callable[[list[str]], Sequence[float]]  # questions to probabilities
ValidFn = Callable[[str], bool]  # whether a premise says something that the model's world holds

WAYS: tuple[Way, ...] = ("fast", "slow", "open")
FORMAT = "argtree-evaluation/1"
NUM_PROPOSALS = 100  # claims about which arguments are asked for
ARGUMENTS_PER_CALL = 4  # as the explorer asks
CHUNK = 128  # prompts between two reports of progress


@dataclass(frozen=True)
class Diversity:
    """What a model has to say about a fixed sample of claims."""

    calls: int
    arguments: int  # usable ones in all
    premises: int  # different ones over the whole sample
    dropped: int  # replies and arguments that can't be used

    @property
    def premises_per_call(self) -> float:
        """Different usable premises per call: falls where the same few are said about everything."""
        return self.premises / self.calls if self.calls else 0.0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model answered to each of N items."""

    model: str
    suite: str  # its hash
    items: tuple[Item, ...]
    probs: dict[Way, FloatArray]  # [N] in [0, 1], NaN where an item was not asked that way
    diversity: Diversity
    settings: dict[str, Any]  # budgets and whatever else makes two evaluations comparable or not

    def chosen(self, kinds: Sequence[str], way: Way = "fast") -> tuple[FloatArray, FloatArray]:
        """Probabilities and truths (0 or 1) of the items of these kinds that were asked that way, both [n]."""
        prob = self.probs.get(way, np.full(len(self.items), np.nan))
        rows = np.array([item.kind in kinds for item in self.items], dtype=bool) & ~np.isnan(prob)
        return prob[rows], np.array([float(item.truth) for item in self.items])[rows]

    def figures(self, seed: int = 0) -> dict[str, dict[str, Figure]]:
        """Accuracy, Brier score and calibration error by kind and way: {"test fast": {"brier": ...}}."""
        found = {}
        for kind in dict.fromkeys(item.kind for item in self.items):
            for way in WAYS:
                prob, truth = self.chosen([kind], way)
                if len(prob):
                    found[f"{kind} {way}"] = judged(prob, truth, seed)
        return found

    def scores(self) -> dict[str, float]:
        """A few figures for the family tree."""
        found = {
            f"{kind}_{way}_brier": float(np.mean((prob - truth) ** 2))
            for kind in dict.fromkeys(item.kind for item in self.items)
            for way in WAYS
            for prob, truth in [self.chosen([kind], way)]
            if len(prob)
        }
        prob, truth = self.chosen(HELD_OUT)
        if len(prob):
            found["held_out_ece"] = expected_calibration_error(prob, truth)
        return found | {"premises_per_call": self.diversity.premises_per_call}


class Comparison(NamedTuple):
    """New against old on the same items, answered the same way: differences of Brier scores, below 0 where better."""

    kind: str
    way: Way
    difference: Figure
    p_value: float  # one-sided: how likely so much better or more is if neither model is better


def evaluate(
    elicitor: Elicitor,
    suite: Sequence[Item],
    slow_fn: SlowFn | None = None,
    open_fn: SlowFn | None = None,
    *,
    slow_questions: int | None = None,
    valid_fn: ValidFn | None = None,
    settings: dict[str, Any] | None = None,
    on_step: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> Evaluation:
    """Ask a model everything.

    Args:
        elicitor: Asks the model. For the same figures each time, one without a seed.
        suite: Items.
        slow_fn: Probabilities of questions after exploring, closed book. None: not asked.
        open_fn: The same with labels as evidence.
        slow_questions: How many of the held-out questions, and as many of the part apart, are explored; None: all.
        valid_fn: Whether a premise is one that the model's world holds; by default every usable one counts.
        settings: To keep with the evaluation.
        on_step: Called with (prompts answered, prompts in all) of the fast part.
        seed: Which items are explored and argued about.

    Raises:
        BadReplyError: The model gave no usable log-probabilities.
        ValueError: The suite is empty, or `slow_fn` gave no probabilities.
    """
    if not suite:
        raise ValueError("The suite is empty: there is nothing to ask.")
    argued = _argued(suite, seed)
    total, done = len(suite) + len(argued), 0
    fast: list[float] = []
    for start in range(0, len(suite), CHUNK):
        chunk = suite[start : start + CHUNK]
        fast += [belief.mean for belief in elicitor.believe([item.claim for item in chunk])]
        done += len(chunk)
        if on_step:
            on_step(done, total)
    diversity = _diversity(elicitor, argued, valid_fn, lambda n: on_step(done + n, total) if on_step else None)
    probs: dict[Way, FloatArray] = {"fast": np.array(fast)}
    rows = _explored(suite, slow_questions, seed)
    ways: tuple[tuple[Way, SlowFn | None], ...] = (("slow", slow_fn), ("open", open_fn))
    for way, fn in ways:
        if fn is not None:
            probs[way] = _ask_slowly(fn, suite, rows)
    return Evaluation(elicitor.model.name, suite_hash(suite), tuple(suite), probs, diversity, dict(settings or {}))


def compare(new: Evaluation, old: Evaluation, seed: int = 0) -> list[Comparison]:
    """New against old, by kind and way, for whatever both were asked.

    Raises:
        BadSuiteError: They were judged on different suites.
    """
    _check_same(new, old)
    found = []
    for kind in dict.fromkeys(item.kind for item in new.items):
        for way in WAYS:
            gains = brier_gains(new, old, [kind], way)
            if len(gains):
                low, high = bootstrap(-gains, seed)
                difference = Figure(float(-gains.mean()), low, high, len(gains))
                found.append(Comparison(kind, way, difference, paired_p_value(gains, seed)))
    return found


def brier_gains(new: Evaluation, old: Evaluation, kinds: Sequence[str], way: Way = "fast") -> FloatArray:
    """By how much the squared error of each item fell from old to new, [n], for the items that both were asked.

    Raises:
        BadSuiteError: They were judged on different suites.
    """
    _check_same(new, old)
    unasked = np.full(len(new.items), np.nan)
    truth = np.array([float(item.truth) for item in new.items])
    errors = [(e.probs.get(way, unasked) - truth) ** 2 for e in (old, new)]
    gains: FloatArray = errors[0] - errors[1]
    rows = np.array([item.kind in kinds for item in new.items], dtype=bool) & ~np.isnan(gains)
    return gains[rows]


def save_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation as JSON: its figures for people, every answer for comparisons."""
    columns = {
        way: [None if np.isnan(p) else round(float(p), 6) for p in column] for way, column in evaluation.probs.items()
    }
    figures = {
        name: {key: [*map(float, figure[:3]), figure.num_items] for key, figure in of_name.items()}
        for name, of_name in evaluation.figures().items()
    }
    content = {
        "format": FORMAT,
        "model": evaluation.model,
        "suite": evaluation.suite,
        "settings": evaluation.settings,
        "figures": figures,
        "diversity": asdict(evaluation.diversity),
        "items": [asdict(item) for item in evaluation.items],
        "probs": columns,
    }
    write_whole(path, (json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_evaluation(path: Path) -> Evaluation:
    """An evaluation as `save_evaluation` wrote it; probabilities to six digits.

    Raises:
        BadSuiteError: It can't be read as one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"its format is {content['format']!r}, not {FORMAT!r}")
        items = tuple(Item(**item) for item in content["items"])
        probs = {way: np.array(content["probs"][way], dtype=np.float64) for way in WAYS if way in content["probs"]}
        if any(column.shape != (len(items),) for column in probs.values()) or suite_hash(items) != content["suite"]:
            raise ValueError("its items and answers don't go together")
        diversity = Diversity(**content["diversity"])
        return Evaluation(content["model"], content["suite"], items, probs, diversity, content["settings"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise BadSuiteError(f"{path} is no evaluation that can be read: {exc}.") from exc


def _argued(suite: Sequence[Item], seed: int) -> list[str]:
    """A fixed sample of claims to argue about: held-out ones, or any where there are none."""
    claims = [item.claim for item in suite if item.kind in HELD_OUT] or [item.claim for item in suite]
    order = np.random.default_rng([seed, 10]).permutation(len(claims))[:NUM_PROPOSALS]
    return [claims[i] for i in order]


def _explored(suite: Sequence[Item], limit: int | None, seed: int) -> list[int]:
    """Which items are answered slowly: held-out ones and those apart that have a question, `limit` of each."""
    rng, rows = np.random.default_rng([seed, 11]), []
    for kinds in (HELD_OUT, ("apart",)):
        of_kind = [i for i, item in enumerate(suite) if item.kind in kinds and item.question]
        rows += [of_kind[i] for i in sorted(rng.permutation(len(of_kind))[:limit])]
    return rows


def _ask_slowly(slow_fn: SlowFn, suite: Sequence[Item], rows: Sequence[int]) -> FloatArray:
    said = np.asarray(slow_fn([suite[i].question for i in rows]), dtype=np.float64)
    if said.shape != (len(rows),) or not ((said >= 0) & (said <= 1)).all():
        raise ValueError(f"slow_fn gave no {len(rows)} probabilities")
    prob = np.full(len(suite), np.nan)
    prob[list(rows)] = said
    return prob


def _diversity(
    elicitor: Elicitor, claims: Sequence[str], valid_fn: ValidFn | None, on_step: Callable[[int], None]
) -> Diversity:
    arguments = dropped = 0
    premises: set[str] = set()
    for start in range(0, len(claims), CHUNK // 4):
        chunk = claims[start : start + CHUNK // 4]
        for proposal in elicitor.propose_many([(claim, ()) for claim in chunk], ARGUMENTS_PER_CALL):
            dropped += proposal.dropped
            for argument in proposal.arguments:
                texts = [premise.text for premise in argument.premises]
                is_valid = valid_fn is None or all(map(valid_fn, texts))
                arguments, dropped = arguments + is_valid, dropped + (not is_valid)
                premises.update(" ".join(text.casefold().split()) for text in texts if is_valid)
        on_step(start + len(chunk))
    return Diversity(len(claims), arguments, len(premises), dropped)


def _check_same(new: Evaluation, old: Evaluation) -> None:
    if new.suite != old.suite:
        raise BadSuiteError(f"{new.model} and {old.model} were judged on different suites: evaluate both on one.")
