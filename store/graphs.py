"""Whole graphs in and out of the store: `ArgumentGraph` to rows and back, without loss."""

import graphlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from argtree import graph as g
from argtree.evidence import label_likelihood, label_prob
from store.claims import add_root, content_hash, find_claim, insert_argument, insert_claim, known
from store.errors import CycleError, DuplicateTextError, RootNotFoundError
from store.tables import Answer, Argument, Claim, Evidence, Premise, Root
from store.texts import normalised


def save_graph(session: Session, graph: g.ArgumentGraph, now: datetime) -> None:
    """Brings a graph made elsewhere into the store; all of it or, on an error, nothing. The caller's scope commits.

    A claim whose text is there already is that claim and keeps the store's key, prior, askability and evidence. An
    argument that says the same as one that is there is that one. So importing a file twice changes nothing. Ids of the
    file are kept as keys where they are free.

    Raises:
        DuplicateTextError: two claims of the graph have the same text but for case, spacing and final punctuation.
        CycleError: together with what is there, a claim would become a reason for itself.
    """
    _refuse_duplicate_texts(graph.claims)
    with session.begin_nested():
        there = {claim.id: find_claim(session, claim.text) for claim in graph.claims}
        rows = {
            one.id: there[one.id] or insert_claim(session, one.text, one.prior, now, one.askable, key=one.id)
            for one in graph.claims
        }
        _save_arguments(session, graph.arguments, rows, now)
        for root in graph.roots:
            add_root(session, rows[root.claim].text, rows[root.claim], now, root.weight)
        for claim_id, likelihood in graph.evidence.items():
            # A known claim's evidence may be our own answers coming back; to count them twice would be worse.
            if there[claim_id] is None:
                session.add(Evidence(claim_id=known(rows[claim_id].id), if_false=likelihood[0], if_true=likelihood[1]))
        session.flush()
        _refuse_cycle(session)


def load_graph(
    session: Session, root_keys: Collection[str] | None = None, *, with_answers: bool = True
) -> g.ArgumentGraph:
    """Returns the graph of everything, or of some roots and what lies under them.

    Claims, arguments and roots stand in the order in which they came into the store.

    Args:
        root_keys: the keys of the roots' claims; None for everything.
        with_answers: whether raters' answers enter the evidence (as likelihoods, times what was imported).

    Raises:
        RootNotFoundError: one of root_keys is not the key of a root's claim.
    """
    # Claims and roots change, so rows that this session has seen before are read again.
    claims = list(session.exec(select(Claim).order_by(col(Claim.id)).execution_options(populate_existing=True)))
    arguments = list(session.exec(select(Argument).order_by(col(Argument.id))))
    premises: dict[int, list[Premise]] = defaultdict(list)
    for premise in session.exec(select(Premise).order_by(col(Premise.argument_id), col(Premise.position))):
        premises[premise.argument_id].append(premise)
    roots = list(session.exec(select(Root).order_by(col(Root.id)).execution_options(populate_existing=True)))
    keys = {known(claim.id): claim.key for claim in claims}
    if root_keys is not None:
        roots = [root for root in roots if keys[root.claim_id] in root_keys]
        if missing := set(root_keys) - {keys[root.claim_id] for root in roots}:
            raise RootNotFoundError(f"The claim {min(missing)!r} is not a root.")
        below = _below({root.claim_id for root in roots}, arguments, premises)
        claims = [claim for claim in claims if claim.id in below]
        arguments = [argument for argument in arguments if argument.conclusion_id in below]
    evidence = _evidence(session, with_answers)
    return g.ArgumentGraph(
        claims=tuple(g.Claim(claim.key, claim.text, claim.prior, claim.askable) for claim in claims),
        arguments=tuple(_argument(argument, premises[known(argument.id)], keys) for argument in arguments),
        roots=tuple(g.Root(keys[root.claim_id], root.weight) for root in roots),
        evidence={claim.key: evidence[known(claim.id)] for claim in claims if claim.id in evidence},
    )


def answers_by_claim(session: Session) -> dict[int, list[float]]:
    """Returns the probabilities that raters stated about each claim's id, oldest first ("can't say" states none)."""
    probs: dict[int, list[float]] = defaultdict(list)
    said = select(Answer.claim_id, Answer.prob).where(col(Answer.prob).is_not(None)).order_by(col(Answer.id))
    for claim_id, prob in session.exec(said):
        assert prob is not None
        probs[claim_id].append(prob)
    return dict(probs)


def labels(session: Session) -> dict[str, float]:
    """Returns what the answers to each answered claim are together taken to mean: P(claim) by its key."""
    answers = answers_by_claim(session)
    keys = session.exec(select(Claim.id, Claim.key).order_by(col(Claim.id)))
    return {key: label_prob(*label_likelihood(answers[known(one)])) for one, key in keys if one in answers}


def _refuse_duplicate_texts(claims: Iterable[g.Claim]) -> None:
    first: dict[str, str] = {}
    for claim in claims:
        other = first.setdefault(normalised(claim.text), claim.id)
        if other != claim.id:
            raise DuplicateTextError(
                f"The claims {other!r} and {claim.id!r} have the same text: make them one claim, or reword one of them."
            )


def _save_arguments(session: Session, arguments: Sequence[g.Argument], rows: dict[str, Claim], now: datetime) -> None:
    """Adds what the store lacks. A graph may hold one reason n times; then the store gets it n times, not n more."""
    said = {argument.id: _said(argument, rows) for argument in arguments}
    there: dict[str, set[str]] = defaultdict(set)
    for content, key in session.exec(select(Argument.content_hash, Argument.key)):
        there[content].add(key)
    content_of = {one: content_hash(*parts) for one, parts in said.items()}
    missing = {one for one, content in content_of.items() if one not in there[content]}
    for one, content in content_of.items():
        there[content].discard(one)  # met its own row, which stands for no other
    for argument in arguments:
        if argument.id not in missing:
            continue
        alike = there[content_of[argument.id]]
        if alike:
            alike.remove(min(alike))
            continue
        conclusion_id, polarity, premises = said[argument.id]
        insert_argument(session, conclusion_id, polarity, argument.strength, premises, None, now, key=argument.id)


def _said(argument: g.Argument, rows: dict[str, Claim]) -> tuple[int, str, list[tuple[int, bool]]]:
    premises = [(known(rows[premise.claim].id), premise.holds) for premise in argument.premises]
    return known(rows[argument.conclusion].id), argument.polarity, premises


def _refuse_cycle(session: Session) -> None:
    sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
    edges = select(Argument.conclusion_id, Premise.claim_id).where(Premise.argument_id == Argument.id)
    for conclusion_id, premise_id in session.exec(edges):
        sorter.add(conclusion_id, premise_id)
    try:
        sorter.prepare()
    except graphlib.CycleError as exc:
        claim = session.exec(select(Claim).where(Claim.id == exc.args[1][0])).one()
        raise CycleError(
            f"With this graph the claim {claim.key!r} would become a reason for itself, given what the store holds: "
            "import it into a store of its own."
        ) from exc


def _below(root_ids: set[int], arguments: Sequence[Argument], premises: dict[int, list[Premise]]) -> set[int]:
    reasons: dict[int, set[int]] = defaultdict(set)
    for argument in arguments:
        reasons[argument.conclusion_id].update(premise.claim_id for premise in premises[known(argument.id)])
    below, open_ids = set(root_ids), list(root_ids)
    while open_ids:
        fresh = reasons[open_ids.pop()] - below
        below |= fresh
        open_ids.extend(fresh)
    return below


def _argument(argument: Argument, premises: Sequence[Premise], keys: dict[int, str]) -> g.Argument:
    return g.Argument(
        argument.key,
        keys[argument.conclusion_id],
        "support" if argument.polarity == "support" else "attack",
        argument.strength,
        tuple(g.Premise(keys[premise.claim_id], premise.holds) for premise in premises),
    )


def _evidence(session: Session, with_answers: bool) -> dict[int, tuple[float, float]]:
    """Returns (P(label | false), P(label | true)) by the claim's id: imported times said by raters."""
    evidence = {row.claim_id: (row.if_false, row.if_true) for row in session.exec(select(Evidence))}
    for claim_id, probs in answers_by_claim(session).items() if with_answers else ():
        imported, said = evidence.get(claim_id, (1.0, 1.0)), label_likelihood(probs)
        evidence[claim_id] = (imported[0] * said[0], imported[1] * said[1])
    return evidence
