"""What an explorer learns from answers about its model's beliefs, on a real store."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scipy.special import expit, logit
from sqlalchemy import Engine
from sqlmodel import Session

from argtree.calibrating import calibration_reports, weigh
from argtree.calibration_plot import draw_calibration
from argtree.cli_calibration import calibration_report
from argtree.errors import ArgtreeError
from argtree.explorer import Explorer
from argtree.picture import Picture
from argtree.propagate import propagate
from models.calibration import LEAST_OF_EACH
from models.elicitation import Elicitor
from store import claims
from store.answers import labels
from store.corrections import override_all
from store.database import read_scope, session_scope
from store.direct import direct_weight, freeze, frozen
from store.graphs import load_graph
from store.raters import get_rater
from store.tables import Rater
from tests.store.factories import NOW, later
from tests.stores import new_store
from tests.world_model import WorldModel

QUESTION = "Would a candle survive a drop from a roof?"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return new_store(tmp_path / "store.db")


def reviewer(session: Session) -> Rater:
    rater = get_rater(session, "Rev", NOW)
    rater.role = "reviewer"
    return rater


def overconfident(engine: Engine, count: int) -> dict[str, bool]:
    """Claims of which the model is three times too sure, in log-odds; their truths by key, half of them said."""
    rng = np.random.default_rng(0)
    right = expit(rng.normal(0, 1.2, count))
    with session_scope(engine) as session:
        rows = []
        for number, prob in enumerate(expit(3 * logit(right)).tolist()):
            claim = claims.add_claim(session, f"Claim {number}.", prob, NOW)
            claims.record_belief(session, claim, "world", "direct", prob, 5.0, NOW)
            rows.append(claim.key)
        truths = dict(zip(rows, (rng.random(count) < right).tolist(), strict=True))
        said = {key: float(true) for key, true in list(truths.items())[: count // 2]}
        override_all(session, said, reviewer(session), later(10))
    return truths


def explorer_on(engine: Engine) -> Explorer:
    return Explorer(engine, Elicitor(WorldModel(0.95)), lambda: NOW + timedelta(hours=1))


def priors(engine: Engine) -> dict[str, float]:
    with read_scope(engine) as session:
        return {claim.id: claim.prior for claim in load_graph(session).claims}


def test_priors_of_unanswered_claims_follow_the_answers_and_beliefs_stay(engine: Engine) -> None:
    truths = overconfident(engine, 400)
    before, explorer = priors(engine), explorer_on(engine)
    explorer.learn_from_answers()
    after = priors(engine)
    with read_scope(engine) as session:
        said, beliefs = set(labels(session)), claims.latest_beliefs(session)
    assert len(said) == 200 and all(after[key] == before[key] for key in said)
    open_keys = [key for key in truths if key not in said]
    error = {
        name: np.mean([(prob[key] - truths[key]) ** 2 for key in open_keys])
        for name, prob in (("before", before), ("after", after))
    }
    assert error["after"] < error["before"] and all(beliefs[key].mean == before[key] for key in truths)
    root = explorer.add_question(QUESTION)  # a new claim's prior is calibrated too
    with read_scope(engine) as session:
        believed = claims.latest_beliefs(session)[root].mean
    assert priors(engine)[root] == pytest.approx(explorer.calibration.of(believed)) != believed


def test_it_learns_anew_when_enough_answers_came_and_for_another_model(engine: Engine) -> None:
    overconfident(engine, 100)
    explorer = explorer_on(engine)
    explorer.learn_from_answers()
    first = explorer.calibration
    assert first.num_true + first.num_false == 50
    _say(engine, 10)
    explorer.learn_from_answers()
    assert explorer.calibration is first  # too few are new
    _say(engine, 15)
    explorer.learn_from_answers()
    assert explorer.calibration.num_true + explorer.calibration.num_false == 75
    other = WorldModel()
    other.name = "other"
    explorer.follow(Elicitor(other))
    explorer.learn_from_answers()
    assert explorer.calibration.num_true == 0  # no belief of this one was settled


def test_an_explorer_that_is_started_again_finds_the_same_priors(engine: Engine) -> None:
    overconfident(engine, 300)
    explorer_on(engine).learn_from_answers()
    once = priors(engine)
    explorer_on(engine).learn_from_answers()
    assert priors(engine) == once


def test_few_answers_change_nothing(engine: Engine) -> None:
    overconfident(engine, 2 * LEAST_OF_EACH)
    before = priors(engine)
    explorer_on(engine).learn_from_answers()
    assert priors(engine) == before


def _say(engine: Engine, count: int) -> None:
    """Settles more claims as true and false in turn."""
    with session_scope(engine) as session:
        left = [claim.id for claim in load_graph(session).claims if claim.id not in labels(session)][:count]
        override_all(session, {key: float(place % 2) for place, key in enumerate(left)}, reviewer(session), later(20))


# --- direct beliefs in argued claims


def test_first_arguments_freeze_the_belief_beside_what_they_say(engine: Engine) -> None:
    explorer = explorer_on(engine)
    root = explorer.add_question(QUESTION)
    explorer.step()
    with read_scope(engine) as session:
        graph, kept = load_graph(session), frozen(session)
        belief = claims.latest_beliefs(session)[root].mean
    assert list(kept) == [root] and kept[root].belief == belief
    before = kept[root].marginal
    unanswered = propagate(replace(graph, direct_beliefs={}))
    assert before == pytest.approx(unanswered.root_prob[0])  # no premise is shared yet
    odds = [logit(prob) for prob in (belief, before, explorer.root_probs([root])[root])]
    assert odds[2] == pytest.approx((odds[0] + odds[1]) / 2)
    while explorer.step():
        pass
    with read_scope(engine) as session:
        assert frozen(session)[root].marginal == before


def test_weight_is_learnt_from_settled_argued_claims_and_closes_no_claim(engine: Engine) -> None:
    """Where the belief is right and the arguments know nothing, it counts in full, and nobody's word is made of it."""
    rng = np.random.default_rng(1)
    with session_scope(engine) as session:
        said = {}
        for number in range(200):
            claim, premise = (claims.add_claim(session, f"{name} {number}.", 0.5, NOW) for name in "CP")
            belief = float(expit(rng.normal(0, 2)))
            claims.record_belief(session, claim, "world", "direct", belief, 5.0, NOW)
            claims.add_argument(session, claim, "support", 0.1, [(premise, True)], "world", NOW)
            freeze(session, {claims.known(claim.id): 0.525}, NOW)
            said[claim.key] = float(rng.random() < belief)
        unsaid = [key for key in said][150:]
        told = {key: prob for key, prob in said.items() if key not in unsaid}
        override_all(session, told, reviewer(session), later(5))
    with read_scope(engine) as session:
        assert weigh(session) == (pytest.approx(1.0, abs=0.35), 150)
    explorer = explorer_on(engine)
    explorer.learn_from_answers()
    with read_scope(engine) as session:
        graph = load_graph(session)
        assert direct_weight(session) > 0.6 and set(unsaid) <= graph.direct_beliefs.keys()
        assert graph.evidence.keys().isdisjoint(unsaid) and labels(session).keys().isdisjoint(unsaid)
        claims.add_root(session, "Is it?", claims.get_claim(session, unsaid[0]), NOW)
        frontier = Picture(session, [unsaid[0]]).frontier((), dict)
    assert unsaid[0] in frontier.variances  # still to be expanded


# --- the report


def test_report_says_what_calibrating_does_to_claims_that_it_was_not_fitted_to(engine: Engine) -> None:
    overconfident(engine, 600)
    with read_scope(engine) as session:
        (report,) = calibration_reports(session)
    before, after = report.figures
    assert (report.generation, len(report.truth), report.num_simulated) == ("world", 300, 0)
    assert after.log_loss < before.log_loss and after.ece < before.ece
    assert sum(one["num_claims"] for one in report.to_json()["bins"]) == 300
    assert draw_calibration([report, report], "png").startswith(b"\x89PNG")
    assert ET.fromstring(draw_calibration([report], "svg")).tag.endswith("svg")


def test_report_in_the_terminal_and_for_programs(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, picture = str(tmp_path / "store.db"), tmp_path / "diagram.svg"
    calibration_report(store, picture, False)
    assert "No claim of which a model held a belief" in capsys.readouterr().out and not picture.exists()
    overconfident(engine, 24)
    calibration_report(store, None, False)
    assert "12 settled claims" in (said := capsys.readouterr().out) and "Not enough is settled" in said
    calibration_report(store, picture, True)
    (found,) = json.loads(capsys.readouterr().out)["generations"]
    assert found["claims"] == 12 and found["method"] == "none" and picture.read_bytes().startswith(b"<?xml")
    with pytest.raises(ArgtreeError, match="must end in .png or .svg"):
        calibration_report(store, tmp_path / "diagram.gif", False)
