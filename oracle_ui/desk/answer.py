"""The page where raters answer: widgets only, what they do is `acts`'.

Everything but news and pace, the lease of the question before all, is in the store: a page that is loaded again shows
the same question. Texts of models and users reach the page by `st.html` and `theme.literal` only, never by a label or
Markdown.
"""

import streamlit as st

from argtree.distributions import LARGEST
from argtree.errors import ArgtreeError
from oracle_ui import acts, keys, sitting, theme
from oracle_ui.acts import Asked
from oracle_ui.desk.passing import show_passing, show_reasons
from oracle_ui.shared import foresight, guidelines, now, propagated, store_url
from oracle_ui.view import NothingView, NumberView, QuestionView
from oracle_ui.wording import NOTE_LENGTH
from store import sources
from store.queue import AnswerKind
from store.tables import Answer

_DIGITS = "%.10g"


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title="argtree", layout="centered")
    st.html(theme.STYLE)
    _show_guidelines()
    state = st.session_state
    try:
        view = sitting.ask(store_url(), state.rater, now(), propagated)
        last = sitting.undoable(store_url(), state.rater, now())
    except ArgtreeError as exc:
        _show_header()
        st.html(theme.notice(str(exc)))
        st.button("Try again", type="primary", on_click=acts.clear_news)
        return
    _show_header()
    _show_news(last)
    if isinstance(view, NothingView):
        st.html(theme.nothing(view))
        st.button("Look again", type="primary", on_click=acts.look_again)
        return
    acts.see(view)
    if isinstance(view, NumberView):
        _show_number(view)
    else:
        _show_question(view)
        foresight().look_ahead(store_url(), state.rater, view.token)


def _show_guidelines() -> None:
    with st.sidebar.expander("How to answer", icon=":material/menu_book:"):
        try:
            st.markdown(guidelines())  # the operator's own text: trusted, and yet without HTML
        except ArgtreeError as exc:
            st.html(theme.notice(str(exc)))


def _show_header() -> None:
    st.html(theme.header(st.session_state.rater, st.session_state.get("seconds", ())))


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
            on_click=acts.undo,
            args=(last.kind,),
        )


def _show_question(view: QuestionView) -> None:
    # Keys carry the token: a second click on an old button can only mean the old question.
    st.html(theme.question(view))
    if (passing := acts.asks_why(view)) is not None:
        show_reasons(view, passing)
    else:
        _show_answers(view)
    _show_extras(view)
    st.html(theme.reason(view))
    keys.listen({"p": f"percent-{view.token}", **_extra_keys(view)})


def _show_answers(view: QuestionView) -> None:
    with st.container(horizontal=True):
        _answer_button(view, "Yes", "yes", "1")
        _answer_button(view, "No", "no", "2")
    likely = 50 if view.typed.prob is None else round(100 * view.typed.prob)
    st.slider(
        "Or how likely is it? · P",
        0,
        100,
        likely,
        format="%d %%",
        key=f"percent-{view.token}",
        on_change=acts.keep,
        args=(view,),
    )
    _answer_button(view, "Answer with this probability", "probability", "3")
    show_passing(view)


def _show_number(view: NumberView) -> None:
    st.html(theme.number_question(view))
    if (passing := acts.asks_why(view)) is not None:
        show_reasons(view, passing)
    else:
        _show_number_fields(view)
    _show_extras(view)
    st.html(theme.number_reason(view))
    first = f"number-{view.token}"
    keys.listen({"p": first, **_extra_keys(view)}, enter=f"answer-number-{view.token}", first=first)


def _show_number_fields(view: NumberView) -> None:
    number, error = view.typed.number or (None, view.usual_error)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _number_field(view, "Your number · P", "number", number, -LARGEST, None)
        st.html(theme.number_unit(view), width="content")
        _number_field(view, "Give or take (right 2 times in 3)", "error", error, 0.0, view.usual_error)
    _answer_button(view, "Answer with this number", "number", None)  # Enter is `keys`' to hear
    show_passing(view)


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
        on_change=acts.keep,
        args=(view,),
    )


def _show_extras(view: Asked) -> None:
    """Shows the fields whose content goes along with whatever is answered."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _text_field(view, "Note · N", "note", view.typed.note, NOTE_LENGTH)
        _text_field(view, "Source (a link) · L", "source", view.typed.source, sources.LONGEST)


def _extra_keys(view: Asked) -> dict[str, str]:
    return {"n": f"note-{view.token}", "l": f"source-{view.token}"}


def _text_field(view: Asked, label: str, name: str, value: str, longest: int) -> None:
    st.text_input(label, value, key=f"{name}-{view.token}", max_chars=longest, on_change=acts.keep, args=(view,))


def _answer_button(view: Asked, label: str, kind: AnswerKind, shortcut: str | None) -> None:
    st.button(
        label,
        key=f"answer-{kind}-{view.token}",
        type="secondary" if kind == "probability" else "primary",
        icon=None if shortcut else ":material/keyboard_return:",
        icon_position="left" if shortcut else "right",
        shortcut=shortcut,
        width="stretch",
        on_click=acts.answer,
        args=(view, kind),
    )


if __name__ == "__main__":
    main()
