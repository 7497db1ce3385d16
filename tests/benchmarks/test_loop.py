"""The learning experiment's parts, held against the product's own."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from argtree import Reliability, propagate
from benchmarks import loop_case, loop_run
from benchmarks.loop_arms import ARMS, Exploration
from benchmarks.loop_case import Case, RootTree, SimulatedRater
from benchmarks.loop_figures import summary, tables
from benchmarks.loop_model import SmallModel
from benchmarks.loop_run import Variant, run
from benchmarks.loop_trees import Trees, read_trees
from models import prompts
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.everyday.withheld import WEIGHTS, read_withheld
from models.everyday.world import load_world
from models.examples import Example
from models.load import load_model

TREES = Path(loop_case.__file__).parent / "loop_models" / "trees.json.gz"


@pytest.fixture(scope="module")
def trees() -> Trees:
    return read_trees(TREES)


@pytest.fixture
def case(trees: Trees, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(loop_case, "TREES", {"explore": (6, 2), "test": (3, 1), "apart": (2, 0)})
    return Case(0, WEIGHTS, load_world(), read_withheld(), read_benchmark(), trees)


def priors(tree: RootTree) -> Mapping[str, float]:
    return dict(zip(tree.plain, np.random.default_rng(0).uniform(0.05, 0.95, len(tree.plain)).tolist(), strict=True))


def test_the_small_model_believes_what_the_elicitor_reads() -> None:
    claims = [question.claim for question in read_benchmark()[:40]]
    read = [belief.mean for belief in Elicitor(load_model("bundled")).believe(claims)]
    assert SmallModel(WEIGHTS).believe(claims) == pytest.approx(read, abs=1e-4)


def test_what_is_taught_is_believed() -> None:
    model, rng = SmallModel(WEIGHTS), np.random.default_rng(0)
    taught = [Example(prompts.is_true("A nail is food or drink."), yes_prob=0.8)]
    taught += [Example(prompts.is_false("A nail is food or drink."), yes_prob=0.2)]
    for _ in range(60):
        model.learn(taught, rng)
    assert model.believe(["A nail is food or drink."])[0] == pytest.approx(0.8, abs=0.05)


def test_a_direct_belief_enters_to_its_power(case: Case) -> None:
    tree = case.explored[0]
    prior = priors(tree)
    before = tree.prob(prior, {})[tree.root]
    tree.lean_to(0.9, before, 0.5)
    odds = before / (1 - before) * (9 / (before / (1 - before))) ** 0.5
    assert tree.prob(prior, {})[tree.root] == pytest.approx(odds / (1 + odds))


def test_the_value_is_that_of_propagation(case: Case) -> None:
    tree = case.explored[1]
    prior = priors(tree)
    result = propagate(case.trees.graph([tree.root], prior))
    value = result.value("variance_reduction", Reliability(0.9, 0.9))
    found = tree.valued(prior, {}, reliability=Reliability(0.9, 0.9))
    assert found.value == pytest.approx([value[result.graph.index[claim]] for claim in tree.plain])


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "self-distillation"])
def test_every_arm_asks_only_what_may_be_asked(case: Case, arm: str) -> None:
    at = Exploration(case, {claim: prob for tree in case.explored for claim, prob in priors(tree).items()}, {})
    at.work_out()
    chosen = ARMS[arm](at, np.random.default_rng(0))
    assert chosen in ([tree.root for tree in case.explored] if arm == "final answers" else at.open_claims())


def test_a_rater_errs_at_the_stated_rate_and_always_the_same(case: Case) -> None:
    rater = SimulatedRater(case, 0.9)
    claims = [claim for claim in case.trees.arguments if case.truth(claim) is not None][:2000]
    right = np.mean([rater.answer(claim) == float(bool(case.truth(claim))) for claim in claims])
    assert right == pytest.approx(0.9, abs=0.03)
    assert rater.answer(claims[0]) == rater.answer(claims[0])


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_run, "SLOW_ROUNDS", (0, 2))
    monkeypatch.setattr(loop_run, "DIVERSITY_CLAIMS", 5)
    variant = Variant("value", labels=3)
    whole = list(run(case, variant, tmp_path / "seed-0" / "value", 2))
    killed = run(case, variant, tmp_path / "killed", 2)
    next(killed), next(killed)
    assert list(run(case, variant, tmp_path / "killed", 2)) == whole
    (tmp_path / "seed-0" / "floor.json").write_text('{"test": [0.1, 0.1], "apart": [0.1, 0.1]}')
    assert tables(summary(tmp_path))[0].row_count == 1
