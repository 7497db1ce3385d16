"""What was shown to a model: kept as it was, and found again where it must not count any more."""

import pytest
from sqlmodel import Session, select

from store.claims import get_claim, insert_argument, known, record_belief
from store.corrections import override
from store.direct import freeze, frozen
from store.graphs import save_graph
from store.raters import get_rater
from store.shown import (
    ShownPassage,
    bound,
    last_recorded,
    misled,
    note_shown,
    settled_claims,
    shown_about,
    told_beliefs,
    told_below,
    touches_shown,
)
from store.tables import Argument, Belief
from tests.hostile import ALL
from tests.store.factories import NOW, later, nails_graph

HARD, WINS = "Nails are hard.", "Jelly wins every fight."


@pytest.fixture(autouse=True)
def nails(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    get_rater(session, "chief", NOW).role = "administrator"


def settle(session: Session, key: str, prob: float | None) -> None:
    override(session, get_claim(session, key), prob, get_rater(session, "chief", NOW), NOW)


def believe(session: Session, key: str, *settled: tuple[str, bool], seconds: float = 0) -> Belief:
    claim = get_claim(session, key)
    belief = record_belief(session, claim, "g", "direct", 0.5, 1.0, later(seconds))
    note_shown(session, known(claim.id), belief.id, settled, [], "g", NOW)
    return belief


def ids(session: Session, keys: str) -> set[int]:
    return {known(get_claim(session, key).id) for key in keys}


def test_what_was_shown_is_found_again_in_its_order(session: Session) -> None:
    belief, claim = believe(session, "q", (HARD, True), ("Nobody says this.", True)), get_claim(session, "q")
    note_shown(session, known(claim.id), None, [], [(text, line, text) for line, text in enumerate(ALL)], "h", NOW)
    note_shown(session, known(claim.id), belief.id, [], [(ALL[0], 0, ALL[0])], "h", NOW)
    first, *others, last = shown_about(session, claim)
    assert (first.belief_id, first.claim, first.text, first.is_true) == (belief.id, "h", HARD, True)
    assert [(one.file, one.line, one.text) for one in others] == [(text, n, text) for n, text in enumerate(ALL)]
    assert (last.text, last.belief_id) == (ALL[0], belief.id) and len(session.exec(select(ShownPassage)).all()) == len(
        ALL
    )


def test_settled_claims_are_those_beyond_doubt(session: Session) -> None:
    settle(session, "h", 1.0)
    settle(session, "q", 0.0)
    settle(session, "t", 0.7)
    assert [(one.text, one.is_true) for one in settled_claims(session)] == [(HARD, True), (WINS, False)]


def test_what_bears_on_a_claim_by_arguments(session: Session) -> None:
    assert bound(session, get_claim(session, "s")) == ids(session, "rsh")
    assert bound(session, get_claim(session, "q")) == ids(session, "q")
    assert bound(session, None, ["s", "q"]) == ids(session, "rsq") and bound(session, None) == set()


def test_belief_is_misled_while_what_it_was_told_is_not_so(session: Session) -> None:
    settle(session, "h", 1.0)
    believe(session, "q", (HARD, True))
    believe(session, "s", (HARD, False))  # argued: another prior counts
    assert misled(session) == []
    for prob in (0.0, None, 0.7):
        settle(session, "h", prob)
        assert misled(session) == ["q"]
    believe(session, "q")
    assert misled(session) == []


def test_newest_belief_goes_by_its_time(session: Session) -> None:
    believe(session, "q", (HARD, True), seconds=9)
    believe(session, "q", seconds=8)
    assert misled(session) == ["q"]
    believe(session, "q", seconds=9)
    assert misled(session) == []


def test_belief_is_misled_once_what_it_was_told_rests_on_it(session: Session) -> None:
    settle(session, "s", 1.0)
    believe(session, "q", ("Nails scratch jelly.", True))
    insert_argument(session, *ids(session, "h"), "support", 0.5, [(*ids(session, "q"), True)], "g", NOW)
    assert misled(session) == ["q"]
    settle(session, "q", 1.0)  # a model may have been trained on what people said
    assert misled(session) == []


def test_belief_that_was_told_of_answers_is_not_frozen(session: Session) -> None:
    settle(session, "h", 1.0)
    told, plain = believe(session, "q", (HARD, True)), believe(session, "t")
    assert told_beliefs(session, [told.claim_id, plain.claim_id]) == {told.id}
    assert last_recorded(session, [told.claim_id, plain.claim_id]) == {one.claim_id: one.id for one in (told, plain)}
    freeze(session, {told.claim_id: 0.5, plain.claim_id: 0.5}, NOW)
    assert list(frozen(session)) == ["t"]


def test_what_rests_on_a_claim_that_was_told_of_answers(session: Session) -> None:
    assert told_below(session, ids(session, "rshtq")) == set()
    believe(session, "h", (WINS, True))
    assert told_below(session, ids(session, "rshtq")) == ids(session, "rsh") and told_below(session, []) == set()


def test_arguments_touch_what_was_shown_where_it_rests_on_their_conclusions(session: Session) -> None:
    newest = max(known(one.id) for one in session.exec(select(Argument)))
    believe(session, "q", ("Nails scratch jelly.", True))
    assert touches_shown(session, 0) and not touches_shown(session, newest)
    insert_argument(session, *ids(session, "t"), "support", 0.5, [(*ids(session, "q"), True)], "g", NOW)
    assert not touches_shown(session, newest)
    insert_argument(session, *ids(session, "h"), "support", 0.5, [(*ids(session, "q"), True)], "g", NOW)
    assert touches_shown(session, newest)
