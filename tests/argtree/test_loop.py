"""The loop's rounds with a small fake school: killed and continued, with people and simulated, and what it refuses."""

import json
import multiprocessing
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import Session, select

from argtree.cli_loop import _finish
from argtree.explorer import utc_now
from argtree.loop_asking import effects
from argtree.loop_school import _scores
from argtree.loop_state import STEPS, LoopError, RoundState, StateFile
from models.evaluate import Diversity, Evaluation
from models.everyday.oracle import RATER, SimulatedOracle
from models.everyday.world import load_world
from models.suite import Item, suite_hash
from store import queue
from store.database import open_store, read_scope, session_scope
from store.graphs import load_graph
from store.raters import get_rater
from store.tables import Answer, Belief, Claim
from tests.argtree import loop_driver
from tests.argtree.loop_driver import SETTINGS, SmallSchool

QUESTION = "Would a candle survive a drop from a roof?"


def outcome(folder: Path) -> dict[str, Any]:
    """Everything that a loop leaves behind, but for times and names drawn at random."""
    with read_scope(open_store(str(folder / "argtree.db"))) as session:
        texts = {claim.id: claim.text for claim in session.exec(select(Claim))}
        answers = [(texts[one.claim_id], one.kind, one.prob_before) for one in session.exec(select(Answer))]
        beliefs = [(texts[one.claim_id], one.generation, one.kind, one.mean) for one in session.exec(select(Belief))]
        graph = load_graph(session)
    state = json.loads((folder / "loop" / "state.json").read_text())
    for one in state["rounds"]:
        for record in one["done"].values():
            del record["seconds"]
    school = SmallSchool(folder / "generations")
    generations = [school.get(number) | {"tag": None} for number in school.numbers()]
    return {
        "answers": answers,
        "beliefs": beliefs,
        "graph": graph,
        "rounds": state["rounds"],
        "generations": generations,
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole")
    loop_driver.run(folder)
    return outcome(folder)


def test_a_loop_does_every_step_of_every_round(whole: dict[str, Any]) -> None:
    assert [list(one["done"]) for one in whole["rounds"]] == [list(STEPS)] * 2
    assert [len(one["done"]["ask"]["answers"]) for one in whole["rounds"]] == [3, 3]
    assert [one["done"]["promote"]["promoted"] for one in whole["rounds"]] == [True, False]
    assert [one.get("parent") for one in whole["generations"]] == [None, 0, 1]
    assert all(60 <= one["done"]["explore"]["calls"] < 100 for one in whole["rounds"])


def test_second_round_renews_the_beliefs_of_the_first(whole: dict[str, Any]) -> None:
    answered = {text for text, _, _ in whole["answers"][:3]}
    first = {text for text, name, kind, _ in whole["beliefs"] if (name, kind) == ("generation:0", "direct")}
    second = {text for text, name, kind, _ in whole["beliefs"] if (name, kind) == ("generation:1", "direct")}
    assert first - answered <= second and not answered & second


@pytest.mark.parametrize("kill_at", [11, 26, 41])
def test_killed_again_and_again_it_ends_as_if_it_had_not_been(
    whole: dict[str, Any], tmp_path: Path, kill_at: int
) -> None:
    """Every process is killed at its n-th trace on the disk, so that the instants fall all over the rounds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.argtree.loop_driver"])
    killed = 0
    while True:
        process = context.Process(target=loop_driver.run_until, args=(tmp_path, kill_at + killed % 3))
        process.start()
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL and killed < 60
        killed += 1
    assert killed >= 3
    assert outcome(tmp_path) == whole


def test_more_rounds_go_on_after_the_last(whole: dict[str, Any], tmp_path: Path) -> None:
    loop_driver.run(tmp_path, replace(SETTINGS, rounds=1))
    loop_driver.run(tmp_path)
    assert outcome(tmp_path) == whole
    loop_driver.run(tmp_path)
    assert outcome(tmp_path) == whole


def test_people_are_waited_for_and_can_not_say_does_not_count(tmp_path: Path) -> None:
    said = iter(["yes", "cannot_say", "no"])

    def somebody_answers() -> None:
        with session_scope(open_store(str(tmp_path / "argtree.db"))) as session:
            rater = get_rater(session, "ada", utc_now())
            asked = queue.next_question(session, rater, utc_now())
            assert asked is not None
            queue.submit_answer(session, asked.token, rater, next(said), None, utc_now())  # type: ignore[arg-type]

    settings = replace(SETTINGS, rounds=1, oracle="queue", answers=2, questions=(QUESTION,), new_roots=0)
    state = loop_driver.run(tmp_path, settings, pause_fn=somebody_answers)
    asked = state.rounds[0].done["ask"]
    assert [one["kind"] for one in asked["effects"]] == ["yes", "cannot_say", "no"]
    assert asked["given"] == 2 and asked["tally"] is None and next(said, None) is None


def test_effects_add_up_to_what_all_answers_did(tmp_path: Path) -> None:
    state = loop_driver.run(tmp_path, replace(SETTINGS, rounds=1, new_roots=3, budget=150))
    engine = open_store(str(tmp_path / "argtree.db"))
    from argtree.loop_asking import answers_since
    from argtree.propagate import propagate

    told = effects(engine, 0, answers_since(engine, 0))
    assert told == state.rounds[0].done["ask"]["effects"]
    with read_scope(engine) as session:
        graph = load_graph(session)
    result = propagate(graph)
    shown = [move["after"] for move in told[-1]["moves"]]
    now = [result.prob[graph.index[root.claim]] for root in graph.roots]
    assert shown and all(any(after == pytest.approx(prob) for prob in now) for after in shown)


def test_simulated_answers_stand_under_their_own_name_and_are_counted(whole: dict[str, Any], tmp_path: Path) -> None:
    loop_driver.run(tmp_path, replace(SETTINGS, rounds=1))
    with Session(open_store(str(tmp_path / "argtree.db"))) as session:
        rater = get_rater(session, RATER, utc_now())
        answers = list(session.exec(select(Answer)))
    assert answers and all(one.rater_id == rater.id and one.note == "Simulated." for one in answers)
    tally = whole["rounds"][0]["done"]["ask"]["tally"]
    assert tally["asked"] == 3 and tally["wrong"] == 0
    assert SimulatedOracle().tally([("The moon is cheese.", "cannot_say")]).cannot_say == 1
    assert load_world().parse(whole["answers"][0][0]) is not None


def test_what_was_begun_otherwise_is_refused(tmp_path: Path) -> None:
    loop_driver.run(tmp_path, replace(SETTINGS, rounds=1))
    with pytest.raises(LoopError, match="begun with oracle 'simulated'"):
        loop_driver.run(tmp_path, replace(SETTINGS, oracle="queue"))


def test_two_loops_in_one_folder_are_refused(tmp_path: Path) -> None:
    with StateFile(tmp_path / "loop").held(), pytest.raises(LoopError, match="Another loop"):
        loop_driver.run(tmp_path)


def test_damaged_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop" / "state.json").write_text('{"format": "argtree-loop/1"')
    with pytest.raises(LoopError, match="damaged"):
        loop_driver.run(tmp_path)


def test_nothing_to_explore_is_told(tmp_path: Path) -> None:
    with pytest.raises(LoopError, match="nothing to explore"):
        loop_driver.run(tmp_path, replace(SETTINGS, new_roots=0))


def test_labels_at_the_start_of_a_round_are_those_at_the_end_of_the_last(whole: dict[str, Any]) -> None:
    first, second = [one["done"]["ask"] for one in whole["rounds"]]
    assert first["labels_before"] == 0 and second["labels_before"] == first["labels"]


def test_what_was_promoted_while_people_were_asked_is_taught_and_judged_against(tmp_path: Path) -> None:
    def somebody_is_busy() -> None:
        (tmp_path / "generations" / "5.json").write_text('{"status": "promoted"}')
        with session_scope(open_store(str(tmp_path / "argtree.db"))) as session:
            rater = get_rater(session, "ada", utc_now())
            asked = queue.next_question(session, rater, utc_now())
            assert asked is not None
            queue.submit_answer(session, asked.token, rater, "yes", None, utc_now())

    settings = replace(SETTINGS, rounds=1, oracle="queue", answers=1, questions=(QUESTION,), new_roots=0)
    done = loop_driver.run(tmp_path, settings, pause_fn=somebody_is_busy).rounds[0].done
    school = SmallSchool(tmp_path / "generations")
    assert done["explore"]["generation"] == 0
    assert school.get(done["finetune"]["number"])["parent"] == done["evaluate"]["in_use"] == 5


def test_fewer_rounds_asked_for_than_begun_end_in_words(
    whole: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = loop_driver.run(tmp_path, replace(SETTINGS, rounds=1))
    state.rounds.append(RoundState(2))
    _finish(state, SmallSchool(tmp_path / "generations"), None, as_json=False)
    assert "1 round, 1 promoted; generation" in capsys.readouterr().out


def test_held_out_kinds_are_scored_together_as_the_gate_judges_them() -> None:
    items = tuple(Item("", f"{kind}.", True, kind) for kind in ("test", "validation", "told"))
    diversity = Diversity(1, 1, 1, 0)
    scores = _scores(Evaluation("m", suite_hash(items), items, {"fast": np.array([1.0, 0.0, 0.5])}, diversity, {}))
    assert (scores["fast"]["brier"]["value"], scores["fast"]["brier"]["count"]) == (0.5, 2)
    assert "told fast" in scores["others"] and "slow" not in scores
