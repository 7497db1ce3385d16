"""What was shown to a model: kept as it was, and found again where it must not count any more."""

import pytest
from sqlmodel import Session, select

from store.claims import get_claim, insert_argument, known, record_belief
from store.corrections import override
from store.direct import freeze, frozen
from store.graphs import save_graph
from store.raters import get_rater
from store.shown import (
    Quote,
    bound,
    misled,
    newest_beliefs,
    note_shown,
    settled_claims,
    settled_mark,
    shown_about,
    told_beliefs,
)
from store.tables import Belief
from tests.hostile import ALL
from tests.store.factories import NOW, nails_graph

HARD, WINS = "Nails are hard.", "Jelly wins every fight."


@pytest.fixture(autouse=True)
def nails(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    get_rater(session, "chief", NOW).role = "administrator"


def settle(session: Session, key: str, prob: float | None) -> None:
    override(session, get_claim(session, key), prob, get_rater(session, "chief", NOW), NOW)


def believe(session: Session, key: str, *settled: tuple[str, bool]) -> Belief:
    claim = get_claim(session, key)
    belief = record_belief(session, claim, "g", "direct", 0.5, 1.0, NOW)
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
    assert (last.text, last.belief_id) == (ALL[0], belief.id) and len(session.exec(select(Quote)).all()) == len(ALL)


def test_settled_claims_and_when_they_change(session: Session) -> None:
    before = settled_mark(session)
    settle(session, "h", 1.0)
    settle(session, "q", 0.0)
    settle(session, "t", 0.7)
    assert [(one.text, one.is_true) for one in settled_claims(session)] == [(HARD, True), (WINS, False)]
    assert settled_mark(session) != before


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
    assert newest_beliefs(session, [told.claim_id, plain.claim_id]) == {one.claim_id: one.id for one in (told, plain)}
    freeze(session, {told.claim_id: 0.5, plain.claim_id: 0.5}, NOW)
    assert list(frozen(session)) == ["t"]
