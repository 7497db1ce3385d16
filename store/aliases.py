"""Wordings that a model found to say what a claim says: noted, listed and undone. The caller's scope commits.

Nothing is deleted. A wording that was undone is a claim of its own from then on, so that it is never merged again. Not
here: how likeness is found and judged (`argtree.merging`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, exists, func, select

from store.claims import content_hash, find_claim, insert_claim, known, note_revision
from store.errors import MergeError
from store.locks import Turn, take_turn
from store.tables import Alias, Argument, Belief, Claim, Premise
from store.texts import text_hash


@dataclass(frozen=True)
class Merge:
    """An alias, as it is shown to people."""

    number: int
    text: str  # the wording
    claim: str  # key of the claim that it was found to say
    claim_text: str
    generation: str
    implies_prob: float  # P(the claim follows from the wording), as the model held
    implied_prob: float  # P(the wording follows from the claim)
    premises: int  # that came by the wording and still point to the claim
    made_at: datetime
    undone_at: datetime | None


def add_alias(
    session: Session,
    claim: Claim,
    text: str,
    generation: str,
    implies_prob: float,
    implied_prob: float,
    now: datetime,
) -> Alias | None:
    """Returns the alias that makes the text another wording of the claim; the one that is there, if there is one.

    None where the text is a claim of its own already, be it since a merge was undone.

    Args:
        session: of the store.
        claim: what the text says.
        text: kept as given, except for outer space.
        generation: the model that found it.
        implies_prob: P(the claim follows from the text), as the model holds, in [0, 1].
        implied_prob: P(the text follows from the claim).
        now: the time.
    """
    take_turn(session, Turn.GROW)
    there = find_alias(session, text)
    if there is not None:
        return there
    if find_claim(session, text) is not None:
        return None
    alias = Alias(
        claim_id=known(claim.id),
        text=text.strip(),
        text_hash=text_hash(text),
        generation=generation,
        implies_prob=implies_prob,
        implied_prob=implied_prob,
        made_at=now,
    )
    session.add(alias)
    session.flush()
    return alias


def find_alias(session: Session, text: str) -> Alias | None:
    """Returns the alias of that wording, if there is one that was not undone."""
    query = select(Alias).where(Alias.text_hash == text_hash(text), col(Alias.undone_at).is_(None))
    return session.exec(query).first()


def note_wordings(session: Session, argument_id: int, texts: Iterable[str]) -> None:
    """Notes by which wordings the premises of a new argument came.

    Args:
        session: of the store.
        argument_id: of one that was just added.
        texts: of its premises, as they were proposed. Of two that mean one claim its own wording counts, if it is one.
    """
    found = [(text_hash(text), find_alias(session, text)) for text in texts]
    if all(alias is None for _, alias in found):
        return
    said = {digest for digest, _ in found}
    by_claim = {alias.claim_id: alias for _, alias in found if alias is not None}
    for premise in session.exec(select(Premise).where(Premise.argument_id == argument_id)):
        alias = by_claim.get(premise.claim_id)
        if alias is not None and session.get_one(Claim, premise.claim_id).text_hash not in said:
            premise.alias_id = alias.id
            session.add(premise)
    session.flush()


def list_merges(session: Session) -> list[Merge]:
    """Returns all aliases, oldest first, those that were undone too."""
    counts = select(col(Premise.alias_id), func.count()).where(col(Premise.alias_id).is_not(None))
    used = dict(session.exec(counts.group_by(col(Premise.alias_id))).all())
    pairs = select(Alias, Claim).join(Claim, col(Claim.id) == col(Alias.claim_id)).order_by(col(Alias.id))
    return [
        Merge(
            number=known(alias.id),
            text=alias.text,
            claim=claim.key,
            claim_text=claim.text,
            generation=alias.generation,
            implies_prob=alias.implies_prob,
            implied_prob=alias.implied_prob,
            premises=used.get(alias.id, 0),
            made_at=alias.made_at,
            undone_at=alias.undone_at,
        )
        for alias, claim in session.exec(pairs)
    ]


def undo_merge(session: Session, number: int, now: datetime) -> Claim:
    """Returns the claim that is made of an alias's wording; premises that came by that wording point to it.

    Its prior is the model's belief in the claim that it was merged into, until the model is asked about it. Answers
    stay with the claim that they were given to, and so do premises that came by other wordings. An argument that was
    not stored because, merged, it said what another did is not brought back. The queue is not ranked here.

    Raises:
        MergeError: there is no alias of that number, or it is undone already.
    """
    take_turn(session, Turn.GROW)
    alias = session.get(Alias, number, with_for_update=True, populate_existing=True)
    if alias is None:
        raise MergeError(f"There is no merge {number}: `argtree merges` lists them.")
    if alias.undone_at is not None:
        raise MergeError(f"Merge {number} is undone already.")
    note_revision(session)
    alias.undone_at = now
    session.add(alias)
    claim = insert_claim(session, alias.text, _prior(session, alias.claim_id), now)
    premises = list(session.exec(select(Premise).where(Premise.alias_id == number)))
    for premise in premises:
        premise.claim_id, premise.alias_id = known(claim.id), None
        session.add(premise)
    session.flush()
    for argument_id in {premise.argument_id for premise in premises}:
        _hash_anew(session, argument_id)
    return claim


def unbelieved(session: Session) -> list[str]:
    """Returns the keys of the claims that were made of a wording whose merge was undone, and that no model believes."""
    undone = select(Alias.text_hash).where(col(Alias.undone_at).is_not(None))
    is_believed = exists().where(col(Belief.claim_id) == col(Claim.id))  # looked up for these, not listed for all
    query = select(Claim.key).where(col(Claim.text_hash).in_(undone), ~is_believed)
    return list(session.exec(query.order_by(col(Claim.id))))


def claims_after(session: Session, claim_id: int) -> list[tuple[int, str]]:
    """Returns id and text of the claims that came into the store after one of that id, in their order."""
    query = select(Claim.id, Claim.text).where(col(Claim.id) > claim_id).order_by(col(Claim.id))
    return [(known(one), text) for one, text in session.exec(query)]


def _prior(session: Session, claim_id: int) -> float:
    """Returns what is held of a claim on its own, apart from any argument about it."""
    beliefs = select(Belief.mean).where(Belief.claim_id == claim_id, Belief.kind == "direct")
    newest = session.exec(beliefs.order_by(col(Belief.held_at).desc(), col(Belief.id).desc()).limit(1)).first()
    return newest if newest is not None else session.get_one(Claim, claim_id).prior


def _hash_anew(session: Session, argument_id: int) -> None:
    """Makes an argument's content hash follow its premises."""
    argument = session.get_one(Argument, argument_id)
    premises = session.exec(select(Premise).where(Premise.argument_id == argument_id))
    argument.content_hash = content_hash(
        argument.conclusion_id, argument.polarity, [(premise.claim_id, premise.holds) for premise in premises]
    )
    session.add(argument)
    session.flush()
