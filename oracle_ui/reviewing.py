"""What reviewers do in the store: set labels, decide about flags. No widgets, no state of its own."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from argtree.errors import ArgtreeError
from oracle_ui.entrance import acting
from oracle_ui.reading import opened
from oracle_ui.sitting import PropagateFn, rank_anew
from oracle_ui.view import Effect, see_effect
from store import corrections, flags
from store.claims import root_questions
from store.database import read_scope
from store.graphs import load_graph
from store.tables import Rater

Act = Callable[[Session, Rater], object]


def set_labels(
    url: str,
    token: str,
    probs: Mapping[str, float | None],
    note: str,
    now: datetime,
    propagate_fn: PropagateFn,
    *,
    said: str,
    about: str,
) -> Effect:
    """Returns what setting labels did, all or none; the queue is ranked anew.

    Args:
        url: of the store.
        token: of the sitting of who does it.
        probs: as for `store.corrections.override_all`.
        note: goes with each.
        now: the time.
        propagate_fn: propagates the store's graph.
        said: what was done, and
        about: to what, in words, for the effect.

    Raises:
        SignInError: nobody is signed in with the token.
        NotAllowedError, StoreError: as `store.corrections.override_all`; nothing is changed.
    """

    def act(session: Session, by: Rater) -> object:
        return corrections.override_all(session, probs, by, now, note)

    return _do(url, token, act, now, propagate_fn, said, about)


def decide(
    url: str,
    token: str,
    question_id: int,
    back_to_queue: bool,
    note: str,
    now: datetime,
    propagate_fn: PropagateFn,
    *,
    about: str,
) -> Effect:
    """Returns what deciding about a question's flags did; the queue is ranked anew. Raises as `store.flags.resolve`."""

    def act(session: Session, by: Rater) -> object:
        return flags.resolve(session, question_id, back_to_queue, by, now, note)

    said = "put back in the queue" if back_to_queue else "set aside for good"
    return _do(url, token, act, now, propagate_fn, said, about)


def _do(url: str, token: str, act: Act, now: datetime, propagate_fn: PropagateFn, said: str, about: str) -> Effect:
    with opened(url) as engine:
        with read_scope(engine) as session:
            graph = load_graph(session)
        try:
            before = propagate_fn(graph)
        except ArgtreeError:  # what is set now may well be what puts it right
            before = None
        with acting(url, token, now) as (session, by):
            act(session, by)
        try:
            after = rank_anew(engine, now, propagate_fn)
            with read_scope(engine) as session:
                questions = root_questions(session)
        except ArgtreeError as exc:
            return Effect(said, about, (), str(exc))
    return see_effect(said, about, before, after, questions)
