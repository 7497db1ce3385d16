"""The part of the page for answers where a rater skips or flags a question: widgets only."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from oracle_ui import acts, theme
from oracle_ui.acts import Asked, Passing
from oracle_ui.wording import FLAGS, REASONS


def show_passing(view: Asked) -> None:
    """Shows the ways not to answer."""
    with st.container(horizontal=True):
        _why_button(view, "Skip", "skip", "S")
        _why_button(view, "Flag", "flag", "F")


def show_reasons(view: Asked, passing: Passing) -> None:
    """Shows the reasons to choose from, and the way back."""
    st.html(theme.eyebrow("Why do you skip it?" if passing == "skip" else "What is wrong with it?"))
    if passing == "skip":
        _reason_buttons(view, REASONS, acts.skip)
    else:
        _reason_buttons(view, FLAGS, acts.flag)
    _why_button(view, "Back to the answers", None, "B")


def _reason_buttons(view: Asked, words: Mapping[Any, str], act_fn: Callable[[Asked, Any], None]) -> None:
    for number, (reason, label) in enumerate(words.items(), 1):
        st.button(
            label,
            key=f"{reason}-{view.token}",
            shortcut=str(number),
            width="stretch",
            on_click=act_fn,
            args=(view, reason),
        )


def _why_button(view: Asked, label: str, passing: Passing | None, shortcut: str) -> None:
    st.button(
        label,
        key=f"why-{passing}-{view.token}",
        type="tertiary",
        shortcut=shortcut,
        width="stretch",
        on_click=acts.ask_why,
        args=(view, passing),
    )
