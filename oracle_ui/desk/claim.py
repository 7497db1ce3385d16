"""Everything that is known of one claim."""

import streamlit as st

from oracle_ui import theme_claim, theme_desk
from oracle_ui.clickable import clickable
from oracle_ui.reading import is_kept_from, read_claim
from oracle_ui.shared import (
    choose_claim,
    course,
    frame,
    go_to_claim,
    now,
    picture,
    propagated,
    show,
    snapshot,
    store_url,
)
from oracle_ui.view_claim import see_claim


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    there = snapshot()
    key = st.query_params.get("key")
    if not there.graph.claims:
        show(theme_desk.title("Claims", "No claims yet"))
        show(theme_desk.empty("Pose a question on the page <b>Ask</b>: the claims that it rests on come here."))
        return
    if key is None or key not in there.graph.index:
        show(theme_desk.title("Claims", "Which claim?", "" if key is None else "There is no such claim in the store."))
        choose_claim("Find a claim", there.texts, "found_claim")
        return
    if is_kept_from(store_url(), st.session_state.rater, key, now()):
        show(theme_desk.text_title("Claim", there.texts[key]))
        show(theme_desk.empty("You are being asked about this yourself: what is known of it is shown later."))
        choose_claim("Find another claim", there.texts, "found_claim")
        return
    view = see_claim(key, there, propagated(there.graph), course(), read_claim(store_url(), key))
    show(theme_claim.heading(view))
    _show_acts(key, view.row.is_root)
    if len(view.course) > 1:
        drawn = theme_desk.course(view.course, view.own)
        picture(theme_desk.section("As answers came in"), drawn, key=f"course-{key}")
    parts = (theme_claim.quantities(view), theme_claim.reasons(view), theme_claim.ways(view))
    opened = clickable(theme_desk.block(*parts), f"reasons-{key}")
    show(theme_claim.answers(view))
    told = clickable(theme_desk.block(theme_claim.beliefs(view), theme_claim.shown(view)), f"beliefs-{key}")
    choose_claim("Find another claim", there.texts, "found_claim")
    go_to_claim(opened or told)


def _show_acts(key: str, is_root: bool) -> None:
    with st.container(horizontal=True):
        for side in ("true", "false"):
            if st.button(f"What if it were {side}?"):
                st.session_state.pop("taken_from_address", None)
                st.switch_page("desk/what_if.py", query_params={side: key})
        if is_root and st.button("See its tree"):
            st.switch_page("desk/trees.py", query_params={"root": key})


if __name__ == "__main__":
    main()
