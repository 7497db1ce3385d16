"""What buttons and fields of the page for answers do: from what stands in the session's state to the store and back.

A browser tab keeps in `st.session_state` how long each answer took (`seconds`), what the last act did (`effect`,
`taken_back`, `notice`), and of the question before it: when it was shown (`shown`), whether its rater is asked for a
reason (`passing`), the answered one's token (`last_token`) and a number that was doubted (`doubted`).
"""

from typing import Literal

import streamlit as st

from argtree.distributions import LARGEST
from argtree.errors import ArgtreeError
from oracle_ui import signing_in, sitting
from oracle_ui.shared import now, propagated, store_url
from oracle_ui.sitting import DoubtfulNumberError, Said
from oracle_ui.view import NumberView, QuestionView
from store.drafts import Typed
from store.flags import FlagKind
from store.queue import AnswerKind, Reason

Asked = QuestionView | NumberView
Passing = Literal["skip", "flag"]


def see(view: Asked) -> None:
    """Notes when a question was first shown."""
    state = st.session_state
    if state.get("shown", ("", None))[0] != view.token:
        state.shown = (view.token, now())


def answer(view: Asked, kind: AnswerKind) -> None:
    """Hands in an answer; without a number that makes sense, says what is missing."""
    state = st.session_state
    typed = _typed(view)
    number = typed.number if kind == "number" else None
    if kind == "probability" and f"percent-{view.token}" not in state:
        return  # the second click of two, after the first one found its question gone
    if kind == "number" and (number is None or number[1] < 1 / LARGEST) and state.get("last_token") != view.token:
        clear_news()
        state.notice = "Give the number, in digits, and how far off it may be, above 0; or skip it."
        return
    is_sure = state.get("doubted") == (view.token, number)
    prob = typed.prob if kind == "probability" else None
    _hand_in(view, Said(kind, prob, typed.note, number, is_sure, typed.source))


def skip(view: Asked, reason: Reason) -> None:
    """Hands in that the rater can't say, and why."""
    typed = _typed(view)
    _hand_in(view, Said("cannot_say", note=typed.note, source=typed.source, reason=reason))


def flag(view: Asked, kind: FlagKind) -> None:
    """Hands in what is wrong with the question."""
    typed = _typed(view)
    _hand_in(view, Said("cannot_say", note=typed.note, source=typed.source, flag=kind))


def ask_why(view: Asked, passing: Passing | None) -> None:
    """Has the reasons take the place of the answers; None brings the answers back."""
    st.session_state.passing = (view.token, passing)


def asks_why(view: Asked) -> Passing | None:
    """Returns for what the rater is asked for a reason, None if they are not."""
    token, passing = st.session_state.get("passing", ("", None))
    return passing if token == view.token else None


def keep(view: Asked) -> None:
    """Keeps what was typed, so that a reload or a lost connection loses nothing of it."""
    try:
        sitting.keep(store_url(), signing_in.rater(), view.token, _typed(view), now())
    except ArgtreeError as exc:
        st.session_state.notice = str(exc)


def undo(kind: str) -> None:
    """Takes back the last answer, which was of this kind."""
    state = st.session_state
    clear_news()
    try:
        sitting.take_back(store_url(), signing_in.rater(), now(), propagated)
    except ArgtreeError as exc:
        state.notice = str(exc)
        return
    state.taken_back = True
    if kind != "cannot_say":
        state.seconds = state.get("seconds", ())[:-1]
    state.pop("last_token", None)


def look_again() -> None:
    """Ranks the queue anew."""
    clear_news()
    try:
        signing_in.rater()
        sitting.look_again(store_url(), now(), propagated)
    except ArgtreeError as exc:
        st.session_state.notice = str(exc)


def clear_news() -> None:
    """Forgets what the last act did."""
    for key in ("notice", "effect", "taken_back"):
        st.session_state.pop(key, None)


def _hand_in(view: Asked, said: Said) -> None:
    state = st.session_state
    if state.get("last_token") == view.token:
        return  # the second click of two; the first one's effect stays in sight
    clear_news()
    at = now()
    try:
        state.effect = sitting.answer(store_url(), signing_in.rater(), view, said, at, propagated)
    except ArgtreeError as exc:
        state.notice = str(exc)
        if isinstance(exc, DoubtfulNumberError):
            state.doubted = (view.token, said.number)
        return
    state.last_token = view.token
    if said.kind != "cannot_say":
        token, shown_at = state.get("shown", (view.token, at))
        took = (at - shown_at).total_seconds() if token == view.token else 0.0
        state.seconds = (*state.get("seconds", ()), took)


def _typed(view: Asked) -> Typed:
    """Returns what stands in the fields; of those that are not on the page, what was kept."""
    state, kept = st.session_state, view.typed
    percent = state.get(f"percent-{view.token}")
    value, error = (state.get(f"{name}-{view.token}") for name in ("number", "error"))
    is_number_shown = f"number-{view.token}" in state
    number = kept.number if not is_number_shown else None if value is None else (value, error or 0.0)
    return Typed(
        None,
        kept.prob if percent is None else percent / 100,
        number,
        state.get(f"note-{view.token}", kept.note),
        state.get(f"source-{view.token}", kept.source),
    )
