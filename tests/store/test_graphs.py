import dataclasses

import pytest
from sqlmodel import Session, select

from argtree.distributions import Normal
from argtree.evidence import answer_likelihood
from argtree.graph import Argument, ArgumentGraph, Claim, Measurement, Premise, Quantity, Root, Threshold
from store import tables
from store.claims import add_argument, add_claim, closed_claims, find_claim, get_claim
from store.corrections import override
from store.errors import (
    ArguedQuantityError,
    CycleError,
    DuplicateTextError,
    RootNotFoundError,
    StoreError,
    UnitError,
)
from store.graphs import load_graph, save_graph, with_answer
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from tests.store.factories import NOW, flat_graph, jelly_graph, nails_graph, priors_only


def _count(session: Session) -> list[int]:
    kinds = (tables.Claim, tables.Argument, tables.Premise, tables.Root, tables.Evidence)
    kinds += (tables.Quantity, tables.About, tables.Measurement)  # type: ignore[assignment]
    return [len(session.exec(select(kind)).all()) for kind in kinds]


def _odd_graph() -> ArgumentGraph:
    """What a file may hold and nobody would write: no premises, one reason twice, odd texts, numbers at their ends."""
    return ArgumentGraph(
        claims=(Claim("b", "  Spaced\tout ", 0), Claim("a'; --", ".", 1), Claim("ü", "日本 \x01 😀", 5e-324)),
        arguments=(
            Argument("z", "b", "support", 1, (Premise("ü"), Premise("a'; --", holds=False))),
            Argument("y", "b", "support", 0, (Premise("a'; --", holds=False), Premise("ü"))),
            Argument("x", "b", "attack", 0.1 + 0.2, ()),
        ),
        roots=(Root("ü", 0), Root("b", 1e6)),
    )


GRAPHS = [nails_graph(), _odd_graph(), jelly_graph(), ArgumentGraph(())]


@pytest.mark.parametrize("graph", GRAPHS, ids=["nails", "odd", "jelly", "empty"])
def test_a_graph_comes_back_as_it_was(session: Session, graph: ArgumentGraph) -> None:
    save_graph(session, graph, NOW)
    session.commit()
    session.expire_all()
    assert load_graph(session) == graph


@pytest.mark.parametrize("graph", GRAPHS[:3], ids=["nails", "odd", "jelly"])
def test_importing_twice_changes_nothing(session: Session, graph: ArgumentGraph) -> None:
    save_graph(session, graph, NOW)
    before = _count(session)
    save_graph(session, graph, NOW)
    assert _count(session) == before and load_graph(session) == graph


def test_one_root_brings_what_lies_under_it_and_nothing_else(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    part = load_graph(session, ["q"])
    assert load_graph(session, ["q", "r"]) == load_graph(session)
    assert load_graph(session, []).claims == ()
    assert part == ArgumentGraph((nails_graph().claims[4],), roots=(Root("q", 0.5),))
    assert [claim.id for claim in load_graph(session, ["r"]).claims] == ["r", "s", "h", "t"]
    assert load_graph(session, ["r"]).evidence == nails_graph().evidence
    for key in ("s", "nowhere"):
        with pytest.raises(RootNotFoundError, match=f"'{key}'"):
            load_graph(session, ["r", key])


def test_a_known_text_keeps_the_stores_claim(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    other = ArgumentGraph(
        claims=(Claim("x", "NAILS are hard", 0.1), Claim("h", "Glass breaks.", 0.4), Claim("t2", "jelly is tough", 1)),
        arguments=(Argument("a1", "h", "support", 0.5, (Premise("x"),)),),
        roots=(Root("h"),),
        evidence={"t2": (0.5, 0.1)},
    )
    save_graph(session, other, NOW)
    save_graph(session, other, NOW)
    merged = load_graph(session)
    glass = find_claim(session, "Glass breaks.")
    assert glass is not None and glass.key.startswith("h-")  # "h" was taken
    assert merged.claims == (*nails_graph().claims, Claim(glass.key, "Glass breaks.", 0.4))
    assert [argument.premises for argument in merged.arguments_for(glass.key)] == [(Premise("h"),)]
    assert merged.evidence == nails_graph().evidence and merged.roots[-1] == Root(glass.key)


def test_a_reason_that_is_there_under_another_id_is_that_one(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    renamed = [dataclasses.replace(argument, id=f"other-{argument.id}") for argument in nails_graph().arguments]
    save_graph(session, dataclasses.replace(nails_graph(), arguments=tuple(renamed)), NOW)
    assert load_graph(session) == nails_graph()


def test_two_claims_of_one_text_are_named(session: Session) -> None:
    graph = ArgumentGraph((Claim("one", "Nails are hard.", 0.5), Claim("two", "nails  are hard", 0.5)))
    with pytest.raises(DuplicateTextError, match="'one' and 'two'"):
        save_graph(session, graph, NOW)
    assert _count(session) == [0] * 8


def test_an_import_that_closes_a_cycle_leaves_nothing(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    before = _count(session)
    loop = ArgumentGraph(
        (Claim("1", "Nails are hard.", 0.5), Claim("2", "New.", 0.5), Claim("3", "Nails beat jelly.", 0.5)),
        (Argument("l1", "1", "support", 0.5, (Premise("2"),)), Argument("l2", "2", "support", 0.5, (Premise("3"),))),
    )
    with pytest.raises(CycleError, match="reason for itself"):
        save_graph(session, loop, NOW)
    assert _count(session) == before and load_graph(session) == nails_graph()


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_claim_without_a_text_is_refused(session: Session, text: str) -> None:
    with pytest.raises(StoreError, match="must have a text"):
        save_graph(session, ArgumentGraph((Claim("a", "Fine.", 0.5), Claim("b", text, 0.5))), NOW)
    assert _count(session) == [0] * 8


def test_half_characters_in_a_file_are_refused(session: Session) -> None:
    for graph in (ArgumentGraph((Claim("a", "\ud800", 0.5),)), ArgumentGraph((Claim("\ud800", "a", 0.5),))):
        with pytest.raises(StoreError, match="half a character"):
            save_graph(session, graph, NOW)


def test_answers_multiply_the_imported_evidence(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    session.add(tables.Rater(name="Ada", created_at=NOW))
    rater = get_rater(session, "Ada", NOW)
    said: dict[str, list[float]] = {}
    rerank(session, priors_only, NOW)
    while (leased := next_question(session, rater, NOW)) is not None:
        submit_answer(session, leased.token, rater, "probability", 0.8, NOW)
        said[leased.claim] = [0.8]
    l0, l1 = answer_likelihood(0.8)
    assert load_graph(session).evidence == {"t": (0.25 * l0, 0.75 * l1), "h": (l0, l1)}
    assert load_graph(session, with_answers=False).evidence == {"t": (0.25, 0.75)}


def test_a_store_imported_into_itself_counts_no_answer_twice(session: Session) -> None:
    save_graph(session, flat_graph(2), NOW)
    rerank(session, priors_only, NOW)
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None
    submit_answer(session, leased.token, rater, "yes", None, NOW)
    whole = load_graph(session)
    save_graph(session, whole, NOW)
    assert load_graph(session) == whole


def test_explored_arguments_load_too(session: Session) -> None:
    a, b = (add_claim(session, text, 0.5, NOW) for text in ("A", "B"))
    argument = add_argument(session, a, "attack", 0.25, [(b, False)], "bundled", NOW)
    assert argument is not None
    expected = Argument(argument.key, a.key, "attack", 0.25, (Premise(b.key, holds=False),))
    assert load_graph(session).arguments == (expected,)


def test_a_root_brings_its_quantity_and_all_that_tells_of_it(session: Session) -> None:
    other = Quantity("z", "Another number", "", Normal(0, 1))
    apart = Claim("apart", "Another number is low.", 0.0, about=Threshold("z", "<", 0.0))
    whole = dataclasses.replace(
        jelly_graph(),
        claims=(*jelly_graph().claims, apart),
        quantities=(*jelly_graph().quantities, other),
        measurements=(*jelly_graph().measurements, Measurement("z", 1.0, 1.0)),
    )
    save_graph(session, whole, NOW)
    part = load_graph(session, ["f"])
    assert [claim.id for claim in part.claims] == ["f", "light", "heavy", "dense"]
    assert (part.quantities, part.measurements) == (jelly_graph().quantities, jelly_graph().measurements)
    assert load_graph(session, []).quantities == ()


def test_a_known_quantity_keeps_what_the_store_knows(session: Session) -> None:
    save_graph(session, jelly_graph(), NOW)
    again = Quantity("d", "the density of JELLY", "g/cm³", Normal(9.0, 9.0))
    other = ArgumentGraph(
        (Claim("t", "Jelly is light as air.", 0.0, about=Threshold("d", "<", 0.1)),),
        quantities=(again,),
        measurements=(Measurement("d", 9.0, 9.0),),
    )
    save_graph(session, other, NOW)
    merged = load_graph(session)
    assert merged.claims[-1].about == Threshold("jelly", "<", 0.1)
    assert (merged.quantities, merged.measurements) == (jelly_graph().quantities, jelly_graph().measurements)
    with pytest.raises(UnitError, match="is there in 'g/cm³', not in 'kg/m³'"):
        save_graph(session, dataclasses.replace(other, quantities=(dataclasses.replace(again, unit="kg/m³"),)), NOW)
    assert load_graph(session) == merged


def test_nothing_argues_about_what_a_quantity_decides(session: Session) -> None:
    save_graph(session, jelly_graph(), NOW)
    light = find_claim(session, "Jelly is lighter than water.")
    assert light is not None and "light" in closed_claims(session)
    assert (
        add_argument(session, light, "support", 0.5, [(add_claim(session, "New.", 0.5, NOW), True)], "m", NOW) is None
    )
    argued = ArgumentGraph(
        (Claim("x", "Jelly is lighter than water.", 0.5), Claim("y", "Why.", 0.5)),
        (Argument("z", "x", "support", 0.5, (Premise("y"),)),),
    )
    before = load_graph(session)
    with pytest.raises(ArguedQuantityError, match="'light'"):
        save_graph(session, argued, NOW)
    assert load_graph(session) == before


@pytest.mark.parametrize("prob", [1.0, 0.0, 0.7])
def test_a_graph_with_an_answer_is_what_the_answer_would_make_of_it(session: Session, prob: float) -> None:
    """On a claim with imported evidence, then on one that others have answered, then on both."""
    save_graph(session, nails_graph(), NOW)
    rerank(session, priors_only, NOW, wanted=2)
    for name in ("Ada", "Bob", "Ada", "Bob"):
        rater = get_rater(session, name, NOW)
        leased = next_question(session, rater, NOW)
        assert leased is not None and leased.claim is not None and rater.id is not None
        foretold = with_answer(session, load_graph(session), leased.claim, rater.id, prob)
        submit_answer(session, leased.token, rater, "probability", prob, NOW)
        assert load_graph(session) == foretold
        assert list(load_graph(session).evidence.items()) == list(foretold.evidence.items())


def test_no_answer_moves_what_is_overridden(session: Session) -> None:
    save_graph(session, nails_graph(), NOW)
    rater = get_rater(session, "Ada", NOW)
    rater.role = "reviewer"
    override(session, get_claim(session, "h"), 0.9, rater, NOW)
    assert rater.id is not None
    assert with_answer(session, load_graph(session), "h", rater.id, 0.0) == load_graph(session)
