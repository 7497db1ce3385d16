"""The learning experiment's parts, held against the product's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from argtree import Reliability, propagate
from benchmarks import loop_case, loop_run
from benchmarks.loop_arms import ARMS, Exploration
from benchmarks.loop_case import Case, SimulatedRater
from benchmarks.loop_figures import summary, tables
from benchmarks.loop_model import SmallModel
from benchmarks.loop_run import Variant, run
from benchmarks.loop_trees import Trees, own_trees, read_trees
from models import prompts
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.everyday.withheld import WEIGHTS, read_withheld
from models.everyday.world import load_world
from models.examples import Example
from models.load import load_model
from models.replay import sayable

TREES = Path(loop_case.__file__).parent / "loop_models" / "trees.json.gz"


@pytest.fixture(scope="module")
def trees() -> Trees:
    return read_trees(TREES)


@pytest.fixture(scope="module")
def case(trees: Trees) -> Case:
    questions = [question for question in read_benchmark() if question.claim in trees.arguments]
    few = {"explore": 200, "test": 6, "apart": 3}
    kept = [q for part, n in few.items() for q in [q for q in questions if q.part == part][:n]]
    return Case(0, WEIGHTS, load_world(), read_withheld(), kept, trees)


def priors(case: Case) -> dict[str, float]:
    drawn = np.random.default_rng(0).uniform(0.05, 0.95, len(case.plain))
    return dict(zip(case.plain, drawn.tolist(), strict=True))


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


def test_trees_solved_side_by_side_are_as_propagation_solves_them(case: Case) -> None:
    grove, prior, sharp = case.explored, priors(case), Reliability(0.9, 0.9)
    assert len(grove.roots) > 20
    grove.lean = np.random.default_rng(1).uniform(0.1, 1, (len(grove.roots), 2))
    found = grove.solve(prior, reliability=sharp)
    for number in range(0, len(grove.roots), 7):
        root, one = grove.roots[number], found[number]
        alike = [n for n in found if grove._shape[n] == grove._shape[number]]
        residual = {
            claim: float(np.mean([case.trees.residual[grove.argued[n][place]] for n in alike]))
            for place, claim in enumerate(grove.argued[number])
        }
        graph = case.trees.graph(grove.claims[number], prior | residual, [root])
        result = propagate(replace(graph, evidence={root: tuple(grove.lean[number])}))
        rows = [graph.index[claim] for claim in grove.plain[number]]
        # plain claims are as likely as before the direct belief in the root for the one, after it for the other
        assert one.prob == pytest.approx(result.prob[graph.index[root]])
        assert [one.argued[c] for c in grove.argued[number]] == pytest.approx(
            [result.prob[graph.index[c]] for c in grove.argued[number]]
        )
        assert one.difference == pytest.approx(result.difference[0, rows], abs=1e-7)
        assert one.value == pytest.approx(result.value("variance_reduction", sharp)[rows], abs=1e-7)
    grove.lean = np.ones((len(grove.roots), 2))


def test_a_direct_belief_that_counts_in_full_is_the_posterior(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_case, "START_WEIGHT", 1.0)
    same, model = replace(case), SmallModel(WEIGHTS)
    for part, grove in same.groves.items():
        grove.lean = same.lean[part]
        plain = list({claim for of in grove.plain for claim in of})
        found = grove.solve(dict(zip(plain, model.believe(plain).tolist(), strict=True)))
        assert [one.prob for one in found.values()] == pytest.approx(model.believe(grove.roots), abs=1e-4)


def test_the_worlds_own_trees_are_the_models_but_for_its_slips(case: Case, trees: Trees) -> None:
    own = own_trees(case.world, [question.claim for question in case.questions])
    both = [claim for claim, of in own.arguments.items() if of and trees.arguments.get(claim)]
    alike = [set(own.arguments[claim]) == set(trees.arguments[claim]) for claim in both]
    assert len(alike) > 400 and np.mean(alike) > 0.9


def test_noise_moves_a_rule_alike_in_every_tree(case: Case, trees: Trees) -> None:
    noisy = trees.with_noise(1.0, np.random.default_rng(0), case.world)
    hard = [c for c in trees.arguments if c.endswith(" is hard.") and case.world.parse(c)]
    strengths = {tuple(a.strength for a in noisy.arguments[c]) for c in hard}
    assert len(hard) > 50 and len(strengths) < 0.1 * len(hard)  # as many as there are slips
    assert strengths.isdisjoint(tuple(a.strength for a in trees.arguments[c]) for c in hard)


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm != "self-distillation"])
def test_every_arm_asks_only_what_may_be_asked(case: Case, arm: str) -> None:
    at = Exploration(case, priors(case), {})
    at.work_out()
    chosen = ARMS[arm](at, np.random.default_rng(0))
    assert chosen in (case.explored.roots if arm == "final answers" else at.open_claims())


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
    monkeypatch.setattr(loop_run, "TOLD_SAMPLE", 40)
    monkeypatch.setattr(loop_run, "NUM_WORDINGS", 20)
    monkeypatch.setattr(loop_case, "sayable", lambda *world: list(sayable(*world))[::50])
    variant = Variant("value", labels=3)
    whole = list(run(case, variant, tmp_path / "seed-0" / "value", 2))
    killed = run(case, variant, tmp_path / "killed", 2)
    next(killed), next(killed)
    assert list(run(case, variant, tmp_path / "killed", 2)) == whole
    (tmp_path / "seed-0" / "floor.json").write_text('{"test": [0.1, 0.1], "apart": [0.1, 0.1]}')
    assert tables(summary(tmp_path))[0].row_count == 1
