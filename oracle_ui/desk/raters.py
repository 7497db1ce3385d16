"""Administrators' page: who answers, what they may do, pauses and invitations. The store refuses everybody else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from argtree.errors import ArgtreeError
from oracle_ui import theme_desk as desk
from oracle_ui.entrance import acting
from oracle_ui.shared import frame, now, show, store_url
from oracle_ui.signing_in import INVITATION
from oracle_ui.theme import literal
from oracle_ui.view_trees import choices
from store import invitations, roles
from store.database import read_scope
from store.invitations import Invited
from store.raters import find_rater
from store.roles import ROLES, Standing

_ANYBODY = "somebody new"


def main() -> None:
    """Draws the page once."""
    frame(_draw)


def _draw() -> None:
    show(desk.title("Raters", "Who answers here", "Raters answer, reviewers set labels right too, administrators all."))
    with acting(store_url(), st.session_state.sitting, now(), read_scope) as (session, by):
        standings = roles.list_raters(session, by)
        invited = invitations.list_invitations(session, by, now())
    show(f'<ul class="desk-list">{"".join(map(_row, standings))}</ul>')
    if "raters_trouble" in st.session_state:
        show(desk.notice(st.session_state.raters_trouble))
    names = choices({one.name: one.name for one in standings})
    _show_invitations(names, invited)
    _show_changes(names, standings)


def _row(one: Standing) -> str:
    seen = "never seen" if one.seen_at is None else f"seen {desk.when(one.seen_at)}"
    way = "" if one.has_password else " · no password"
    why = ""
    if one.paused_at is not None:
        why = (
            f'<br><span class="desk-side">paused {desk.when(one.paused_at)}: {literal(one.paused_reason or "")}</span>'
        )
    chip = '<span class="desk-chip desk-against">paused</span>' if one.paused_at is not None else ""
    said = f'<span class="desk-side">{one.role} · {desk.count(one.answers, "answer")} · {seen}{way}</span>'
    return f'<li class="desk-row"><span>{literal(one.name)}<br>{said}{why}</span>{chip}</li>'


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


def _show_changes(names: dict[str, str], standings: list[Standing]) -> None:
    show(desk.section("Change"))
    name = st.selectbox("Rater", list(names), format_func=names.__getitem__, key="changed_rater")
    one = next(one for one in standings if one.name == name)
    with st.form(f"role-{name}", border=False):
        st.selectbox("Role", ROLES, index=ROLES.index(one.role), key="changed_role")
        st.form_submit_button("Change role", on_click=_act, args=(_set_role, name))
    if one.paused_at is not None:
        st.button("Let them answer again", on_click=_act, args=(_resume, name))
        return
    with st.form(f"pause-{name}", border=False):
        st.text_input("Why they should pause (they are told)", key="pause_reason", max_chars=500)
        st.form_submit_button("Pause", on_click=_act, args=(_pause, name))


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


def _pause(name: str) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.pause(session, find_rater(session, name), st.session_state.pause_reason, by, now())


def _resume(name: str) -> None:
    with acting(store_url(), st.session_state.sitting, now()) as (session, by):
        roles.resume(session, find_rater(session, name), by)


if __name__ == "__main__":
    main()
