"""The page where raters answer: widgets only.

A browser tab keeps how many answers they gave and what the last one did. Everything else, the
lease of the question before all, is in the store: a page that is loaded again shows the same question. Texts of
models and users reach the page by `st.html` and `theme.literal` only, never by a label or Markdown.
"""

import streamlit as st

from argtree.distributions import LARGEST
from argtree.errors import ArgtreeError
from oracle_ui import keys, signing_in, sitting, theme
from oracle_ui.shared import now, propagated, store_url
from oracle_ui.sitting import DoubtfulNumberError, Said
from oracle_ui.view import NothingView, NumberView, QuestionView
from store.drafts import Typed
from store.queue import AnswerKind
from store.tables import Answer

_NOTE_LENGTH = 2000  # characters
_DIGITS = "%.10g"


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title="argtree", layout="centered")
    st.html(theme.STYLE)
    state = st.session_state
    try:
        view = sitting.ask(store_url(), state.rater, now(), propagated)
        last = sitting.undoable(store_url(), state.rater, now())
    except ArgtreeError as exc:
        _show_header()
        st.html(theme.notice(str(exc)))
        st.button("Try again", type="primary", on_click=_clear_news)
        return
    _show_header()
    _show_news(last)
    if isinstance(view, NothingView):
        st.html(theme.nothing(view))
        st.button("Look again", type="primary", on_click=_look_again)
    elif isinstance(view, NumberView):
        _show_number(view)
    else:
        _show_question(view)


def _show_header() -> None:
    st.html(theme.header(st.session_state.rater, st.session_state.get("count", 0)))


def _show_news(last: Answer | None) -> None:
    """Shows what went wrong or what the last answer did, each until the next act, and the way to take it back."""
    if "notice" in st.session_state:
        st.html(theme.notice(st.session_state.notice))
    if "effect" in st.session_state:
        st.html(theme.effect(st.session_state.effect))
    if "taken_back" in st.session_state:
        st.html(theme.taken_back())
    if last is not None:
        st.button(
            "Undo my last answer",
            key=f"undo-{last.id}",
            type="tertiary",
            shortcut="U",
            on_click=_undo,
            args=(last.kind,),
        )


def _show_question(view: QuestionView) -> None:
    # Keys carry the token: a second click on an old button can only mean the old question.
    st.html(theme.question(view))
    with st.container(horizontal=True):
        _answer_button(view, "Yes", "yes", "1")
        _answer_button(view, "No", "no", "2")
    likely = 50 if view.typed.prob is None else round(100 * view.typed.prob)
    st.slider(
        "Or how likely is it? (P)",
        0,
        100,
        likely,
        format="%d %%",
        key=f"percent-{view.token}",
        on_change=_keep,
        args=(view,),
    )
    with st.container(horizontal=True):
        _answer_button(view, "Answer with this probability", "probability", "3")
        _answer_button(view, "Skip", "cannot_say", "S")
    _note_field(view)
    keys.listen({"p": f"percent-{view.token}", "n": f"note-{view.token}"})
    st.html(theme.reason(view))


def _show_number(view: NumberView) -> None:
    st.html(theme.number_question(view))
    number, error = view.typed.number or (None, view.usual_error)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _number_field(view, "Your number", "number", number, -LARGEST, None)
        st.html(theme.number_unit(view), width="content")
        _number_field(view, "Give or take (right 2 times in 3)", "error", error, 0.0, view.usual_error)
    with st.container(horizontal=True):
        _answer_button(view, "Answer with this number", "number", None)  # Enter is `keys`' to hear
        _answer_button(view, "Skip", "cannot_say", "S")
    _note_field(view)
    first = f"number-{view.token}"
    keys.listen({"p": first, "n": f"note-{view.token}"}, enter=f"answer-number-{view.token}", first=first)
    st.html(theme.number_reason(view))


def _number_field(
    view: NumberView, label: str, name: str, value: float | None, least: float, step: float | None
) -> None:
    st.number_input(
        label,
        min_value=least,
        max_value=LARGEST,
        value=value,
        step=step,
        format=_DIGITS,
        key=f"{name}-{view.token}",
        on_change=_keep,
        args=(view,),
    )


def _note_field(view: QuestionView | NumberView) -> None:
    st.text_input(
        "Note that goes with your answer (N)",
        view.typed.note,
        key=f"note-{view.token}",
        max_chars=_NOTE_LENGTH,
        on_change=_keep,
        args=(view,),
    )


def _answer_button(view: QuestionView | NumberView, label: str, kind: AnswerKind, shortcut: str | None) -> None:
    st.button(
        label,
        key=f"answer-{kind}-{view.token}",
        type="primary" if kind in ("yes", "no", "number") else "secondary",
        icon=None if shortcut else ":material/keyboard_return:",
        icon_position="left" if shortcut else "right",
        shortcut=shortcut,
        width="stretch",
        on_click=_answer,
        args=(view, kind),
    )


def _answer(view: QuestionView | NumberView, kind: AnswerKind) -> None:
    state = st.session_state
    if state.get("last_token") == view.token:
        return  # the second click of two; the first one's effect stays in sight
    percent = state.get(f"percent-{view.token}") if kind == "probability" else None
    if percent is None and kind == "probability":
        return  # the second click of two, after the first one found its question gone
    number = _typed_number(view.token)
    _clear_news()
    if kind == "number" and number is None:
        state.notice = "Give the number, in digits, and how far off it may be, above 0; or say that you can't say."
        return
    prob, note = None if percent is None else percent / 100, state.get(f"note-{view.token}", "")
    is_sure = state.get("doubted") == (view.token, number)
    said = Said(kind, prob, note, number if kind == "number" else None, is_sure)
    try:
        state.effect = sitting.answer(store_url(), signing_in.rater(), view, said, now(), propagated)
    except ArgtreeError as exc:
        state.notice = str(exc)
        if isinstance(exc, DoubtfulNumberError):
            state.doubted = (view.token, number)
        return
    state.last_token = view.token
    state.count = state.get("count", 0) + (kind != "cannot_say")


def _keep(view: QuestionView | NumberView) -> None:
    """Keeps what was typed, so that a reload or a lost connection loses nothing of it."""
    state = st.session_state
    percent, value = state.get(f"percent-{view.token}"), state.get(f"number-{view.token}")
    number = None if value is None else (value, state.get(f"error-{view.token}") or 0.0)
    typed = Typed(None, None if percent is None else percent / 100, number, state.get(f"note-{view.token}", ""))
    try:
        sitting.keep(store_url(), signing_in.rater(), view.token, typed, now())
    except ArgtreeError as exc:
        state.notice = str(exc)


def _undo(kind: str) -> None:
    state = st.session_state
    _clear_news()
    try:
        sitting.take_back(store_url(), signing_in.rater(), now(), propagated)
    except ArgtreeError as exc:
        state.notice = str(exc)
        return
    state.taken_back = True
    state.count = max(0, state.get("count", 0) - (kind != "cannot_say"))
    state.pop("last_token", None)


def _typed_number(token: str) -> tuple[float, float] | None:
    """Returns the number and its error, where both were given."""
    value, error = (st.session_state.get(f"{name}-{token}") for name in ("number", "error"))
    return None if value is None or error is None or error < 1 / LARGEST else (value, error)


def _look_again() -> None:
    _clear_news()
    try:
        signing_in.rater()
        sitting.look_again(store_url(), now(), propagated)
    except ArgtreeError as exc:
        st.session_state.notice = str(exc)


def _clear_news() -> None:
    for key in ("notice", "effect", "taken_back"):
        st.session_state.pop(key, None)


if __name__ == "__main__":
    main()
