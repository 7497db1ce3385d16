"""Reviewers' page: labels in doubt, labels that were set, flags, and who did what. The store refuses everybody else.

A browser tab keeps in `st.session_state` what the last act did (`review_effect`) or why it was refused
(`review_trouble`), how many claims are shown (`review_shown`), and where the list of who did what is (`audit_at`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import streamlit as st

from argtree.errors import ArgtreeError
from oracle_ui import audit, reading, reviewing, theme_review
from oracle_ui import theme_desk as desk
from oracle_ui.entrance import acting
from oracle_ui.shared import frame, now, propagated, search, show, snapshot, store_url
from oracle_ui.view_trees import choices
from oracle_ui.wording import NOTE_LENGTH
from store import history, review
from store.database import read_scope
from store.flags import Flagged, list_flags
from store.history import Event
from store.review import Case

Part = Literal["doubt", "set", "flags", "audit"]
_PARTS: tuple[Part, ...] = ("doubt", "set", "flags", "audit")
_FIRST_SHOWN, _MORE_SHOWN = 10, 20
_EVENTS = 50  # on a page
_EVENTS_AT_ONCE = 1000  # of a file
_NOTHING = {
    "doubt": "No label is in doubt: raters agree wherever several answered. Claims come here on which they stand "
    "against each other, or that their answers left unsettled.",
    "set": "No label is set by a reviewer. Who knows better than the answers says so under <b>In doubt</b>.",
    "flags": "No question is flagged. Raters flag one on the page <b>Answer</b>, with the key F.",
    "audit": "Nobody has done anything that fits. Clear the fields above to see all, or answer the first question.",
}


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    show(desk.title("Review", "What needs a second look", "Set labels right, decide about flags, see who did what."))
    state = st.session_state
    shown = state.get("review_shown", _FIRST_SHOWN)
    with acting(store_url(), state.sitting, now(), read_scope) as (session, by):
        settled, num_set = review.list_set(session, by, shown)
        flags = _by_question(list_flags(session, by))
    doubtful, num_doubtful = _doubtful(
        store_url(), reading.mark(store_url()), shown
    )  # to whom the store showed the rest
    _show_news()
    undecided = sum(any(one.resolution is None for one in group) for group in flags)
    counts = {"doubt": num_doubtful, "set": num_set, "flags": undecided}
    part = st.segmented_control(
        "What to look at",
        _PARTS,
        default="doubt",
        required=True,
        format_func=lambda one: _part_name(one, counts.get(one, 0)),
        key="review_part",
        label_visibility="collapsed",
    )
    if part == "flags":
        _show_flags(flags)
    elif part == "audit":
        _show_audit()
    else:
        _show_cases(*((settled, num_set) if part == "set" else (doubtful, num_doubtful)), part or "doubt")


@st.cache_resource(max_entries=4, show_spinner=False)
def _doubtful(url: str, mark: tuple[int, ...], limit: int) -> tuple[list[Case], int]:
    """Returns the claims in doubt, looked for again only when something came in: all answers are read for it."""
    with reading.opened(url) as engine, read_scope(engine) as session:
        return review.list_doubtful(session, None, limit)


def _part_name(part: Part, count: int) -> str:
    name = {"doubt": "In doubt", "set": "Set by reviewers", "flags": "Flags", "audit": "Audit"}[part]
    return f"{name} · {count:,}" if count else name


def _show_news() -> None:
    state = st.session_state
    if "review_trouble" in state:
        show(desk.notice(state.review_trouble))
    if "review_effect" in state:
        show(theme_review.effect(state.review_effect))


def _show_cases(cases: list[Case], total: int, part: str) -> None:
    if not cases:
        show(desk.empty(_NOTHING[part]))
        return
    _show_bulk(cases, part)
    for number, case in enumerate(cases, 1):
        with st.container(border=True):
            st.checkbox(f"Choose claim {number}", key=f"pick-{case.claim}")
            show(theme_review.case(case))
            _show_decision(case)
    if total > len(cases):
        st.button(f"Show more of {total:,}", on_click=_show_more)


def _show_bulk(cases: list[Case], part: str) -> None:
    state = st.session_state
    chosen = [case for case in cases if state.get(f"pick-{case.claim}")]
    with st.container(border=True):
        words = (
            "Several at once: choose claims below, or" if not chosen else f"{desk.count(len(chosen), 'claim')} chosen"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(desk.block(f"<p>{words}</p>"), width="content")
            st.button("Choose all shown", on_click=_pick, args=([case.claim for case in cases], True))
            if chosen:
                st.button("Choose none", on_click=_pick, args=([case.claim for case in cases], False))
        if chosen:
            with st.form(f"bulk-{part}", border=False):
                st.text_input("Note, for all of them", key="note-bulk", max_chars=NOTE_LENGTH)
                with st.container(horizontal=True):
                    _press("All are true", _set_many, chosen, 1.0)
                    _press("All are false", _set_many, chosen, 0.0)
                    _press("Each as it leans", _set_as_they_lean, chosen)
                    if part == "set":
                        _press("Leave all to the answers", _set_many, chosen, None)


def _show_decision(case: Case) -> None:
    percent = None if case.label is None else min(max(round(100 * case.label), 0), 100)
    with st.form(f"case-{case.claim}", border=False):
        st.text_input(
            "Note", key=f"note-{case.claim}", max_chars=NOTE_LENGTH, placeholder="Why, for whoever asks later"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _press("It is true", _set_one, case, 1.0, key=f"true-{case.claim}")
            _press("It is false", _set_one, case, 0.0, key=f"false-{case.claim}")
            st.number_input("Probability in %", 0, 100, percent, key=f"percent-{case.claim}", width=140)
            _press("Set probability", _set_percent, case, key=f"set-{case.claim}")
            if case.setting is not None:
                _press("Leave it to the answers", _set_one, case, None, key=f"lift-{case.claim}")


def _show_flags(groups: list[list[Flagged]]) -> None:
    if not groups:
        show(desk.empty(_NOTHING["flags"]))
    shown = st.session_state.get("review_shown", _FIRST_SHOWN)
    for flags in groups[:shown]:
        first = flags[0]
        with st.container(border=True):
            show(theme_review.flagged(flags))
            decided = first.resolution is not None
            if decided and not first.is_held:
                continue
            with st.form(f"flags-{first.question_id}", border=False):
                st.text_input("Note", key=f"note-{first.question_id}-flags", max_chars=NOTE_LENGTH)
                with st.container(horizontal=True):
                    _press("Back to the queue", _decide, first, True, key=f"back-{first.question_id}")
                    if not decided:
                        _press("Set aside for good", _decide, first, False, key=f"aside-{first.question_id}")
    if len(groups) > shown:
        st.button(f"Show more of {len(groups):,}", on_click=_show_more)


def _show_audit() -> None:
    state = st.session_state
    with acting(store_url(), state.sitting, now(), read_scope) as (session, by):
        shown = choices({name: name for name in history.names(session, by)})
    rater = st.selectbox(
        "By or about whom",
        list(shown),
        index=None,
        format_func=shown.__getitem__,
        placeholder="Everybody",
        key="audit_rater",
    )
    claim = search("About which claim", snapshot().texts, "audit_claim")
    asked, older = state.get("audit_at", (None, None))
    older = older if asked == (rater, claim) else None  # other fields: from the newest on
    with acting(store_url(), state.sitting, now(), read_scope) as (session, by):
        page = history.history(session, by, _EVENTS, rater=rater, claim=claim, older=older)
    if not page.events:
        show(desk.empty(_NOTHING["audit"]))
        return
    show(theme_review.events(page.events))
    with st.container(horizontal=True):
        if older is not None:
            st.button("Newest", on_click=state.__setitem__, args=("audit_at", (None, None)))
        if page.older is not None:
            st.button("Older", on_click=state.__setitem__, args=("audit_at", ((rater, claim), page.older)))
        st.download_button(
            "Download as CSV",
            partial(_file, store_url(), state.sitting, rater, claim),
            file_name="argtree-audit.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _file(url: str, token: str, rater: str | None, claim: str | None) -> bytes:
    """Returns all that fits as CSV, in UTF-8 and marked as that, since spreadsheets guess otherwise."""
    events: list[Event] = []
    with acting(url, token, now(), read_scope) as (session, by):
        older: history.Older | None = {}
        while older is not None:
            page = history.history(session, by, _EVENTS_AT_ONCE, rater=rater, claim=claim, older=older)
            events += page.events
            older = page.older
    return audit.table(events).encode("utf-8-sig")


def _by_question(flags: list[Flagged]) -> list[list[Flagged]]:
    groups: dict[int, list[Flagged]] = {}
    for flag in flags:
        groups.setdefault(flag.question_id, []).append(flag)
    return list(groups.values())


def _press(label: str, act: Callable[..., None], *given: Any, key: str | None = None) -> None:
    st.form_submit_button(label, key=key, on_click=_act, args=(act, *given))


def _act(act: Callable[..., None], *given: Any) -> None:
    state = st.session_state
    for key in ("review_trouble", "review_effect"):
        state.pop(key, None)
    try:
        act(*given)
    except (ArgtreeError, ValueError) as exc:
        state.review_trouble = str(exc)


def _set_one(case: Case, prob: float | None) -> None:
    _set({case.claim: prob}, f"note-{case.claim}", f"the label is {audit.label_words(prob)}", case.text)


def _set_percent(case: Case) -> None:
    percent = st.session_state.get(f"percent-{case.claim}")
    if percent is None:
        raise ValueError("Give the probability in percent first, a number from 0 to 100.")
    _set_one(case, percent / 100)


def _set_many(cases: list[Case], prob: float | None) -> None:
    said = f"all labels are {audit.label_words(prob)}"
    _set({case.claim: prob for case in cases}, "note-bulk", said, desk.count(len(cases), "claim"))


def _set_as_they_lean(cases: list[Case]) -> None:
    if any(case.label is None or case.label == 0.5 for case in cases):
        raise ValueError("The label of a chosen claim leans to neither side: choose true or false for it by itself.")
    probs = {case.claim: float(case.label is not None and case.label > 0.5) for case in cases}
    _set(probs, "note-bulk", "each label is as it leaned", desk.count(len(cases), "claim"))


def _set(probs: dict[str, float | None] | dict[str, float], note: str, said: str, about: str) -> None:
    state = st.session_state
    state.review_effect = reviewing.set_labels(
        store_url(), state.sitting, probs, state.get(note, ""), now(), propagated, said=said, about=about
    )
    _pick(list(probs), False)


def _decide(flag: Flagged, back_to_queue: bool) -> None:
    state = st.session_state
    note = state.get(f"note-{flag.question_id}-flags", "")
    state.review_effect = reviewing.decide(
        store_url(), state.sitting, flag.question_id, back_to_queue, note, now(), propagated, about=flag.text
    )


def _pick(claims: list[str], chosen: bool) -> None:
    for claim in claims:
        st.session_state[f"pick-{claim}"] = chosen


def _show_more() -> None:
    st.session_state.review_shown = st.session_state.get("review_shown", _FIRST_SHOWN) + _MORE_SHOWN


if __name__ == "__main__":
    main()
