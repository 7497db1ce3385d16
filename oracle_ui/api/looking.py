"""To look at: claims, roots, how many there are of what."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from argtree.evidence import is_settled
from oracle_ui.api import acts
from oracle_ui.api.door import Present
from oracle_ui.api.problems import documented
from oracle_ui.api.schemas import Claim, Root, Roots, Stats

router = APIRouter(prefix="/v1", tags=["figures"], responses=documented(401, 403, 429, 500, 503))


@router.get("/claims/{key:path}", responses=documented(404, 422))
def look_at_claim(key: str, client: Present) -> Claim:
    """What is known of a claim: its answers together, nobody's own.

    While the token's rater is being asked about it, nothing is said of others' answers: there is no label, and the
    posterior is the one that came with the question. Else the posterior is propagated as for the pages, once for all
    clients and again only when something came in.
    """
    desk = client.desk
    judged = acts.look_at_claim(desk.engine, client.rater, key, desk.now_fn())
    if judged is None:
        raise HTTPException(404, "There is no claim of that key.")
    known, asked = desk.figures.known(), judged.prob_when_asked
    return Claim(
        key=key,
        text=judged.text,
        posterior=known.posterior(key) if asked is None else asked,
        label=judged.label,
        settled=judged.label is not None and is_settled(judged.label),
        answers=judged.answers,
        trouble=known.trouble,
    )


@router.get("/roots")
def list_roots(client: Present) -> Roots:
    """The roots, with what is thought of them now.

    Posteriors are propagated as for the pages, once for all clients and again only when something came in.
    """
    roots = acts.list_roots(client.desk.engine)
    known = client.desk.figures.known()
    return Roots(
        roots=[
            Root(key=key, question=question, weight=weight, posterior=known.posterior(key))
            for key, question, weight in roots
        ],
        trouble=known.trouble,
    )


@router.get("/stats")
def stats(client: Present) -> Stats:
    """How many there are of what, counted anew every five seconds at most; nothing is propagated."""
    return client.desk.figures.stats(client.desk.now_fn())
