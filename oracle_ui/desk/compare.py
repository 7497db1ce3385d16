"""The page where raters compare two arguments: widgets only.

A browser tab keeps the pair in sight, so that what others say meanwhile does not change it under
their eyes. Everything else is in the store. Texts of models and users reach the page by `st.html` and `theme.literal`
only, never by a label or Markdown.
"""

import streamlit as st

from argtree.errors import ArgtreeError
from oracle_ui import comparing, signing_in, theme, theme_compare
from oracle_ui.shared import now, store_url
from oracle_ui.view_compare import PairView
from oracle_ui.wording import NOTE_LENGTH
from store.comparisons import ComparisonKind


def main() -> None:
    """Draws the page once."""
    st.html(theme.STYLE)
    st.html(theme_compare.STYLE)
    state = st.session_state
    try:
        if "compare_pair" not in state:
            state.compare_pair = comparing.show(store_url(), signing_in.rater(), now())
        last = comparing.undoable(store_url(), signing_in.rater(), now())
    except ArgtreeError as exc:
        st.html(theme.notice(str(exc)))
        st.button("Try again", type="primary", on_click=_clear_news)
        return
    _show_header()
    _show_news(last)
    if state.compare_pair is None:
        st.html(theme_compare.nothing())
        st.button("Look again", type="primary", on_click=_look_again)
    else:
        _show_pair(state.compare_pair)


def _show_header() -> None:
    state = st.session_state
    st.html(theme_compare.header(signing_in.rater(), state.get("num_compared", 0)))


def _show_news(last: str | None) -> None:
    """Shows what went wrong or what the last comparison did, and the way to take it back."""
    state = st.session_state
    for key, draw in (("compare_notice", theme.notice), ("compared", theme_compare.compared)):
        if key in state:
            st.html(draw(state[key]))
    if state.get("is_taken_back"):
        st.html(theme.taken_back())
    if last is not None:
        st.button("Undo my last one", key=f"undo-{last}", type="tertiary", shortcut="U", on_click=_undo, args=(last,))


def _show_pair(view: PairView) -> None:
    # Keys carry the token: a second click on an old button can only mean the old pair.
    st.html(theme_compare.pair(view))
    with st.container(horizontal=True):
        _button(view, "First is better", "first", "1")
        _button(view, "Second is better", "second", "2")
        _button(view, "About equal", "equal", "3")
        _button(view, "Can't say", "cannot_say", "S")
    st.text_input("Note that goes with it (optional)", key=f"note-{view.token}", max_chars=NOTE_LENGTH)
    st.html(theme_compare.reason())


def _button(view: PairView, label: str, kind: ComparisonKind, shortcut: str) -> None:
    st.button(
        label,
        key=f"{kind}-{view.token}",
        type="primary" if kind in ("first", "second") else "secondary",
        shortcut=shortcut,
        width="stretch",
        on_click=_say,
        args=(view, kind),
    )


def _say(view: PairView, kind: ComparisonKind) -> None:
    state = st.session_state
    if state.get("last_compared") == view.token:
        return  # the second click of two; the first one's effect stays in sight
    _clear_news()
    state.pop("compare_pair", None)
    try:
        note = state.get(f"note-{view.token}", "")
        state.compared = comparing.say(store_url(), signing_in.rater(), view, kind, note, now())
    except ArgtreeError as exc:
        state.compare_notice = str(exc)
        return
    state.last_compared = view.token
    state.num_compared = state.get("num_compared", 0) + 1


def _undo(token: str) -> None:
    state = st.session_state
    _look_again()
    try:
        comparing.undo(store_url(), signing_in.rater(), token, now())
    except ArgtreeError as exc:
        state.compare_notice = str(exc)
        return
    state.is_taken_back = True
    state.num_compared = max(state.get("num_compared", 0) - 1, 0)


def _look_again() -> None:
    _clear_news()
    st.session_state.pop("compare_pair", None)


def _clear_news() -> None:
    for key in ("compare_notice", "compared", "is_taken_back"):
        st.session_state.pop(key, None)


if __name__ == "__main__":
    main()
