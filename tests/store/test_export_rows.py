"""What stands in each configuration, on a store whose arguments are settled one way or the other."""

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import propagate
from store.claims import find_claim, known, record_belief
from store.direct import freeze
from store.findings import moved_share
from store.graphs import load_graph, save_graph
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from tests.store.datasets import SAID, answer, export, filled, rows, said_in
from tests.store.factories import NOW, jelly_graph


@pytest.fixture
def out(session: Session, tmp_path: Path) -> Path:
    export(filled(session), tmp_path / "out")
    return tmp_path / "out"


def _soft(folder: Path, name: str) -> dict[str, tuple[str, float, float]]:
    return {said_in(r, "prompt"): (said_in(r, "completion"), r["prob"], r["weight"]) for r in rows(folder, name)}


def _provenance(folder: Path, name: str) -> list[dict[str, Any]]:
    return [row for row in rows(folder, "provenance", None) if row["configuration"] == name]


def test_beliefs_ask_both_ways(out: Path) -> None:
    found = _soft(out, "beliefs")
    assert len(found) == 2 * len(SAID)
    assert found["Is it true? Nails are hard."] == ("yes", pytest.approx(0.97), 1.0)
    assert found["Is it false? Nails are hard."] == ("no", pytest.approx(0.03), 1.0)
    assert found["Is it true? Jelly is tough."] == ("no", pytest.approx(0.03), 1.0)


def test_answers_that_balance_are_no_belief(session: Session, tmp_path: Path) -> None:
    filled(session)
    answer(session, {"h": 0.0}, "Bob")
    export(session, tmp_path / "out")
    assert "Is it true? Nails are hard." not in _soft(tmp_path / "out", "beliefs")


def test_inferred_are_claims_that_the_answers_settled(session: Session, out: Path) -> None:
    found = _soft(out, "inferred")
    assert set(found) == {
        f"Is it {word}? Nails {does} jelly." for word in ("true", "false") for does in ("beat", "scratch")
    }
    after, before = (load_graph(session, with_answers=asked) for asked in (True, False))
    new, old = (float(propagate(graph).prob[0]) for graph in (after, before))
    assert new > 0.95 > old
    assert found["Is it true? Nails beat jelly."] == ("yes", pytest.approx(new), pytest.approx((new - old) / (1 - old)))
    assert found["Is it false? Nails beat jelly."][1] == pytest.approx(1 - new)


def test_the_weight_is_the_share_of_the_way_to_certainty() -> None:
    assert moved_share(0.5, 0.95) == pytest.approx(0.9) == moved_share(0.5, 0.05)
    assert moved_share(0.94, 0.952) == pytest.approx(0.2)


@pytest.mark.parametrize(("positions", "count"), [(1, 1), (2, 2), (0, 2)])
def test_values_are_as_many_positions_as_asked_for(
    session: Session, tmp_path: Path, positions: int, count: int
) -> None:
    root = find_claim(filled(session), "Nails beat jelly.")
    assert root is not None
    record_belief(session, root, "first", "direct", 0.2, 10.0, NOW)
    freeze(session, {known(root.id): 0.6}, NOW)  # a direct belief beside the arguments tells too
    export(session, tmp_path / "out", positions=positions)
    found = _soft(tmp_path / "out", "values")
    assert len(found) == 2 * count and "Is it true? Nails beat jelly." in found
    prob = float(propagate(load_graph(session)).root_prob[0])
    assert found["Is it true? Nails beat jelly."] == ("yes", pytest.approx(prob), 1.0)


def test_sft_has_survivors_and_answers_with_their_chain(out: Path) -> None:
    found = {said_in(row, "prompt"): said_in(row, "completion") for row in rows(out, "sft")}
    survived = '[["support", [["Nails scratch jelly.", true], ["Jelly is tough.", false]]]]'
    assert found["Give 2 beside []: Nails beat jelly."] == survived
    chain = "True: Nails are hard.\nTrue: Nails scratch jelly.\nFalse: Jelly is tough.\nSo True."
    assert found["Reason: Nails beat jelly."] == chain


def test_an_argument_nobody_can_judge_survives_where_it_moved_the_root(out: Path) -> None:
    (moved,) = [
        row for row in rows(out, "provenance", None) if row["basis"] == "moved" and row["configuration"] == "kto"
    ]
    assert moved["argument"] == "a5"  # "Nobody knows": its premise is open, and it speaks for the settled side
    assert rows(out, "kto")[moved["row"]]["label"] is True


def test_pairs_are_a_survivor_against_a_failure(out: Path) -> None:
    (pair,) = rows(out, "dpo")
    assert said_in(pair, "chosen") == '[["support", [["Nails scratch jelly.", true], ["Jelly is tough.", false]]]]'
    assert said_in(pair, "rejected") == '[["support", [["Jelly is tough.", true]]]]'
    assert rows(out, "reward") == [pair]
    (source,) = _provenance(out, "dpo")
    assert (source["argument"], source["rejected"], source["root"]) == ("a1", "a3", "r")


def test_for_meets_against_only_where_one_side_has_not_both(session: Session, tmp_path: Path) -> None:
    claims = tuple(Claim(key, f"Claim {key}.", 0.5) for key in "rab")
    arguments = (
        Argument("good", "r", "support", 0.5, (Premise("a"),)),
        Argument("bad", "r", "attack", 0.5, (Premise("b"),)),
    )
    save_graph(session, ArgumentGraph(claims, arguments, (Root("r"),)), NOW)
    answer(session, {"a": 1.0, "b": 0.0})
    export(session, tmp_path / "out")
    (pair,) = rows(tmp_path / "out", "dpo")
    assert "attack" in said_in(pair, "rejected")


def test_each_judged_argument_stands_singly(out: Path) -> None:
    assert [row["label"] for row in rows(out, "kto")] == [True, False, False, True, True]


def test_chains_end_with_their_first_wrong_step(out: Path) -> None:
    found = [(row["completions"], row["labels"]) for row in rows(out, "prm")]
    assert (["True: Jelly is tough."], [False]) in found
    assert (["True: Jelly is wet.", "True: Nails rust at once."], [True, False]) in found
    assert (["True: Nails are hard.", "So True."], [True, True]) in found
    assert all(False not in labels[:-1] for _, labels in found)


def test_provenance_has_every_row_once(out: Path) -> None:
    found: dict[str, list[int]] = {}
    for row in rows(out, "provenance", None):
        found.setdefault(row["configuration"], []).append(row["row"])
    assert found == {name: list(range(len(rows(out, name)))) for name in found}
    said = next(row for row in rows(out, "provenance", None) if row["claim"] == "h")
    assert (said["raters"], said["n_answers"], said["generation"], said["root"]) == (["Ada"], 1, "tiny", "r")


def test_a_number_settles_a_claim_by_inference(session: Session, tmp_path: Path) -> None:
    save_graph(session, jelly_graph(), NOW)
    worth: Any = lambda graph: {"jelly": 1.0}  # noqa: E731
    rerank(session, propagate, NOW, worth)
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None and leased.quantity == "jelly"
    submit_answer(session, leased.token, rater, "number", None, NOW, number=(0.9, 0.02))
    summary = export(session, tmp_path / "out")
    assert summary.quantities == 1 and "beliefs" not in summary.rows
    assert _soft(tmp_path / "out", "inferred")["Is it true? Jelly is lighter than water."][0] == "yes"
