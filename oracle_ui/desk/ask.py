"""A new question, posed here and taken on by the daemon, which has the model."""

import streamlit as st

from argtree.errors import ArgtreeError
from argtree.outline import claims_below
from oracle_ui import reading, signing_in
from oracle_ui import theme_desk as desk
from oracle_ui.clickable import clickable
from oracle_ui.reading import Snapshot
from oracle_ui.shared import frame, now, propagated, show, snapshot, store_url
from oracle_ui.theme import literal
from store.posed import MAX_LENGTH, Posed

_POLL_SECONDS = 4.0


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    show(
        desk.title(
            "Ask",
            "What would you like to know?",
            "A question that yes or no answers. The model argues it out, and people are asked what it hangs on.",
        )
    )
    with st.form("pose", border=False):
        st.text_area(
            "Your question",
            key="posed_text",
            max_chars=MAX_LENGTH,
            placeholder="Would a candle survive a drop from a roof?",
        )
        st.form_submit_button("Ask", type="primary", on_click=_pose)
    if "posed_trouble" in st.session_state:
        show(desk.notice(st.session_state.posed_trouble))
    _show_posed()


def _pose() -> None:
    state = st.session_state
    state.pop("posed_trouble", None)
    try:
        reading.pose(store_url(), state.posed_text, signing_in.rater(), now())
    except ArgtreeError as exc:
        state.posed_trouble = str(exc)
        return
    state.posed_text = ""


@st.fragment(run_every=_POLL_SECONDS)
def _show_posed() -> None:
    try:
        posed, there = reading.read_posed(store_url()), snapshot()
        body = "".join(f'<li class="desk-row">{_posed(one, there)}</li>' for one in posed)
    except ArgtreeError as exc:
        show(desk.notice(str(exc)))
        return
    show(desk.section("Posed here"))
    if not posed:
        show(desk.empty("Nothing was posed here yet."))
        return
    if any(one.stage == "waiting" for one in posed):
        show(desk.quiet("What waits is taken on by <code>argtree daemon</code>; this list follows by itself."))
    opened = clickable(desk.block(f'<ul class="desk-list">{body}</ul>'), "posed")
    if opened is not None:
        st.switch_page("desk/trees.py", query_params={"root": opened})


def _posed(one: Posed, there: Snapshot) -> str:
    by = f'<span class="desk-side">{literal(one.asked_by, 80)} · {desk.when(one.posed_at)}</span>'
    text = literal(one.text, 400)
    if one.root is not None and one.root in there.questions:
        text = desk.link(one.root, text, "desk-inline", "trees")
        said, hue = "being explored", "for"
        num = len(claims_below(there.graph, one.root)) - 1
        by += f'<br><span class="desk-side">{desk.count(num, "claim")} so far, {_stands(one.root, there)}</span>'
    elif one.stage == "refused":
        said, hue = "refused", "against"
        by += f"<br>{literal(one.refusal or '')}"
    else:
        said, hue = "waiting", "gold"
    return f'<span>{text}<br>{by}</span><span class="desk-chip desk-{hue}">{said}</span>'


def _stands(root: str, there: Snapshot) -> str:
    result = propagated(there.graph)
    return f"it stands at {desk.percent(float(result.prob[result.graph.index[root]]))}"


if __name__ == "__main__":
    main()
