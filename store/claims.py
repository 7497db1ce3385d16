"""Claims, quantities, roots, arguments and beliefs, one at a time: what an explorer writes as it goes.

Every function flushes; the caller's scope commits. What adds to the graph takes its turn, so that of two processes that
find something missing one adds it. Texts come from models and users and are only ever bound as
parameters.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, literal, update
from sqlmodel import Session, col, exists, func, or_, select

from argtree import graph as g
from argtree.format import distribution_to_json
from store.answers import label_likelihoods
from store.columns import column, columns, rows_among
from store.errors import RootNotFoundError, StoreError, UnitError
from store.locks import Turn, take_turn
from store.tables import About, Alias, Argument, Belief, Claim, Evidence, Premise, Quantity, Revision, Root
from store.texts import is_storable, normalised, text_hash

_LISTED_ROOTS = 10  # in an error message


def known(row_id: int | None) -> int:
    """Returns the id of a row that has been flushed, as an int."""
    assert row_id is not None, "row was not flushed"
    return row_id


def find_claim(session: Session, text: str) -> Claim | None:
    """Returns the claim that says the same as the text, if there is one: by its own wording, or by an alias."""
    digest = text_hash(text)
    own = session.exec(select(Claim).where(Claim.text_hash == digest)).first()
    if own is not None:
        return own
    merged = select(Claim).join(Alias, col(Alias.claim_id) == col(Claim.id))
    return session.exec(merged.where(Alias.text_hash == digest, col(Alias.undone_at).is_(None))).first()


def get_claim(session: Session, key: str) -> Claim:
    """Returns the claim of that key (its id in a graph). Raises StoreError where there is none."""
    claim = session.exec(select(Claim).where(Claim.key == key)).first()
    if claim is None:
        raise StoreError(f"The store has no claim {key!r}.")
    return claim


def claim_ids(session: Session) -> dict[str, int]:
    """Returns the id of every claim, by its key."""
    return {key: one for key, one in session.execute(columns(Claim, "key", "id"))}


def add_claim(session: Session, text: str, prior: float, now: datetime, *, askable: bool | None = None) -> Claim:
    """Returns the claim that says the same as the text: the one that is there, untouched, or a new one.

    Args:
        text: the proposition; kept as given, except for outer space.
        prior: in [0, 1]; used only for a new claim.
        askable: None means askable while it has no arguments.

    Raises:
        StoreError: the text is empty.
        ValueError: the prior is no probability.
    """
    take_turn(session, Turn.GROW)
    return find_claim(session, text) or insert_claim(session, text.strip(), prior, now, askable)


def insert_claim(
    session: Session, text: str, prior: float, now: datetime, askable: bool | None = None, *, key: str | None = None
) -> Claim:
    """Returns a new claim, for a text that is known not to be there.

    Args:
        key: the wanted key; taken if it is free, else extended. By default the beginning of the text's hash.
    """
    check_text(text)
    _refuse_unstorable(key or "")
    digest = text_hash(text)
    claim = Claim(
        key=_free_key(session, Claim, key, digest),
        text=text,
        text_hash=digest,
        prior=checked_prob("prior", prior),
        askable=askable,
        created_at=now,
    )
    session.add(claim)
    session.flush()
    return claim


def add_quantity(session: Session, quantity: g.Quantity, now: datetime) -> tuple[Quantity, bool]:
    """Returns the quantity of that text, the one that is there, untouched, or a new one; and whether it is new.

    Raises:
        UnitError: it is there in another unit.
        StoreError: the text is empty.
    """
    if not quantity.text.strip():
        raise StoreError("A quantity must have a text, got an empty one.")
    for text in (quantity.id, quantity.text, quantity.unit):
        _refuse_unstorable(text)
    digest = text_hash(quantity.text)
    take_turn(session, Turn.GROW)
    there = session.exec(select(Quantity).where(Quantity.text_hash == digest)).first()
    if there is not None:
        if there.unit != quantity.unit:
            raise UnitError(
                f"The quantity {_short(quantity.text)} is there in {_short(there.unit)}, not in "
                f"{_short(quantity.unit)}: convert it, or reword it."
            )
        return there, False
    new = Quantity(
        key=_free_key(session, Quantity, quantity.id, digest),
        text=quantity.text,
        text_hash=digest,
        unit=quantity.unit,
        distribution=json.dumps(distribution_to_json(quantity.distribution)),
        created_at=now,
    )
    session.add(new)
    session.flush()
    return new, True


def set_prior(session: Session, claim: Claim, prior: float) -> None:
    """Gives a claim another prior, e.g. the residual one once it is argued."""
    note_revision(session, known(claim.id))
    claim.prior = checked_prob("prior", prior)
    session.add(claim)
    session.flush()


def set_priors(session: Session, priors: Mapping[int, float]) -> None:
    """Gives many claims other priors at once, by their ids. Raises ValueError where one is no probability."""
    changed = [{"of": one, "told": checked_prob("prior", prior)} for one, prior in sorted(priors.items())]
    if changed:
        note_revision(session)
        claims = Claim.__table__  # type: ignore[attr-defined]
        statement = update(claims).where(claims.c.id == bindparam("of")).values(prior=bindparam("told"))
        session.connection().execute(statement, changed)
        session.expire_all()


def believed_plain(session: Session, generation: str) -> dict[int, tuple[float, float]]:
    """Returns prior and newest direct belief, by the claim's id, where this generation holds it and it is the prior.

    That is of claims without arguments of which nobody said anything and that came without evidence.
    """
    evident = {*label_likelihoods(session), *session.exec(select(Evidence.claim_id))}
    argued = exists().where(col(Argument.conclusion_id) == col(Claim.id))
    query = select(Claim.id, Claim.prior, Belief.generation, Belief.mean)
    query = query.join(Belief, col(Belief.claim_id) == col(Claim.id)).where(Belief.kind == "direct", ~argued)
    found: dict[int, tuple[float, float]] = {}
    for one, prior, of, mean in session.exec(query.order_by(col(Belief.held_at), col(Belief.id))):
        if one is None or one in evident:
            continue
        found.pop(one, None)  # by an older belief
        if of == generation:
            found[one] = prior, mean
    return found


def note_revision(session: Session, claim_id: int | None = None) -> None:
    """Notes that a claim's row is changed in place; by default, that anything may be. To be called first.

    It takes its turn, so that whoever has seen a revision has seen all before it.
    """
    take_turn(session, Turn.GROW)
    session.add(Revision(claim_id=claim_id))


def close_claim(session: Session, claim: Claim, now: datetime) -> None:
    """Notes that the model has no more arguments to give about the claim."""
    note_revision(session, known(claim.id))
    claim.explored_at = now
    session.add(claim)
    session.flush()


def closed_claims(session: Session) -> frozenset[str]:
    """Returns the keys of the claims that were closed, or that say something of a quantity and so have no arguments."""
    about = select(About.claim_id)
    query = select(Claim.key).where(or_(col(Claim.explored_at).is_not(None), col(Claim.id).in_(about)))
    return frozenset(session.exec(query))


def add_root(
    session: Session, question: str, claim: Claim, now: datetime, weight: float = 1.0, *, posed_by: str | None = None
) -> Root:
    """Returns the root of the claim: the one that is there, untouched, or a new one with the question's words.

    One that a model posed itself becomes that of the people who ask the same: their words, their weight.

    Args:
        posed_by: the generation that asks it of itself; None: people do, or an imported graph.
    """
    take_turn(session, Turn.GROW)
    there = session.exec(select(Root).where(Root.claim_id == claim.id)).first()
    if there is not None and (there.posed_by is None or posed_by is not None):
        return there
    _refuse_unstorable(question)
    if there is not None:
        note_revision(session)
    root = there or Root(claim_id=known(claim.id), question="", created_at=now)
    root.question, root.weight, root.posed_by = question.strip(), weight, posed_by
    session.add(root)
    session.flush()
    return root


def list_roots(session: Session) -> list[Root]:
    """Returns the roots, oldest first."""
    return list(session.exec(select(Root).order_by(col(Root.id)).execution_options(populate_existing=True)))


def root_keys(session: Session) -> list[tuple[str, str]]:
    """Returns the question of each root and the key of its claim, oldest first."""
    pairs = select(Root.question, Claim.key).join(Claim, col(Claim.id) == col(Root.claim_id)).order_by(col(Root.id))
    return [(question, key) for question, key in session.exec(pairs)]


def root_questions(session: Session) -> dict[str, str]:
    """Returns the question of each root by the key of its claim, oldest first."""
    return {key: question for question, key in root_keys(session)}


def root_claim(session: Session, root: Root) -> Claim:
    """Returns the claim that a root is about."""
    return session.exec(select(Claim).where(Claim.id == root.claim_id)).one()


def find_root(session: Session, name: str) -> Root:
    """Returns the root that somebody means by a name.

    A name is the claim's key, the root's number, the question or the claim's text (case, spacing and final punctuation
    don't matter) or, failing those, the beginning of any of them if only one root has it.

    Raises:
        RootNotFoundError: none or several; the sentence lists what there is.
    """
    rows = session.exec(select(Root, Claim).where(Root.claim_id == Claim.id).order_by(col(Root.id))).all()
    names = {
        root.claim_id: (claim.key, str(root.id), normalised(root.question), normalised(claim.text))
        for root, claim in rows
    }
    sought = {name.strip(), normalised(name)} - {""}
    found: list[Root] = []
    for kind in range(4):  # a key beats another root's number, and so on
        found = found or [root for root, _ in rows if names[root.claim_id][kind] in sought]
    if not found:
        found = [root for root, _ in rows if any(one.startswith(tuple(sought)) for one in names[root.claim_id])]
    if len(found) == 1:
        return found[0]
    if not rows:
        raise RootNotFoundError("The store has no roots yet: ask something with `argtree explore`.")
    shown = found or [root for root, _ in rows]
    said = "Several roots begin with" if found else "No root is called"
    raise RootNotFoundError(f"{said} {_short(name)}: name one of {_listing(shown)}.")


def add_argument(
    session: Session,
    conclusion: Claim,
    polarity: str,
    strength: float,
    premises: Sequence[tuple[Claim, bool]],
    generation: str | None,
    now: datetime,
) -> Argument | None:
    """Returns the new argument, or None where it would add nothing.

    That is where the same conclusion, polarity and set of premises are there already, where the conclusion would become
    a reason for itself or says something of a quantity (which decides it), or where the argument takes one premise both
    as holding and as failing.

    Args:
        premises: each with whether it is taken as holding.
        generation: the model that proposed it; None if no model did.

    Raises:
        ValueError: no premises, an unknown polarity, or a strength outside [0, 1].
    """
    check_argument(polarity, strength, premises)
    take_turn(session, Turn.GROW)
    kept = dict.fromkeys((known(claim.id), holds) for claim, holds in premises)
    ids = [claim_id for claim_id, _ in kept]
    content = content_hash(known(conclusion.id), polarity, kept)
    if len(set(ids)) < len(ids) or would_close_cycle(session, known(conclusion.id), ids):
        return None
    if session.exec(select(Argument.id).where(Argument.content_hash == content)).first() is not None:
        return None
    if session.get(About, known(conclusion.id)) is not None:
        return None
    return insert_argument(session, known(conclusion.id), polarity, strength, list(kept), generation, now)


def check_argument(polarity: str, strength: float, premises: Sequence[object]) -> None:
    """Raises ValueError for no premises, an unknown polarity, or a strength outside [0, 1]."""
    if not premises:
        raise ValueError("An argument must have a premise, got none.")
    if polarity not in ("support", "attack"):
        raise ValueError(f"polarity must be 'support' or 'attack', got {polarity!r}.")
    checked_prob("strength", strength)


def insert_argument(
    session: Session,
    conclusion_id: int,
    polarity: str,
    strength: float,
    premises: Sequence[tuple[int, bool]],
    generation: str | None,
    now: datetime,
    *,
    key: str | None = None,
) -> Argument:
    """Returns a new argument over ids of claims, without add_argument's checks."""
    content = content_hash(conclusion_id, polarity, premises)
    argument = Argument(
        key=_free_key(session, Argument, key, content),
        conclusion_id=conclusion_id,
        polarity=polarity,
        strength=strength,
        content_hash=content,
        generation=generation,
        created_at=now,
    )
    session.add(argument)
    session.flush()
    for position, (claim_id, holds) in enumerate(premises):
        session.add(Premise(argument_id=known(argument.id), position=position, claim_id=claim_id, holds=holds))
    session.flush()
    return argument


def record_belief(
    session: Session,
    claim: Claim,
    generation: str,
    kind: str,
    mean: float,
    pseudo_count: float,
    now: datetime,
    draws: int | None = None,
) -> Belief:
    """Returns the new row of what a generation believes ("direct", or "residual": if no reason for it holds).

    Args:
        mean: as the model said it, before any calibration.
        draws: replies drawn for each reading, where the belief rests on draws.
    """
    take_turn(session, Turn.GROW)
    belief = Belief(
        claim_id=known(claim.id),
        generation=generation,
        kind=kind,
        mean=checked_prob("mean", mean),
        pseudo_count=pseudo_count,
        draws=draws,
        held_at=now,
    )
    session.add(belief)
    session.flush()
    return belief


class Held(NamedTuple):
    """A belief as it is read by the hundred thousand."""

    claim_id: int
    generation: str
    mean: float
    pseudo_count: float


def latest_beliefs(
    session: Session, kind: str = "direct", *, claim_ids: Sequence[int] | None = None
) -> dict[str, Held]:
    """Returns the newest belief of a kind for every claim that has one, by the claim's key.

    Args:
        session: of the store.
        kind: "direct" or "residual".
        claim_ids: of the claims wanted; all by default.
    """
    session.flush()  # what follows is read past the object mapper
    key, claim_id, of = column(Claim, "key"), column(Claim, "id"), column(Belief, "kind")
    query = columns(Belief, *Held._fields, order=("held_at", "id")).add_columns(key)
    query = query.where(column(Belief, "claim_id") == claim_id, of == kind)
    rows = session.execute(query) if claim_ids is None else rows_among(session, query, claim_id, claim_ids)
    return {row[-1]: Held(*row[:-1]) for row in rows}  # later rows replace earlier


def stale_beliefs(session: Session, generation: str, kind: str = "direct") -> dict[str, Held]:
    """Returns the newest belief of a kind, by the claim's key, where another generation holds it.

    Claims that a person answered, or that came with evidence, are left out: a model that was trained on an answer holds
    it already, and its new belief together with that answer would count it twice.
    """
    evident = {*label_likelihoods(session), *session.exec(select(Evidence.claim_id))}
    return {
        key: belief
        for key, belief in latest_beliefs(session, kind).items()
        if belief.generation != generation and belief.claim_id not in evident
    }


def expansion_counts(session: Session) -> dict[str, int]:
    """Returns how many expansions brought arguments about each claim, by its key; claims without are left out.

    All arguments of an expansion come at one time, and those of different expansions of a claim at different ones.
    """
    times = func.count(col(Argument.created_at).distinct())
    query = select(Claim.key, times).join(Claim, col(Claim.id) == col(Argument.conclusion_id))
    return dict(session.exec(query.where(col(Argument.generation).is_not(None)).group_by(col(Claim.key))).all())


def is_argued(session: Session, claim: Claim) -> bool:
    """Says whether any argument concludes the claim."""
    return session.exec(select(Argument.id).where(Argument.conclusion_id == claim.id).limit(1)).first() is not None


def content_hash(conclusion_id: int, polarity: str, premises: Iterable[tuple[int, bool]]) -> str:
    """Returns a digest of what an argument says: not its strength, nor the order of its premises."""
    said = json.dumps([conclusion_id, polarity, sorted(premises)])
    return hashlib.sha256(said.encode()).hexdigest()


def would_close_cycle(session: Session, conclusion_id: int, premise_ids: Sequence[int]) -> bool:
    """Says whether the conclusion is among the premises or among what they rest on."""
    below = select(col(Claim.id)).where(col(Claim.id).in_(premise_ids)).cte("below", recursive=True)
    reasons = (
        select(col(Premise.claim_id))
        .join(Argument, col(Argument.id) == col(Premise.argument_id))
        .join(below, below.c.id == col(Argument.conclusion_id))
    )
    below = below.union(reasons)  # UNION, not UNION ALL: a shared premise is followed once
    return session.exec(select(literal(1)).select_from(below).where(below.c.id == conclusion_id)).first() is not None


def _free_key(
    session: Session, table: type[Claim] | type[Argument] | type[Quantity], wanted: str | None, digest: str
) -> str:
    """Returns the wanted key, or one made of the digest, extended until nobody has it."""
    keys = [wanted, f"{wanted}-{digest[:8]}"] if wanted else []
    keys += [digest[:length] for length in range(10, len(digest) + 1, 6)]
    for key in keys:
        if session.exec(select(func.count()).select_from(table).where(col(table.key) == key)).one() == 0:
            return key
    # Only identical arguments of one imported graph come here.
    count = session.exec(select(func.count()).select_from(table)).one()
    return f"{digest[:10]}-{count}"


def _refuse_unstorable(text: str) -> None:
    if not is_storable(text):
        raise StoreError(f"A text holds NUL or half a character, which no database keeps: {_short(text)}.")


def check_text(text: str) -> str:
    """Returns a claim's text without outer space. Raises StoreError: it is empty, or no database keeps it."""
    if not text.strip():
        raise StoreError("A claim must have a text, got an empty one.")
    _refuse_unstorable(text)
    return text.strip()


def checked_prob(name: str, prob: float) -> float:
    """Returns the probability as a float. Raises ValueError where it is outside [0, 1]."""
    if not 0 <= prob <= 1:  # NaN too
        raise ValueError(f"{name} must be in [0, 1], got {prob!r}.")
    return float(prob)


def _listing(roots: Sequence[Root]) -> str:
    listed = "; ".join(f"{root.id} ({_short(root.question)})" for root in roots[:_LISTED_ROOTS])
    more = len(roots) - _LISTED_ROOTS
    return f"{listed}; and {more} more" if more > 0 else listed


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
