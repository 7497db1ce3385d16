"""Every root with how its probability went, and the tree of one of them."""

import streamlit as st

from argtree.outline import claims_below
from argtree.propagate import Propagation
from argtree.svg import svg
from oracle_ui import theme_desk as desk
from oracle_ui.clickable import clickable
from oracle_ui.reading import Snapshot
from oracle_ui.shared import choose_claim, course, frame, go_to_claim, picture, propagated, search, show, snapshot
from oracle_ui.view_trees import most_telling, see_claims, see_course, see_roots

_SHOWN_ROOTS = 50
_SHOWN_CLAIMS = 15


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    there = snapshot()
    root = st.query_params.get("root")
    if not there.questions:
        show(desk.title("Trees", "No questions yet"))
        show(desk.empty("Pose one on the page <b>Ask</b>: its tree of arguments grows here."))
        return
    result = propagated(there.graph)
    if root is not None and root in there.questions:
        _show_tree(root, there, result)
    else:
        _show_roots(there, result)


def _show_roots(there: Snapshot, result: Propagation) -> None:
    rows = see_roots(there, result, course())
    said = [desk.count(len(rows), "question"), desk.count(len(there.graph.claims), "claim")]
    said += [desk.count(len(there.given), "answer"), "the least certain first"]
    show(desk.title("Trees", "What was asked", " · ".join(said)))
    chosen = search("Find a question", there.questions, "found_root")
    opened = clickable(desk.block(desk.roots(rows[:_SHOWN_ROOTS])), "roots") or chosen
    if len(rows) > _SHOWN_ROOTS:
        show(desk.quiet(f"{len(rows) - _SHOWN_ROOTS:,} more, which are more certain: find them by their words."))
    if opened is not None:
        st.session_state.pop("found_root", None)
        st.query_params["root"] = opened
        st.rerun()


def _show_tree(root: str, there: Snapshot, result: Propagation) -> None:
    st.button("All questions", icon=":material/arrow_back:", type="tertiary", on_click=_leave)
    under = claims_below(there.graph, root)
    rows = see_claims(there, result, under)
    points = see_course(course(), root)
    show(
        desk.text_title("The model's own question" if root in there.own else "Question", there.texts[root]),
        desk.facts(
            ("Probability", desk.percent(rows[0].prob), _since(points)),
            ("Rests on", f"{len(under) - 1:,}", "claim" if len(under) == 2 else "claims"),
            ("Answered", f"{sum(row.label is not None for row in rows):,}", "by people"),
            ("To ask", f"{sum(key in there.open for key in under):,}", "in the queue"),
        ),
    )
    if len(points) > 1:
        picture(desk.section("As answers came in"), desk.course(points), key=f"course-{root}")
    drawn = svg(there.graph, root, result, there.labels, href_fn=desk.claim_href)
    opened = clickable(desk.block(desk.section("The tree"), desk.tree(drawn)), f"tree-{root}")
    choose_claim("Find a claim of this tree", {key: there.texts[key] for key in under}, "found_claim")
    if telling := most_telling(rows, _SHOWN_CLAIMS):
        listed = desk.section("Worth asking most") + desk.claims(telling, telling[0].value)
        opened = clickable(desk.block(listed), f"claims-{root}") or opened
    go_to_claim(opened)


def _since(points: tuple[tuple[int, float], ...]) -> str:
    return f"{desk.percent(points[0][1])} before any answer" if len(points) > 1 else "no answer moved it yet"


def _leave() -> None:
    st.query_params.pop("root", None)


if __name__ == "__main__":
    main()
