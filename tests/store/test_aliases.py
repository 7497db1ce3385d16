"""Wordings that say what a claim says: one claim, until the merge is undone; and then nothing is lost."""

import pytest
from sqlmodel import Session, select

from argtree.graph import ArgumentGraph
from argtree.graph import Claim as GraphClaim
from store.aliases import add_alias, claims_after, list_merges, note_wordings, unbelieved, undo_merge
from store.answers import labels
from store.claims import add_argument, add_claim, add_root, content_hash, find_claim, known, record_belief
from store.errors import DuplicateTextError, MergeError
from store.graphs import load_graph, save_graph
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.tables import Alias, Argument, Claim, Premise
from tests.store.factories import NOW, later, priors_only

SHARP, KEEN = "The knife is sharp.", "The knife has a keen edge."


def merged(session: Session) -> tuple[Claim, Alias, Argument]:
    """A root with two reasons; the second rests on a stored claim in other words, and on another claim."""
    root, sharp, wet = (add_claim(session, text, 0.5, NOW) for text in ("It cuts.", SHARP, "The bread is wet."))
    add_root(session, "Does it cut?", root, NOW)
    record_belief(session, sharp, "m", "direct", 0.8, 5.0, NOW)
    add_argument(session, root, "support", 0.9, [(sharp, True)], "m", NOW)
    alias = add_alias(session, sharp, KEEN, "m", 0.97, 0.95, NOW)
    argument = add_argument(session, root, "support", 0.7, [(sharp, True), (wet, False)], "m", NOW)
    assert alias is not None and argument is not None
    note_wordings(session, known(argument.id), [KEEN, "The bread is wet."])
    return sharp, alias, argument


def premise_claims(session: Session, argument: Argument) -> list[int]:
    query = select(Premise).where(Premise.argument_id == argument.id).order_by(Premise.position)  # type: ignore[arg-type]
    return [premise.claim_id for premise in session.exec(query)]


def test_claim_is_found_by_its_other_wording(session: Session) -> None:
    sharp, alias, _ = merged(session)
    assert find_claim(session, "the knife has a KEEN edge") is sharp
    assert add_claim(session, KEEN, 0.1, NOW) is sharp
    assert add_alias(session, sharp, KEEN, "other", 0.9, 0.9, NOW) is alias
    assert (merge := list_merges(session)[0]).premises == 1 and merge.claim_text == SHARP and merge.undone_at is None


def test_text_of_a_claim_becomes_no_alias(session: Session) -> None:
    sharp, *_ = merged(session)
    assert add_alias(session, sharp, "The bread is wet!", "m", 0.99, 0.99, NOW) is None


def test_undone_the_wording_is_a_claim_with_the_premises_that_came_by_it(session: Session) -> None:
    sharp, alias, argument = merged(session)
    first = session.exec(select(Argument).where(Argument.strength == 0.9)).one()
    wet = premise_claims(session, argument)[1]
    keen = undo_merge(session, known(alias.id), later(60))
    assert (keen.text, keen.prior) == (KEEN, 0.8) and find_claim(session, KEEN) is keen
    assert premise_claims(session, argument) == [keen.id, wet] and premise_claims(session, first) == [sharp.id]
    assert argument.content_hash == content_hash(
        argument.conclusion_id, "support", [(known(keen.id), True), (wet, False)]
    )
    assert [merge.undone_at for merge in list_merges(session)] == [later(60)]


def test_undone_it_is_never_merged_again(session: Session) -> None:
    sharp, alias, _ = merged(session)
    keen = undo_merge(session, known(alias.id), later(60))
    assert add_alias(session, sharp, KEEN, "m", 1.0, 1.0, later(70)) is None
    assert add_claim(session, KEEN, 0.1, later(70)) is keen
    with pytest.raises(MergeError, match="undone already"):
        undo_merge(session, known(alias.id), later(80))
    with pytest.raises(MergeError, match="no merge 99"):
        undo_merge(session, 99, later(80))


def test_answers_stay_and_the_queue_asks_about_both(session: Session) -> None:
    sharp, alias, _ = merged(session)
    rerank(session, priors_only, NOW)
    ada = get_rater(session, "Ada", NOW)
    leased = next_question(session, ada, NOW)
    while leased is not None:  # everything is answered
        submit_answer(session, leased.token, ada, "yes", None, later(1))
        leased = next_question(session, ada, later(1))
    answered = set(labels(session))
    keen = undo_merge(session, known(alias.id), later(60))
    rerank(session, priors_only, later(61))
    assert set(labels(session)) == answered and sharp.key in answered
    asked = next_question(session, ada, later(62))
    assert asked is not None and asked.text == keen.text


def test_only_undone_claims_that_no_model_was_asked_about_are_unbelieved(session: Session) -> None:
    _, alias, _ = merged(session)
    assert unbelieved(session) == []
    keen = undo_merge(session, known(alias.id), later(60))
    assert unbelieved(session) == [keen.key]
    record_belief(session, keen, "m", "direct", 0.7, 5.0, later(61))
    assert unbelieved(session) == []


def test_graph_comes_back_whole_and_an_import_meets_the_alias(session: Session) -> None:
    sharp, *_ = merged(session)
    graph = load_graph(session)
    assert len(graph.claims) == 3 and len(graph.arguments) == 2
    save_graph(session, ArgumentGraph((GraphClaim("k", KEEN, 0.3),), (), ()), NOW)
    assert load_graph(session) == graph
    both = ArgumentGraph((GraphClaim("k", KEEN, 0.3), GraphClaim("s", SHARP, 0.3)), (), ())
    with pytest.raises(DuplicateTextError, match="'k' and 's' are one claim in the store.*argtree merges"):
        save_graph(session, both, NOW)


def test_claims_after_one_are_the_later_ones(session: Session) -> None:
    first, second = (add_claim(session, text, 0.5, NOW) for text in ("A.", "B."))
    assert claims_after(session, 0) == [(first.id, "A."), (second.id, "B.")]
    assert claims_after(session, known(first.id)) == [(second.id, "B.")]
