import pytest
from sqlmodel import Session, select

from store.claims import (
    add_argument,
    add_claim,
    add_root,
    close_claim,
    closed_claims,
    find_claim,
    find_root,
    get_claim,
    insert_claim,
    latest_beliefs,
    list_roots,
    record_belief,
    root_claim,
    set_prior,
)
from store.errors import RootNotFoundError, StoreError
from store.tables import Argument, Claim
from tests.store.factories import NOW, later


def _claims(session: Session, *texts: str) -> list[Claim]:
    return [add_claim(session, text, 0.5, NOW) for text in texts]


def test_the_same_text_is_the_same_claim_with_its_first_prior(session: Session) -> None:
    first = add_claim(session, "Nails are hard.", 0.9, NOW)
    again = add_claim(session, " nails ARE hard ", 0.1, NOW)
    assert (again.id, again.prior, again.text) == (first.id, 0.9, "Nails are hard.")
    assert find_claim(session, "Nails are hard?") is first and find_claim(session, "Nails are soft") is None


def test_keys_follow_from_texts_so_that_runs_repeat(session: Session) -> None:
    assert [claim.key for claim in _claims(session, "A.", "B.")] == ["ca978112ca", "3e23e81600"]  # sha256 of a, b


@pytest.mark.parametrize("text, prior", [("", 0.5), (" \n", 0.5), ("A", 1.5), ("A", float("nan"))])
def test_bad_claims_are_refused(session: Session, text: str, prior: float) -> None:
    with pytest.raises((ValueError, StoreError)):
        add_claim(session, text, prior, NOW)


@pytest.mark.parametrize("text", ["a\ud83d", "a\0b"])
def test_texts_that_no_database_keeps_are_refused(session: Session, text: str) -> None:
    with pytest.raises(StoreError, match="NUL or half a character"):
        add_claim(session, text, 0.5, NOW)


def test_unknown_keys_are_named(session: Session) -> None:
    with pytest.raises(StoreError, match="'zzz'"):
        get_claim(session, "zzz")


def test_a_prior_and_a_closing_stay(session: Session) -> None:
    claim = _claims(session, "A")[0]
    set_prior(session, claim, 0.25)
    close_claim(session, claim, NOW)
    session.commit()
    session.expire_all()
    assert (claim.prior, closed_claims(session)) == (0.25, {claim.key})


def test_an_argument_that_adds_nothing_is_not_added(session: Session) -> None:
    a, b, c, d = _claims(session, "A", "B", "C", "D")
    assert add_argument(session, a, "support", 0.5, [(b, True), (c, False)], "m", NOW) is not None
    assert add_argument(session, a, "support", 0.9, [(c, False), (b, True), (b, True)], "m", NOW) is None  # said
    assert add_argument(session, a, "support", 0.9, [(d, True), (d, False)], "m", NOW) is None  # never fires
    assert add_argument(session, a, "attack", 0.5, [(b, True), (c, False)], "m", NOW) is not None
    assert len(session.exec(select(Argument)).all()) == 2


def test_an_argument_that_closes_a_cycle_is_not_added(session: Session) -> None:
    a, b, c = _claims(session, "A", "B", "C")
    add_argument(session, a, "support", 0.5, [(b, True)], None, NOW)
    add_argument(session, b, "attack", 0.5, [(c, True)], None, NOW)
    assert add_argument(session, c, "support", 0.5, [(a, True)], None, NOW) is None
    assert add_argument(session, a, "support", 0.5, [(a, False)], None, NOW) is None
    assert add_argument(session, a, "support", 0.5, [(c, True)], None, NOW) is not None  # a second way is no cycle


def test_bad_arguments_are_refused(session: Session) -> None:
    a, b = _claims(session, "A", "B")
    bad = ("for", 0.5, [(b, True)]), ("support", 2.0, [(b, True)]), ("support", 0.5, [])
    for polarity, strength, premises in bad:
        with pytest.raises(ValueError):
            add_argument(session, a, polarity, strength, premises, None, NOW)


def test_the_newest_belief_of_a_kind_counts(session: Session) -> None:
    a, b = _claims(session, "A", "B")
    record_belief(session, a, "m1", "direct", 0.3, 5, later(1))
    record_belief(session, a, "m0", "direct", 0.2, 5, NOW)
    record_belief(session, a, "m1", "residual", 0.1, 5, later(2))
    record_belief(session, b, "m0", "direct", 0.4, 5, NOW)
    assert {key: one.mean for key, one in latest_beliefs(session).items()} == {a.key: 0.3, b.key: 0.4}
    assert list(latest_beliefs(session, "residual")) == [a.key]


def test_a_root_is_found_by_whatever_names_it(session: Session) -> None:
    a, b = _claims(session, "Nails beat jelly.", "Honey is ruined by rain.")
    root = add_root(session, "Would nails beat jelly?", a, NOW)
    add_root(session, "Would honey be ruined by rain?", b, NOW)
    for name in (a.key, a.key[:6], "1", "would NAILS beat jelly", "Nails beat jelly", "nails", "Would nails"):
        assert find_root(session, name) == root, name
    assert root_claim(session, root) == a


def test_a_key_beats_another_roots_number(session: Session) -> None:
    for text, key in (("A", "2"), ("B", "1")):
        add_root(session, text, insert_claim(session, text, 0.5, NOW, key=key), NOW)
    assert [find_root(session, name).question for name in ("2", "1")] == ["A", "B"]


def test_a_root_that_cannot_be_told_is_listed(session: Session) -> None:
    with pytest.raises(RootNotFoundError, match="no roots yet"):
        find_root(session, "x")
    for text in ("Would nails win?", "Would jelly win?"):
        add_root(session, text, add_claim(session, text, 0.5, NOW), NOW)
    with pytest.raises(RootNotFoundError, match="Several roots begin with 'would': name one of 1 .*; 2 "):
        find_root(session, "would")
    with pytest.raises(RootNotFoundError, match="No root is called ''"):
        find_root(session, "")


def test_asking_again_finds_the_root_there_is(session: Session) -> None:
    claim = _claims(session, "A")[0]
    root = add_root(session, "A?", claim, NOW, weight=3)
    assert add_root(session, "Is it A?", claim, NOW) == root
    assert list_roots(session) == [root]
