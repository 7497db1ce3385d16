"""Figures worked out by hand, intervals that cover, comparisons that pair, and files that come back."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from models.elicitation import Elicitor
from models.errors import BadSuiteError
from models.evaluate import Diversity, Evaluation, brier_gains, compare, evaluate, read_evaluation, save_evaluation
from models.everyday.world import Statement, load_world
from models.statistics import bootstrap, expected_calibration_error, paired_p_value
from models.suite import Item, suite_hash
from tests.world_model import WorldModel

GREASY = load_world().text(Statement("greasy", ("a candle",)))


def evaluation(probs: Sequence[float], items: Sequence[Item], premises: int = 100) -> Evaluation:
    return Evaluation(
        "m", suite_hash(items), tuple(items), {"fast": np.array(probs)}, Diversity(50, 60, premises, 0), {}
    )


def items_of(truths: Sequence[bool], kind: str = "test") -> list[Item]:
    return [Item("", f"Claim {i}.", bool(truth), kind) for i, truth in enumerate(truths)]


def test_figures_by_hand() -> None:
    found = evaluation([0.9, 0.6, 0.2, 0.3], items_of([True, False, False, True])).figures()["test fast"]
    assert found["accuracy"].value == 2 / 4
    assert found["brier"].value == pytest.approx((0.01 + 0.36 + 0.04 + 0.49) / 4)
    assert found["brier"].value == pytest.approx(brier_score_loss([1, 0, 0, 1], [0.9, 0.6, 0.2, 0.3]))
    assert found["ece"].value == pytest.approx((0.1 + 0.6 + 0.2 + 0.7) / 4)  # each in a bin of its own
    assert all(figure.low <= figure.value <= figure.high and figure.num_items == 4 for figure in found.values())


def test_calibration_error_by_hand() -> None:
    prob = np.array([0.05, 0.05, 0.95, 0.95])
    assert expected_calibration_error(prob, np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0


def test_intervals_cover_the_mean_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        low, high = bootstrap(rng.beta(0.5, 3.0, size=100), seed=int(rng.integers(1_000_000)))
        covered += low <= 0.5 / 3.5 <= high
    assert 0.91 <= covered / 300 <= 0.98  # 95 % asked for; the standard error is 1.3 %


def test_paired_test_keeps_its_level_and_sees_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.statistics.NUM_PERMUTATIONS", 999)
    rng = np.random.default_rng(1)
    p_values = [paired_p_value(rng.standard_t(3, size=60), seed=i) for i in range(200)]
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.09
    assert paired_p_value(rng.normal(0.5, 1.0, size=60)) < 0.05
    assert paired_p_value(np.zeros(5)) == paired_p_value(np.empty(0)) == 1.0
    assert paired_p_value(np.ones(5)) == pytest.approx(1 / 32)  # of all 32 signs one is as good


def test_comparison_is_item_by_item_and_says_which_way() -> None:
    items = [*items_of([True] * 30), *items_of([False] * 3, "told")]
    old, new = evaluation([0.6] * 33, items), evaluation([0.7] * 30 + [0.8] * 3, items)
    better, worse = compare(new, old)
    assert (better.kind, better.way, better.difference.num_items) == ("test", "fast", 30)
    assert better.difference.value == pytest.approx(0.09 - 0.16) and better.p_value < 0.001
    assert worse.difference.value == pytest.approx(0.64 - 0.36) and worse.p_value == 1.0
    with pytest.raises(BadSuiteError, match="different suites"):
        compare(new, evaluation([0.6] * 30, items[:30]))


def test_only_what_both_were_asked_is_compared() -> None:
    items = items_of([True] * 4)
    old, new = evaluation([0.5] * 4, items), evaluation([0.5] * 4, items)
    old.probs["slow"], new.probs["slow"] = np.array([0.5, 0.5, np.nan, 0.5]), np.array([0.5, 1.0, 0.5, np.nan])
    assert brier_gains(new, old, ["test"], "slow").tolist() == [0.0, 0.25]
    assert not len(brier_gains(new, old, ["test"], "open"))


def test_asking_a_model_that_knows_the_world() -> None:
    items = [
        Item("Would a candle survive a drop from a roof?", "A candle would survive a drop from a roof.", False, "test"),
        Item("", GREASY, False, "told"),
    ]
    asked: list[list[str]] = []
    steps: list[tuple[int, int]] = []

    def slow(questions: list[str]) -> list[float]:
        asked.append(questions)
        return [0.25] * len(questions)

    found = evaluate(
        Elicitor(WorldModel()), items, slow, slow, valid_fn=lambda text: True, on_step=lambda *n: steps.append(n)
    )
    assert asked == [[items[0].question]] * 2 and steps[-1] == (3, 3)
    assert found.probs["slow"][0] == found.probs["open"][0] == 0.25 and np.isnan(found.probs["slow"][1])
    assert found.diversity.calls == 1 and found.diversity.premises >= found.diversity.arguments > 0
    none = evaluate(Elicitor(WorldModel()), items, valid_fn=lambda text: False)
    assert none.diversity.premises_per_call == 0 and none.diversity.dropped == found.diversity.arguments


def test_slow_answers_must_be_probabilities() -> None:
    items = [Item("Is it?", GREASY, False)]
    for bad in ([], [1.5], [float("nan")]):
        with pytest.raises(ValueError, match="no 1 probabilities"):
            evaluate(Elicitor(WorldModel()), items, lambda questions, bad=bad: bad)
    with pytest.raises(ValueError, match="empty"):
        evaluate(Elicitor(WorldModel()), [])


def test_evaluation_comes_back_from_its_file(tmp_path: Path) -> None:
    found = evaluation([0.123456, 0.5], items_of([True, False]))
    found.probs["slow"] = np.array([np.nan, 0.75])
    save_evaluation(found, tmp_path / "evaluation.json")
    back = read_evaluation(tmp_path / "evaluation.json")
    assert (back.model, back.suite, back.items, back.diversity) == ("m", found.suite, found.items, found.diversity)
    np.testing.assert_array_equal(back.probs["slow"], found.probs["slow"])
    np.testing.assert_array_equal(back.probs["fast"], found.probs["fast"])


@pytest.mark.parametrize("change", [{"format": "x"}, {"suite": "x"}, {"probs": {"fast": [0.5]}}, {"items": [{}]}])
def test_damaged_evaluation_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "evaluation.json"
    save_evaluation(evaluation([0.1, 0.5], items_of([True, False])), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadSuiteError, match="no evaluation that can be read"):
        read_evaluation(path)
