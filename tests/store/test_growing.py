"""Many rows at once are what they would be one after the other."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, select

from store import claims
from store.aliases import add_alias, undo_merge
from store.claims import add_argument, add_claim, known
from store.database import session_scope
from store.errors import StoreError
from store.growing import Held, Said, add_arguments, add_claims, argued_among, find_claims, record_beliefs, revise
from store.tables import About, Argument, Belief, Claim, Premise, Quantity, Revision
from tests.store.factories import NOW

NUM_CLAIMS = 7


def said_at_random(rng: np.random.Generator) -> list[Said]:
    """Among few claims, so that much is said again, runs in circles or contradicts itself."""
    count = int(rng.integers(1, 30))
    return [
        Said(
            int(rng.integers(1, NUM_CLAIMS + 1)),
            str(rng.choice(["support", "attack"])),
            float(rng.uniform(0, 1)),
            tuple((int(one), bool(rng.random() < 0.8)) for one in rng.integers(1, NUM_CLAIMS + 1, rng.integers(1, 4))),
        )
        for _ in range(count)
    ]


def with_claims(engine: Engine) -> None:
    """Claims 1 to 7, the last of which says something of a quantity."""
    with session_scope(engine) as session:
        add_claims(session, {f"Claim {number}.": 0.5 for number in range(1, NUM_CLAIMS + 1)}, NOW)
        quantity = Quantity(key="q", text="Q", unit="", text_hash="q", distribution="{}", created_at=NOW)
        session.add(quantity)
        session.flush()
        session.add(About(claim_id=NUM_CLAIMS, quantity_id=known(quantity.id), relation="<", value=1.0))


def rows_of(session: Session, *tables: type[SQLModel]) -> list[Any]:
    return [[row.model_dump() for row in session.exec(select(table))] for table in tables]


@pytest.mark.parametrize("seed", range(12))
def test_arguments_at_once_are_those_one_by_one(engine: Engine, seed: int) -> None:
    with_claims(engine)
    said = said_at_random(np.random.default_rng(seed))
    half = len(said) // 2
    found = []
    for at_once in (True, False):
        with Session(engine) as session:
            if at_once:
                ids = add_arguments(session, said[:half], "m", NOW) + add_arguments(session, said[half:], "m", NOW)
            else:
                ids = [one_by_one(session, one) for one in said]
            rows = rows_of(session, Argument, Premise)
            first = min((one for one in ids if one is not None), default=0)  # PostgreSQL never gives an id twice
            found.append(
                (
                    [one and one - first for one in ids],
                    [row | {"id": row["id"] - first} for row in rows[0]],
                    [row | {"argument_id": row["argument_id"] - first} for row in rows[1]],
                )
            )
            session.rollback()
    assert found[0] == found[1]


def one_by_one(session: Session, said: Said) -> int | None:
    there = {known(claim.id): claim for claim in session.exec(select(Claim))}
    premises = [(there[one], holds) for one, holds in said.premises]
    added = add_argument(session, there[said.conclusion_id], said.polarity, said.strength, premises, "m", NOW)
    return None if added is None else known(added.id)


def test_one_text_is_one_claim(session: Session) -> None:
    there = add_claim(session, "Honey is heavy.", 0.9, NOW)
    found = add_claims(session, {"honey is HEAVY": 0.1, " Wax floats. ": 0.3, "wax floats": 0.4}, NOW)
    assert [(one.prior, one.by_alias) for one in found.values()] == [(0.9, False), (0.3, False), (0.3, False)]
    assert found["honey is HEAVY"].id == there.id
    assert [claim.text for claim in session.exec(select(Claim).order_by(Claim.id))] == [  # type: ignore[arg-type]
        "Honey is heavy.",
        "Wax floats.",
    ]


def test_other_wording_is_found_until_it_is_undone(session: Session) -> None:
    claim = add_claim(session, "The knife is sharp.", 0.5, NOW)
    alias = add_alias(session, claim, "The knife is keen.", "m", 0.9, 0.9, NOW)
    assert alias is not None
    (found,) = find_claims(session, ["the knife is keen"]).values()
    assert (found.id, found.by_alias) == (claim.id, True)
    made = undo_merge(session, known(alias.id), NOW)
    assert find_claims(session, ["the knife is keen"])["the knife is keen"].id == made.id


def test_key_that_is_taken_is_extended(session: Session) -> None:
    first = add_claims(session, {"Wax floats.": 0.5}, NOW)["Wax floats."]
    digest = session.exec(select(Claim)).one().text_hash
    session.exec(select(Claim)).one().key = "another"
    add_claim(session, "Honey sinks.", 0.5, NOW).key = digest[:10]
    session.exec(select(Claim).where(Claim.id == first.id)).one().text_hash = "gone"
    assert add_claims(session, {"Wax floats.": 0.5}, NOW)["Wax floats."].key == digest[:16]


def test_what_no_claim_can_be_is_refused(session: Session) -> None:
    with pytest.raises(StoreError, match="empty"):
        add_claims(session, {" ": 0.5}, NOW)
    with pytest.raises(ValueError, match="prior must be in"):
        add_claims(session, {"Wax floats.": 1.5}, NOW)
    with pytest.raises(ValueError, match="a premise"):
        add_arguments(session, [Said(1, "support", 0.5, ())], None, NOW)
    with pytest.raises(ValueError, match="mean must be in"):
        record_beliefs(session, [Held(1, "direct", 1.1, 2.0, None)], "m", NOW)


def test_revisions_are_noted(session: Session) -> None:
    one, other = (known(add_claim(session, text, 0.5, NOW).id) for text in ("Wax floats.", "Honey sinks."))
    record_beliefs(session, [Held(one, "direct", 0.4, 2.0, 3)], "m", NOW)
    revise(session, {one: 0.25}, [other, one], NOW)
    session.expire_all()
    assert [(claim.prior, claim.explored_at) for claim in session.exec(select(Claim))] == [(0.25, NOW), (0.5, NOW)]
    assert [row.claim_id for row in session.exec(select(Revision))] == [one, other]
    assert session.exec(select(Belief)).one().draws == 3
    claims.set_priors(session, {one: 0.5})
    assert session.exec(select(Revision.claim_id).order_by(Revision.id.desc())).first() is None  # type: ignore[union-attr]


def test_argued_claims_are_told_apart(session: Session) -> None:
    one, other = (add_claim(session, text, 0.5, NOW) for text in ("Wax floats.", "Honey sinks."))
    add_argument(session, one, "support", 0.5, [(other, True)], None, NOW)
    assert argued_among(session, [known(one.id), known(other.id)]) == {one.id}
