"""Whole graphs in and out of the store: `ArgumentGraph` to rows and back, without loss."""

import graphlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from argtree import graph as g
from argtree.distributions import Distribution
from argtree.format import distribution_from_json
from store.answers import (
    Said,
    answers_by_claim,
    is_standing,
    label_likelihoods,
    override_of,
    said_likelihood,
)
from store.claims import add_quantity, add_root, content_hash, find_claim, insert_argument, insert_claim, known
from store.columns import columns
from store.direct import direct_likelihoods
from store.errors import ArguedQuantityError, CycleError, DuplicateTextError, RootNotFoundError
from store.locks import Turn, take_turn
from store.reliabilities import reliabilities
from store.tables import About, Answer, Argument, Claim, Evidence, Measurement, Premise, Quantity, Root
from store.texts import normalised


def save_graph(session: Session, graph: g.ArgumentGraph, now: datetime) -> None:
    """Brings a graph made elsewhere into the store; all of it or, on an error, nothing. The caller's scope commits.

    A claim whose text is there already, be it as an alias, is that claim and keeps the store's key, prior or quantity,
    askability and evidence; a quantity likewise its distribution and measurements. An argument that says the same as
    one that is there is that one. So importing a file twice changes nothing. Ids of the file are kept as keys where
    they are free.

    Raises:
        DuplicateTextError: two claims, or quantities, of the graph have the same text but for case, spacing and final
            punctuation, or two claims are one in the store by an alias.
        UnitError: a quantity is there in another unit.
        ArguedQuantityError: an argument would conclude a claim that says something of a quantity in the store.
        CycleError: together with what is there, a claim would become a reason for itself.
    """
    _refuse_duplicate_texts("claims", graph.claims)
    _refuse_duplicate_texts("quantities", graph.quantities)
    take_turn(session, Turn.GROW)
    with session.begin_nested():
        there = {claim.id: find_claim(session, claim.text) for claim in graph.claims}
        _refuse_merged(there)
        rows = {
            one.id: there[one.id] or insert_claim(session, one.text, one.prior, now, one.askable, key=one.id)
            for one in graph.claims
        }
        _save_quantities(session, graph, {one: rows[one] for one, known_claim in there.items() if not known_claim}, now)
        _save_arguments(session, graph.arguments, rows, now)
        asked = {claim_id for (claim_id,) in session.execute(columns(Root, "claim_id"))}  # what is there stays as it is
        for root in graph.roots:
            if known(rows[root.claim].id) not in asked:
                add_root(session, rows[root.claim].text, rows[root.claim], now, root.weight)
        for claim_id, likelihood in graph.evidence.items():
            # A known claim's evidence may be our own answers coming back; to count them twice would be worse.
            if there[claim_id] is None:
                session.add(Evidence(claim_id=known(rows[claim_id].id), if_false=likelihood[0], if_true=likelihood[1]))
        session.flush()
        _refuse_argued_quantities(session)
        _refuse_cycle(session)


def load_graph(
    session: Session, root_keys: Collection[str] | None = None, *, with_answers: bool = True
) -> g.ArgumentGraph:
    """Returns the graph of everything, or of some roots and what lies under them.

    Claims, arguments, roots and quantities stand in the order in which they came into the store. Claims that share a
    quantity with what lies under the roots, or are tied to it by comparisons, come along: what is known of them tells.
    Direct beliefs in argued claims come along as far as they count (`store.direct`).

    Args:
        root_keys: the keys of the roots' claims; None for everything.
        with_answers: whether what people said, answers and overrides, enters the evidence (as likelihoods, times what
            was imported) and the measurements.

    Raises:
        RootNotFoundError: one of root_keys is not the key of a root's claim.
    """
    session.flush()  # what follows is read past the object mapper, which is three times as quick
    claims = _rows(session, Claim, "id", "key", "text", "prior", "askable")
    arguments = _rows(session, Argument, "id", "key", "conclusion_id", "polarity", "strength")
    premises: dict[int, list[Any]] = defaultdict(list)
    stands = columns(Premise, "argument_id", "claim_id", "holds", order=("argument_id", "position"))
    for premise in session.execute(stands):
        premises[premise.argument_id].append(premise)
    roots = _rows(session, Root, "claim_id", "weight")
    keys = {claim.id: claim.key for claim in claims}
    about = list(session.exec(select(About)))
    if root_keys is not None:
        roots = [root for root in roots if keys[root.claim_id] in root_keys]
        if missing := set(root_keys) - {keys[root.claim_id] for root in roots}:
            raise RootNotFoundError(f"The claim {min(missing)!r} is not a root.")
        below = _below({root.claim_id for root in roots}, _reasons(arguments, premises))
        below |= _tied(below, about)
        claims = [claim for claim in claims if claim.id in below]
        arguments = [argument for argument in arguments if argument.conclusion_id in below]
    evidence, direct = evidence_of_claims(session, with_answers), direct_likelihoods(session)
    quantities = list(session.exec(select(Quantity).order_by(col(Quantity.id))))
    if root_keys is not None:
        used = {one for row in about if row.claim_id in below for one in (row.quantity_id, row.other_id)}
        quantities = [quantity for quantity in quantities if quantity.id in used]
    quantity_keys = {known(quantity.id): quantity.key for quantity in quantities}
    said = {row.claim_id: load_about(row, quantity_keys) for row in about if row.quantity_id in quantity_keys}
    return g.ArgumentGraph(
        claims=tuple(
            g.Claim(claim.key, claim.text, claim.prior, claim.askable, said.get(claim.id)) for claim in claims
        ),
        arguments=tuple(load_argument(argument, premises[argument.id], keys) for argument in arguments),
        roots=tuple(g.Root(keys[root.claim_id], root.weight) for root in roots),
        evidence={claim.key: evidence[claim.id] for claim in claims if claim.id in evidence},
        quantities=tuple(map(load_quantity, quantities)),
        measurements=tuple(
            g.Measurement(quantity_keys[quantity_id], value, sd)
            for quantity_id, value, sd in measurements(session, with_answers)
            if quantity_id in quantity_keys
        ),
        direct_beliefs={claim.key: direct[claim.id] for claim in claims if claim.id in direct},
    )


def _rows(session: Session, table: type[SQLModel], *names: str) -> list[Any]:
    """Returns these columns of all rows, in the order of their ids."""
    return list(session.execute(columns(table, *names, order=("id",))))


def with_answer(session: Session, graph: g.ArgumentGraph, key: str, rater_id: int, prob: float) -> g.ArgumentGraph:
    """Returns the graph that `load_graph` would give if the rater had stated P(claim) too. Nothing is stored.

    Args:
        graph: of everything, as it is in the store now.
        key: the claim's.
        prob: in [0, 1]; yes is 1.
    """
    claim_id = known(session.exec(select(Claim.id).where(Claim.key == key)).one())
    if override_of(session, claim_id) is not None:
        return graph
    said = [*answers_by_claim(session, [claim_id]).get(claim_id, []), Said(rater_id, prob)]
    likelihood = said_likelihood(said, reliabilities(session, {one.rater_id for one in said}))
    imported = imported_evidence(session, key).get(key, (1.0, 1.0))
    evidence = {**graph.evidence, key: (imported[0] * likelihood[0], imported[1] * likelihood[1])}
    in_order = {claim.id: evidence[claim.id] for claim in graph.claims if claim.id in evidence}
    return replace(graph, evidence=in_order)


def measurements(
    session: Session, with_answers: bool = True, quantity_id: int | None = None
) -> list[tuple[int, float, float]]:
    """Returns every number that came with a graph or, after those, from a rater: quantity's id, value and error.

    Args:
        quantity_id: leaves out those of other quantities.
    """
    imported = select(Measurement).order_by(col(Measurement.id))
    stated = select(Answer.quantity_id, Answer.number, Answer.sd).where(Answer.kind == "number", is_standing())
    if quantity_id is not None:
        imported = imported.where(Measurement.quantity_id == quantity_id)
        stated = stated.where(Answer.quantity_id == quantity_id)
    found = [(row.quantity_id, row.value, row.sd) for row in session.exec(imported)]
    for one, number, sd in session.exec(stated.order_by(col(Answer.id))) if with_answers else ():
        assert one is not None and number is not None and sd is not None
        found.append((one, number, sd))
    return found


def load_distribution(quantity: Quantity) -> Distribution:
    """Returns a quantity's distribution before any measurement."""
    return distribution_from_json(json.loads(quantity.distribution))


def _refuse_duplicate_texts(kind: str, things: Iterable[g.Claim] | Iterable[g.Quantity]) -> None:
    first: dict[str, str] = {}
    for one in things:
        other = first.setdefault(normalised(one.text), one.id)
        if other != one.id:
            raise DuplicateTextError(
                f"The {kind} {other!r} and {one.id!r} have the same text: make them one, or reword one of them."
            )


def _refuse_merged(there: Mapping[str, Claim | None]) -> None:
    first: dict[int, str] = {}
    for one, claim in there.items():
        if claim is not None and (other := first.setdefault(known(claim.id), one)) != one:
            raise DuplicateTextError(
                f"The claims {other!r} and {one!r} are one claim in the store: make them one, or undo that merge "
                "(`argtree merges` lists them)."
            )


def _save_quantities(session: Session, graph: g.ArgumentGraph, new_claims: dict[str, Claim], now: datetime) -> None:
    """Adds what the store lacks: quantities, what was measured of new ones, and what new claims say of them."""
    added = {quantity.id: add_quantity(session, quantity, now) for quantity in graph.quantities}
    ids = {one: known(row.id) for one, (row, _) in added.items()}
    for measured in graph.measurements:
        if added[measured.quantity][1]:  # as with evidence: it may be our own answers coming back
            row = Measurement(quantity_id=ids[measured.quantity], value=measured.value, sd=measured.sd)
            session.add(row)
    for claim in graph.claims:
        if claim.about is None or claim.id not in new_claims:
            continue
        said = About(
            claim_id=known(new_claims[claim.id].id),
            quantity_id=ids[claim.about.quantity],
            relation=claim.about.relation,
        )
        if isinstance(claim.about, g.Threshold):
            said.value = claim.about.value
        else:
            said.other_id = ids[claim.about.other]
        session.add(said)
    session.flush()


def _refuse_argued_quantities(session: Session) -> None:
    argued = select(Claim.key).join(About, col(About.claim_id) == col(Claim.id))
    argued = argued.join(Argument, col(Argument.conclusion_id) == col(Claim.id))
    if (key := session.exec(argued.limit(1)).first()) is not None:
        raise ArguedQuantityError(f"A quantity in the store decides the claim {key!r}, so no argument may conclude it.")


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


def claims_under(session: Session, root_ids: Sequence[int]) -> dict[int, set[int]]:
    """Returns for each of these claims, by id, the ids of the claims that it rests on, itself among them."""
    premises: dict[int, list[Any]] = defaultdict(list)
    for premise in session.execute(columns(Premise, "argument_id", "claim_id")):
        premises[premise.argument_id].append(premise)
    reasons = _reasons(_rows(session, Argument, "id", "conclusion_id"), premises)
    return {claim_id: _below({claim_id}, reasons) for claim_id in root_ids}


def _reasons(arguments: Sequence[Any], premises: dict[int, list[Any]]) -> dict[int, set[int]]:
    reasons: dict[int, set[int]] = defaultdict(set)
    for argument in arguments:
        reasons[argument.conclusion_id].update(premise.claim_id for premise in premises[argument.id])
    return reasons


def _below(root_ids: set[int], reasons: dict[int, set[int]]) -> set[int]:
    below, open_ids = set(root_ids), list(root_ids)
    while open_ids:
        fresh = reasons[open_ids.pop()] - below
        below |= fresh
        open_ids.extend(fresh)
    return below


def _tied(claim_ids: set[int], about: Sequence[About]) -> set[int]:
    """Returns the claims about quantities that these claims are about, or that comparisons tie to those."""
    compared = {row.claim_id: {row.quantity_id, row.other_id} - {None} for row in about}
    found = {claim_id for claim_id in compared if claim_id in claim_ids}
    while True:
        quantities = {quantity_id for claim_id in found for quantity_id in compared[claim_id]}
        more = {claim_id for claim_id, ids in compared.items() if ids & quantities} - found
        if not more:
            return found
        found |= more


def imported_evidence(session: Session, key: str) -> dict[str, tuple[float, float]]:
    """Returns the likelihoods by the claim's key that came with an imported graph; empty where none did."""
    row = session.exec(
        select(Evidence).join(Claim, col(Claim.id) == col(Evidence.claim_id)).where(Claim.key == key)
    ).first()
    return {} if row is None else {key: (row.if_false, row.if_true)}


def load_quantity(quantity: Quantity) -> g.Quantity:
    return g.Quantity(quantity.key, quantity.text, quantity.unit, load_distribution(quantity))


def load_about(row: About, keys: dict[int, str]) -> g.Threshold | g.Comparison:
    relation: g.Relation = "<" if row.relation == "<" else ">"
    if row.other_id is not None:
        return g.Comparison(keys[row.quantity_id], relation, keys[row.other_id])
    assert row.value is not None
    return g.Threshold(keys[row.quantity_id], relation, row.value)


def load_argument(argument: Any, premises: Sequence[Any], keys: Mapping[int, str]) -> g.Argument:
    """Returns an argument from its row and those of its premises, with the claims' keys by their ids."""
    return g.Argument(
        argument.key,
        keys[argument.conclusion_id],
        "support" if argument.polarity == "support" else "attack",
        argument.strength,
        tuple(g.Premise(keys[premise.claim_id], premise.holds) for premise in premises),
    )


def evidence_of_claims(session: Session, with_answers: bool = True) -> dict[int, tuple[float, float]]:
    """Returns (P(label | false), P(label | true)) by the claim's id: imported times said by raters."""
    evidence = {row.claim_id: (row.if_false, row.if_true) for row in session.exec(select(Evidence))}
    for claim_id, said in label_likelihoods(session).items() if with_answers else ():
        imported = evidence.get(claim_id, (1.0, 1.0))
        evidence[claim_id] = (imported[0] * said[0], imported[1] * said[1])
    return evidence
