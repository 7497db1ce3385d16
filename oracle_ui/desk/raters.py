"""Administrators' page: who answers, how well, what they may do, pauses and invitations. Others the store refuses."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from argtree.errors import ArgtreeError, ImpossibleEvidenceError, TooEntangledError
from oracle_ui import sitting, theme_raters
from oracle_ui import theme_desk as desk
from oracle_ui.entrance import acting
from oracle_ui.shared import frame, now, propagated, show, store_url
from oracle_ui.signing_in import INVITATION
from oracle_ui.theme import literal
from oracle_ui.view_trees import choices
from store import invitations, roles
from store.database import read_scope
from store.invitations import Invited
from store.raters import find_rater
from store.records import Record, list_records
from store.roles import ROLES, Standing

_ANYBODY = "somebody new"


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    show(desk.title("Raters", "Who answers here", "Raters answer, reviewers set labels right too, administrators all."))
    with acting(store_url(), st.session_state.sitting, now(), read_scope) as (session, by):
        records = list_records(session, by)
        invited = invitations.list_invitations(session, by, now())
    show(
        theme_raters.raters(records),
        desk.quiet(
            "<b>Sensitivity</b>: how often somebody says yes where a claim is true; <b>specificity</b>: how often no "
            "where it is false. The band is where it lies with 90&nbsp;%, the mark its mean."
        ),
    )
    if "raters_trouble" in st.session_state:
        show(desk.notice(st.session_state.raters_trouble))
    names = choices({one.standing.name: one.standing.name for one in records})
    _show_changes(names, records)
    _show_invitations(names, invited)


def _show_invitations(names: dict[str, str], invited: list[Invited]) -> None:
    show(desk.section("Invite"))
    with st.form("invite", border=False):
        shown = {_ANYBODY: _ANYBODY} | {f"={name}": f"{label}, for a new password" for name, label in names.items()}
        st.selectbox("Whom", list(shown), format_func=shown.__getitem__, key="invite_whom")
        st.selectbox("As (who is here keeps their role)", ROLES, key="invite_role")
        st.form_submit_button("Make a link", type="primary", on_click=_act, args=(_invite,))
    if "invite_link" in st.session_state:
        show(desk.quiet("Good once, for a week. Give it to nobody else; it is not shown again."))
        st.code(st.session_state.invite_link, language=None)
    for one in invited:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            whom = _ANYBODY if one.rater is None else literal(one.rater)
            st.html(desk.block(f"<p>{whom}, {one.role}, until {desk.when(one.expires_at)}</p>"), width="content")
            st.button("Withdraw", key=f"withdraw-{one.id}", on_click=_act, args=(_withdraw, one.id))


def _show_changes(names: dict[str, str], records: list[Record]) -> None:
    show(desk.section("Change"))
    name = st.selectbox("Rater", list(names), format_func=names.__getitem__, key="changed_rater")
    record = next(one for one in records if one.standing.name == name)
    one = record.standing
    with st.form(f"role-{name}", border=False):
        st.selectbox("Role", ROLES, index=ROLES.index(one.role), key="changed_role")
        st.form_submit_button("Change role", on_click=_act, args=(_set_role, name))
    _show_vouching(one)
    if record.is_dismissed:
        show(desk.quiet("What they said before does not count: it moves no label, and is in no dataset."))
        st.button("Count their answers again", on_click=_act, args=(_count_again, name))
    if one.paused_at is not None:
        st.button("Let them answer again", on_click=_act, args=(_resume, name))
        return
    with st.form(f"pause-{name}", border=False):
        st.text_input("Why they should pause (they are told)", key="pause_reason", max_chars=500)
        st.checkbox("And their answers so far no longer count", key="pause_dismiss")
        st.form_submit_button("Pause", on_click=_act, args=(_pause, name))


def _show_vouching(one: Standing) -> None:
    if one.role != "rater":
        show(desk.quiet(f"As {one.role} they are believed from the first, whether anybody vouches for them or not."))
        return
    show(
        desk.quiet(
            "Who is vouched for is believed from the first, neither tried with gold questions nor paused by the "
            "checks; others must prove good before they count much. A change forgets what was learnt."
        )
    )
    label = "Vouch for them no longer" if one.vouched else "Vouch for them"
    st.button(label, on_click=_act, args=(_vouch, one.name, not one.vouched))


def _act(act: Callable[..., None], *given: Any) -> None:
    state = st.session_state
    for key in ("raters_trouble", "invite_link"):
        state.pop(key, None)
    try:
        act(*given)
    except (ArgtreeError, ValueError) as exc:
        state.raters_trouble = str(exc)


def _invite() -> None:
    state = st.session_state
    name = None if state.invite_whom == _ANYBODY else state.invite_whom.removeprefix("=")
    with acting(store_url(), state.sitting, now()) as (session, by):
        rater = None if name is None else find_rater(session, name)
        token = invitations.invite(session, state.invite_role, by, now(), rater)
    address = urlsplit(st.context.url or "")
    base = f"{address.scheme}://{address.netloc}{address.path.rpartition('/')[0]}/" if address.netloc else "/"
    state.invite_link = f"{base}?{INVITATION}={token}"


def _withdraw(invitation_id: int) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        invitations.withdraw(session, invitation_id, by)


def _set_role(name: str) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.set_role(session, find_rater(session, name), st.session_state.changed_role, by)


def _vouch(name: str, vouched: bool) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.vouch(session, find_rater(session, name), vouched, by)
    _rank()


def _pause(name: str) -> None:
    state = st.session_state
    with acting(store_url(), state.sitting, now()) as (session, by):
        rater, dismiss = find_rater(session, name), state.pause_dismiss
        roles.pause(session, rater, state.pause_reason, by, now(), dismiss_answers=dismiss)
    if dismiss:
        _rank()


def _count_again(name: str) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.count_again(session, find_rater(session, name), "", by, now())
    _rank()


def _rank() -> None:
    """Ranks the queue anew, labels having moved; what can't be propagated is said where it is looked at."""
    with suppress(TooEntangledError, ImpossibleEvidenceError):
        sitting.look_again(store_url(), now(), propagated)


def _resume(name: str) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.resume(session, find_rater(session, name), by)


if __name__ == "__main__":
    main()
