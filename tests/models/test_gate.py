"""The gate: what lets a generation through, what stops it, and how often it errs where nothing changed."""

import numpy as np
import pytest

from models.errors import BadSuiteError
from models.evaluate import Diversity, Evaluation
from models.gate import LEVEL, gate
from models.suite import Item, suite_hash

TRUTH = np.arange(400) % 2 == 0
KINDS = ["validation"] * 300 + ["told"] * 80 + ["canary"] * 20
ITEMS = [Item("", f"Claim {i}.", bool(t), kind) for i, (t, kind) in enumerate(zip(TRUTH, KINDS, strict=True))]
KIND = np.array(KINDS)


def evaluation(sure: float = 0.8, premises: int = 500, items: list[Item] = ITEMS, **of_kind: float) -> Evaluation:
    """A model that gives the truth `sure` on held-out questions, three in four right, and 0.99 on what it was told."""
    prob = np.where(KIND == "validation", sure, 0.99)
    for kind, value in of_kind.items():
        prob[kind == KIND] = value
    prob = np.where(TRUTH, prob, 1 - prob)
    wrong = (np.arange(400) % 8 < 2) & (KIND == "validation")
    prob = np.where(wrong, 1 - prob, prob)[: len(items)]
    return Evaluation("m", suite_hash(items), tuple(items), {"fast": prob}, Diversity(100, 400, premises, 0), {})


OLD = evaluation(0.6)


def test_better_and_worse_on_nothing_is_promoted() -> None:
    verdict = gate(evaluation(0.75), OLD)
    assert verdict.promoted and verdict.p_value < 0.01
    assert verdict.reason.startswith("Promoted: the held-out Brier score went from 0.2107 to 0.1892")
    assert all(check.passed for check in verdict.checks)


def test_no_better_is_rejected() -> None:
    verdict = gate(OLD, OLD)
    assert not verdict.promoted and verdict.p_value == 1.0
    assert "p = 1, where at most 0.05 counts as better" in verdict.reason


def test_each_guard_stops_what_is_better() -> None:
    told = evaluation(0.75, told=0.99)
    told.probs["fast"][300:303] = 1 - told.probs["fast"][300:303]  # three of eighty
    canary = evaluation(0.75)
    canary.probs["fast"][399] = 1 - canary.probs["fast"][399]
    stopped = {
        "told": told,
        "canaries": canary,
        "diversity": evaluation(0.75, premises=449),
    }
    for name, new in stopped.items():
        verdict = gate(new, OLD)
        assert not verdict.promoted and [c.name for c in verdict.checks if not c.passed] == [name]
    assert "1 of 20 canaries flipped" in gate(canary, OLD).reason
    assert "4.49 different premises per call instead of 5.00" in gate(stopped["diversity"], OLD).reason
    assert gate(evaluation(0.75, premises=450), OLD).promoted
    assert not gate(evaluation(0.75, canary=0.8), OLD).promoted  # none flipped, all less sure
    assert not gate(evaluation(0.75, told=0.85), OLD).promoted


def test_calibration_is_guarded() -> None:
    old, new = evaluation(0.7), evaluation(0.7)
    right = (np.arange(400) % 8 >= 2) & (KIND == "validation")
    new.probs["fast"][right] = np.where(TRUTH, 0.99, 0.01)[right]  # better by Brier, far too sure of some
    verdict = gate(new, old)
    assert verdict.p_value < LEVEL and not verdict.promoted and "calibration error rose" in verdict.reason


def test_wrong_canary_of_the_old_one_is_no_flip() -> None:
    old, new = evaluation(0.6), evaluation(0.75)
    for one in (old, new):
        one.probs["fast"][399] = 1 - one.probs["fast"][399]
    assert gate(new, old).promoted


def test_chance_alone_promotes_about_one_in_twenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.statistics.NUM_PERMUTATIONS", 999)
    rng, promoted = np.random.default_rng(3), 0
    items = ITEMS[:100]  # nothing to forget
    for number in range(200):
        old, new = evaluation(0.65, items=items), evaluation(0.65, items=items)
        for one in (old, new):
            one.probs["fast"] = np.clip(one.probs["fast"] + rng.normal(0, 0.1, 100), 0.01, 0.99)
        promoted += gate(new, old, seed=number).p_value <= LEVEL
    assert 0.015 <= promoted / 200 <= 0.095  # the standard error is 1.5 %


def test_suites_that_cannot_decide() -> None:
    with pytest.raises(BadSuiteError, match="different suites"):
        gate(evaluation(0.75, items=ITEMS[:300]), OLD)
    items = [Item("", "Claim 0.", True, "told")]
    with pytest.raises(BadSuiteError, match="no question of kind test or validation"):
        gate(evaluation(items=items), evaluation(items=items))
