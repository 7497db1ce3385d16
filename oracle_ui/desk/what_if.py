"""Claims held true or false by hand, and what would become of the roots; nothing is stored."""

import streamlit as st

from oracle_ui import theme_desk as desk
from oracle_ui.clickable import clickable
from oracle_ui.reading import Snapshot
from oracle_ui.shared import frame, go_to_claim, propagated, show, snapshot
from oracle_ui.theme import literal
from oracle_ui.view_trees import choices
from oracle_ui.view_what_if import Outcome, see_outcomes

_SHOWN = 40
_MOST_HELD = 30  # on each side
_SIDES = ("true", "false")


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    there = snapshot()
    show(
        desk.title(
            "What if",
            "Suppose it were so",
            "Hold claims true or false and see where that would leave the questions. Nothing is stored.",
        )
    )
    if not there.questions:
        show(desk.empty("There are no questions yet: pose one on the page <b>Ask</b>."))
        return
    _take_from_address(there)
    shown = choices(there.texts)
    for side in _SIDES:
        st.multiselect(
            f"Hold {side}",
            list(shown),
            format_func=lambda key: shown.get(key, key),
            key=f"held_{side}",
            placeholder="Type a few words of a claim",
            max_selections=_MOST_HELD,
        )
    true, false = ([key for key in st.session_state[f"held_{side}"] if key in shown] for side in _SIDES)
    if not true and not false:
        show(desk.empty("Choose a claim above, and the questions that it moves come here."))
        return
    st.button("Clear all", on_click=_clear)
    outcomes = see_outcomes(propagated(there.graph), true, false, propagated)
    if not outcomes:
        show(desk.empty("No question would move."))
        return
    moved = "would move" if len(outcomes) <= _SHOWN else f"would move; these {_SHOWN} the farthest"
    show(desk.section(f"{desk.count(len(outcomes), 'question')} {moved}"))
    body = "".join(f"<li>{_outcome(one, there)}</li>" for one in outcomes[:_SHOWN])
    go_to_claim(clickable(desk.block(f'<ul class="desk-list">{body}</ul>'), "outcomes"))


def _take_from_address(there: Snapshot) -> None:
    """Holds what the address names, once: from then on the fields say what is held."""
    wanted = [(side, st.query_params[side]) for side in _SIDES if st.query_params.get(side) in there.graph.index]
    if wanted and st.session_state.get("taken_from_address") != wanted:
        st.session_state.taken_from_address = wanted
        for side in _SIDES:
            st.session_state[f"held_{side}"] = [key for one, key in wanted if one == side]


def _outcome(one: Outcome, there: Snapshot) -> str:
    text = desk.link(one.key, literal(there.texts[one.key], 300), "desk-inline")
    return desk.move(text, one.before, one.after)


def _clear() -> None:
    for side in _SIDES:
        st.session_state[f"held_{side}"] = []


if __name__ == "__main__":
    main()
