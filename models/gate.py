"""Whether a generation may replace the one in use: better where it's tested, and worse on nothing guarded.

Better: its Brier score on the held-out questions, answered at once, is lower by a one-sided paired permutation test
over questions (`statistics.paired_p_value`) at level 0.05. With no difference a generation is promoted one time in
twenty. Guarded, each beyond a margin: facts once told, calibration, diversity of proposals, canaries.

Not here: who is asked what (`models.evaluate`), what is done about the verdict (`models.generations`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import BadSuiteError
from models.evaluate import Evaluation, Way, brier_gains
from models.statistics import expected_calibration_error, paired_p_value
from models.suite import CANARY, HELD_OUT, TOLD

LEVEL = 0.05  # of the test: one promotion in twenty where nothing changed, as is usual
TOLD_ACCURACY_MARGIN = 0.02  # one told fact in fifty: fine-tuning that learns anything moves a few that stood near 0.5
TOLD_BRIER_MARGIN = 0.01  # the same loss in squared error, half of it where such facts end near 0.5
ECE_MARGIN = 0.02  # 2.5 times the standard error of the bundled model's ECE on 700 questions, 0.008 by bootstrap
DIVERSITY_SHARE = 0.9  # of the old one's different premises per call: the share that the loop is to keep over rounds
CANARY_BRIER_MARGIN = 0.02  # canaries are known for sure; this is all of them at 0.86 instead of 0.99


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str  # "better", "told", "calibration", "diversity", "canaries"
    passed: bool
    said: str  # in words, with figures


@dataclass(frozen=True)
class Verdict:
    """What the gate decided."""

    promoted: bool
    reason: str  # one sentence
    p_value: float  # of the test on held-out questions
    checks: tuple[Check, ...]


def gate(new: Evaluation, old: Evaluation, *, way: Way = "fast", seed: int = 0) -> Verdict:
    """Whether `new` may replace `old`. What the suite doesn't hold (canaries, told facts) isn't guarded.

    Args:
        new: The candidate's evaluation.
        old: That of the generation in use, on the same suite.
        way: Of answering, by which the held-out questions are compared.
        seed: Of the drawn permutations.

    Raises:
        BadSuiteError: They were judged on different suites, or the suite holds no held-out questions.
    """
    gains = brier_gains(new, old, HELD_OUT, way)
    if not len(gains):
        raise BadSuiteError(f"The suite holds no question of kind {' or '.join(HELD_OUT)}: nothing can be better.")
    p_value = paired_p_value(gains, seed)
    checks = [_better(new, old, way, p_value), _told(new, old), _calibration(new, old, way)]
    checks += [_diversity(new, old), _canaries(new, old)]
    failed = [check for check in checks if not check.passed]
    if failed:
        reason = f"Rejected: {'; '.join(check.said for check in failed)}."
    else:
        reason = f"Promoted: {checks[0].said}, and worse on nothing guarded."
    return Verdict(not failed, reason, p_value, tuple(checks))


def _better(new: Evaluation, old: Evaluation, way: Way, p_value: float) -> Check:
    before, after = _brier(old, HELD_OUT, way), _brier(new, HELD_OUT, way)
    passed = p_value <= LEVEL
    figures = f"the held-out Brier score went from {before:.4f} to {after:.4f} (p = {p_value:.2g}"
    return Check("better", passed, figures + ")" if passed else f"{figures}, where at most {LEVEL} counts as better)")


def _told(new: Evaluation, old: Evaluation) -> Check:
    if not len(brier_gains(new, old, [TOLD])):
        return Check("told", True, "the suite holds no told facts")
    rights = [float(np.mean((prob > 0.5) == (truth > 0.5))) for prob, truth in (e.chosen([TOLD]) for e in (old, new))]
    briers = [_brier(evaluation, [TOLD]) for evaluation in (old, new)]
    passed = rights[0] - rights[1] <= TOLD_ACCURACY_MARGIN and briers[1] - briers[0] <= TOLD_BRIER_MARGIN
    figures = (
        f"{rights[1]:.1%} instead of {rights[0]:.1%} right, Brier score {briers[1]:.4f} instead of {briers[0]:.4f}"
    )
    return Check("told", passed, f"it {'kept' if passed else 'forgot'} told facts ({figures})")


def _calibration(new: Evaluation, old: Evaluation, way: Way) -> Check:
    before, after = (expected_calibration_error(*evaluation.chosen(HELD_OUT, way)) for evaluation in (old, new))
    passed = after - before <= ECE_MARGIN
    return Check(
        "calibration", passed, f"its calibration error {'is' if passed else 'rose to'} {after:.3f} from {before:.3f}"
    )


def _diversity(new: Evaluation, old: Evaluation) -> Check:
    before, after = old.diversity.premises_per_call, new.diversity.premises_per_call
    passed = after >= DIVERSITY_SHARE * before
    said = f"it proposes {after:.2f} different premises per call instead of {before:.2f}"
    return Check("diversity", passed, said if passed else f"{said}, less than {DIVERSITY_SHARE:.0%}")


def _canaries(new: Evaluation, old: Evaluation) -> Check:
    was, truth = old.chosen([CANARY])
    prob, _ = new.chosen([CANARY])
    if not len(prob):
        return Check("canaries", True, "the suite holds no canaries")
    flipped = int((((was > 0.5) == (truth > 0.5)) & ((prob > 0.5) != (truth > 0.5))).sum())
    briers = [_brier(evaluation, [CANARY]) for evaluation in (old, new)]
    passed = not flipped and briers[1] - briers[0] <= CANARY_BRIER_MARGIN
    figures = f"Brier score {briers[1]:.4f} instead of {briers[0]:.4f}"
    return Check("canaries", passed, f"{flipped} of {len(prob)} canaries flipped ({figures})")


def _brier(evaluation: Evaluation, kinds: Sequence[str], way: Way = "fast") -> float:
    prob, truth = evaluation.chosen(kinds, way)
    return float(np.mean((prob - truth) ** 2))
