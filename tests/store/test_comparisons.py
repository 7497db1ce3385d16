"""Pairs of arguments, what raters say of them, and how the arguments then stand."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from store.claims import get_claim
from store.comparisons import (
    ComparisonKind,
    ShownPair,
    last_comparison,
    next_pair,
    submit_comparison,
    take_back,
)
from store.corrections import TAKE_BACK_SECONDS
from store.errors import ComparisonError
from store.graphs import save_graph
from store.raters import get_rater
from store.roles import count_again, pause
from store.tables import Argument as ArgumentRow
from store.tables import Comparison, ComparisonRetraction, Rater
from store.tournaments import ShownArgument, better_prob, claim_standings, standing_comparisons, tournaments
from tests.store.datasets import answer
from tests.store.factories import NOW, later


def argued(*counts: int) -> ArgumentGraph:
    """Claims c0, c1, ... with so many arguments each, from premises of their own; every second one attacks."""
    claims, arguments = [], []
    for number, count in enumerate(counts):
        claims.append(Claim(f"c{number}", f"Claim {number}.", 0.5))
        for one in range(count):
            key = f"{number}-{one}"
            claims.append(Claim(f"p{key}", f"Premise {key}.", 0.5))
            polarity = "attack" if one % 2 else "support"
            arguments.append(Argument(f"a{key}", f"c{number}", polarity, 0.5, (Premise(f"p{key}", one % 3 != 0),)))
    return ArgumentGraph(tuple(claims), tuple(arguments), (Root("c0"),))


@pytest.fixture
def ada(session: Session) -> Rater:
    return get_rater(session, "Ada", NOW)


def _say(session: Session, rater: Rater, kind: ComparisonKind, seconds: float = 0) -> ShownPair | None:
    shown = next_pair(session, rater, later(seconds))
    if shown is not None:
        submit_comparison(session, rater, shown, kind, later(seconds))
    return shown


def _keys(shown: ShownPair | None) -> set[str]:
    return set() if shown is None else {shown.first.key, shown.second.key}


def _prefer(session: Session, rater: Rater, best: list[str]) -> int:
    """Says by a list of keys, the best first, which argument is better until nothing is left; how often."""
    count = 0
    while (shown := next_pair(session, rater, NOW)) is not None:
        is_first = best.index(shown.first.key) < best.index(shown.second.key)
        submit_comparison(session, rater, shown, "first" if is_first else "second", NOW)
        count += 1
    return count


def test_nothing_to_compare(session: Session, ada: Rater) -> None:
    save_graph(session, argued(1, 0, 1), NOW)
    assert next_pair(session, ada, NOW) is None


def test_the_largest_tournament_comes_first_and_shows_words(session: Session, ada: Rater) -> None:
    save_graph(session, argued(2, 4, 3), NOW)
    shown = next_pair(session, ada, NOW)
    assert shown is not None and shown.claim == "Claim 1." and shown.gain > 0.1
    for one in (shown.first, shown.second):
        number = int(one.key[-1])
        assert one.premises == ((f"Premise 1-{number}.", number % 3 != 0),)
        assert one.polarity == ("attack" if number % 2 else "support")
    assert next_pair(session, ada, later(5)) == ShownPair(
        shown.token, shown.claim, shown.first, shown.second, shown.gain, later(5)
    )


def test_a_rater_judges_a_pair_once_and_others_judge_it_too(session: Session, ada: Rater) -> None:
    save_graph(session, argued(2), NOW)
    first = _say(session, ada, "cannot_say")
    assert first is not None and next_pair(session, ada, NOW) is None
    bob = get_rater(session, "Bob", NOW)
    assert _keys(_say(session, bob, "first")) == _keys(first)
    assert next_pair(session, bob, NOW) is None


def test_what_many_agree_on_is_not_asked_again(session: Session) -> None:
    save_graph(session, argued(2), NOW)
    asked = 0
    for number in range(9):
        rater = get_rater(session, f"Rater {number}", NOW)
        shown = next_pair(session, rater, NOW)
        if shown is not None:
            asked += 1
            submit_comparison(session, rater, shown, "first" if shown.first.key == "a0-0" else "second", NOW)
    assert 2 <= asked <= 4


def test_an_argument_that_settled_premises_refute_is_not_compared(session: Session, ada: Rater) -> None:
    save_graph(session, argued(3, 2), NOW)
    answer(session, {"p0-1": 0.0, "p1-1": 0.6})  # refutes a0-1 alone: a1-1's premise is not settled
    pairs = [_keys(_say(session, ada, "equal")) for _ in range(3)]
    assert pairs == [{"a0-0", "a0-2"}, {"a1-0", "a1-1"}, set()]


def test_which_side_an_argument_is_on_is_drawn_for_each_rater(session: Session) -> None:
    save_graph(session, argued(2), NOW)
    shown = [next_pair(session, get_rater(session, f"Rater {number}", NOW), NOW) for number in range(40)]
    firsts = [one.first.key for one in shown if one is not None]
    assert 10 <= firsts.count("a0-0") <= 30


def test_a_tournament_finds_the_ranking_without_all_its_pairs(session: Session, ada: Rater) -> None:
    save_graph(session, argued(8), NOW)
    best = [f"a0-{number}" for number in (3, 0, 7, 1, 6, 2, 5, 4)]
    assert _prefer(session, ada, best) <= 28
    (standing,) = claim_standings(session, get_claim(session, "c0"))
    assert [one.argument.key for one in standing] == best
    assert standing[0].strength > 1 and all(one.comparisons > 0 for one in standing)


def test_many_arguments_make_several_tournaments(session: Session, ada: Rater) -> None:
    save_graph(session, argued(11), NOW)
    pairs = []
    for _ in range(45):
        pairs.append(_keys(_say(session, ada, "equal")))
    parts = [{f"a0-{number}" for number in some} for some in (range(8), range(8, 11))]
    assert (
        all(any(pair <= part for part in parts) for pair in pairs)
        and len(claim_standings(session, get_claim(session, "c0"))) == 2
    )
    assert len(set(map(frozenset, filter(None, pairs)))) == len(list(filter(None, pairs)))
    assert [len(part) for part in tournaments(range(17))] == [8, 8]


def test_handing_in_twice_is_handing_in_once(session: Session, ada: Rater) -> None:
    save_graph(session, argued(3), NOW)
    shown = next_pair(session, ada, NOW)
    assert shown is not None
    one = submit_comparison(session, ada, shown, "first", later(4), "because \ud800")
    again = submit_comparison(session, ada, shown, "second", later(9))
    assert again.id == one.id and again.kind == "first" and len(session.exec(select(Comparison)).all()) == 1
    assert (one.shown_at, one.answered_at, one.note) == (NOW, later(4), "'because \\ud800'")
    with pytest.raises(ComparisonError, match="somebody else"):
        submit_comparison(session, get_rater(session, "Bob", NOW), shown, "first", NOW)
    with pytest.raises(ValueError, match="better"):
        submit_comparison(session, ada, shown, "better", NOW)  # type: ignore[arg-type]


def test_arguments_about_two_claims_are_not_compared(session: Session, ada: Rater) -> None:
    save_graph(session, argued(2, 3), NOW)
    one = next_pair(session, ada, NOW)
    assert one is not None
    other = ShownPair("forged", one.claim, one.first, ShownArgument("a0-0", "support", ()), 1.0, NOW)
    with pytest.raises(ComparisonError, match="two arguments"):
        submit_comparison(session, ada, other, "first", NOW)


def test_the_last_one_can_be_taken_back_for_a_while(session: Session, ada: Rater) -> None:
    save_graph(session, argued(3), NOW)
    first, second = _say(session, ada, "first", 0), _say(session, ada, "second", 10)
    assert first is not None and second is not None
    with pytest.raises(ComparisonError, match="Only your last"):
        take_back(session, ada, first.token, later(20))
    for _ in range(2):  # the second click changes nothing
        assert take_back(session, ada, second.token, later(20)).token == second.token
    again = next_pair(session, ada, later(30))
    assert _keys(again) == _keys(second) and again is not None and again.token != second.token
    last = last_comparison(session, ada, later(30))
    assert last is not None and last.token == first.token
    late = NOW + timedelta(seconds=TAKE_BACK_SECONDS + 1)
    assert last_comparison(session, ada, late) is None
    with pytest.raises(ComparisonError, match="10 minutes"):
        take_back(session, ada, first.token, late)
    with pytest.raises(ComparisonError, match="taken this comparison back"):
        submit_comparison(session, ada, second, "first", later(40))
    assert len(session.exec(select(ComparisonRetraction)).all()) == 1


def test_what_was_taken_back_counts_for_nothing(session: Session, ada: Rater) -> None:
    save_graph(session, argued(2), NOW)
    shown = _say(session, ada, "first")
    assert shown is not None
    rows = {one.key: one for one in session.exec(select(ArgumentRow))}
    first, second = rows[shown.first.key], rows[shown.second.key]
    assert better_prob(session, first, second) == pytest.approx(0.81, abs=0.01)
    assert better_prob(session, second, first) == pytest.approx(0.19, abs=0.01)
    take_back(session, ada, shown.token, NOW)
    assert better_prob(session, first, second) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("table", ["comparison", "comparisonretraction"])
def test_comparisons_are_append_only(session: Session, ada: Rater, table: str) -> None:
    save_graph(session, argued(2), NOW)
    shown = _say(session, ada, "first")
    assert shown is not None
    take_back(session, ada, shown.token, NOW)
    for act in (
        f"DELETE FROM {table}",
        f"UPDATE {table} SET {'id = id' if table == 'comparison' else 'comparison_id = comparison_id'}",
    ):
        with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
            session.execute(text(act))


def test_every_pair_of_a_claim_is_asked_before_any_twice(session: Session, ada: Rater) -> None:
    save_graph(session, argued(4), NOW)
    pairs = [_keys(_say(session, ada, "equal")) for _ in range(7)]
    wanted = [{f"a0-{i}", f"a0-{j}"} for i, j in itertools.combinations(range(4), 2)]
    assert pairs[-1] == set() and all(pair in pairs for pair in wanted)


def test_comparisons_go_with_their_raters_dismissed_answers_and_come_back(session: Session) -> None:
    save_graph(session, argued(3), NOW)
    rater = get_rater(session, "Ada", NOW)
    pair = next_pair(session, rater, NOW)
    assert pair is not None
    submit_comparison(session, rater, pair, "first", NOW)
    pause(session, rater, "A test.", None, later(1), dismiss_answers=True)
    assert session.exec(standing_comparisons()).all() == []
    count_again(session, rater, "A mistake.", None, later(2))
    assert len(session.exec(standing_comparisons()).all()) == 1
