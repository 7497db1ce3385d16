"""The gate before all pages: forms to sign in, and what a browser keeps of it. Widgets only.

The session's state has the token of the sitting (`sitting`) and the rater's name (`rater`). A page that is loaded again
has the token from a cookie, which only this site's own pages send; a script sets it, so it cannot be hidden from
scripts. Whether the token is good the store decides, each time a page is drawn. Where a provider vouches for people
(OpenID Connect, an `auth` section in Streamlit's secrets), Streamlit keeps a cookie of its own.
"""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import Error as StreamlitError

from argtree.errors import ArgtreeError
from oracle_ui import entrance, theme
from oracle_ui.entrance import Present
from oracle_ui.shared import now, store_url
from store.errors import SignInError
from store.raters import MAX_NAME
from store.secret import LONGEST

INVITATION = "invite"  # the parameter of a link that invites
_COOKIE_SECONDS = 34_560_000  # as long as browsers keep one; the store decides when a sitting ends
_SCRIPT = """
export default function ({ data }) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${data.name}=${data.token}; path=/; max-age=${data.seconds}; samesite=strict${secure}`;
}
"""

_write_cookie = st.components.v2.component("argtree_sitting", js=_SCRIPT)


def let_in() -> Present | None:
    """Returns who is signed in; draws the forms and returns None if nobody is."""
    state = st.session_state
    _keep_cookie()
    try:
        _come_back()
        present = entrance.look(store_url(), state.sitting, now()) if "sitting" in state else None
    except ArgtreeError as exc:
        _show_trouble(str(exc))
        return None
    if present is None:
        for key in ("sitting", "rater"):
            state.pop(key, None)
        _show_forms()
        return None
    state.rater = present.name
    _drop_invitation()
    return present


def rater() -> str:
    """Returns the name of who is signed in, looked up anew: for acts. Raises SignInError where nobody is any more."""
    token = st.session_state.get("sitting", "")
    present = entrance.look(store_url(), token, now())
    if present is None:
        raise SignInError("You are signed out, so nothing was changed: sign in again.")
    return present.name


def show_account(present: Present) -> None:
    """Draws who is signed in beside the pages, with what they can do about that."""
    with st.sidebar:
        st.html(theme.account(present.name, present.role))
        st.button("Sign out", on_click=_sign_out, icon=":material/logout:", type="tertiary")
        if present.has_password:
            with st.popover("Change password", type="tertiary", icon=":material/key:"):
                _show_news("account_notice")
                with st.form("change_password", border=False):
                    _password_field("Password so far", "old_password", "current-password")
                    _password_field("New password", "new_password", "new-password")
                    st.form_submit_button("Change it", on_click=_change_password)


def _keep_cookie() -> None:
    """Has the browser keep or forget what it is known by, where that changed in this tab."""
    token = st.session_state.get("cookie")
    if token is not None:
        data = {"name": _cookie(), "token": token, "seconds": _COOKIE_SECONDS if token else 0}
        _write_cookie(data=data, key="cookie_writer", height=1)


def _come_back() -> None:
    """Finds out who came in before: by their provider, or else by the cookie."""
    state = st.session_state
    if "sitting" in state:
        return
    if (identity := _identity()) is not None:
        state.sitting = entrance.sign_in_as(store_url(), identity, now(), st.query_params.get(INVITATION))
    elif isinstance(token := st.context.cookies.get(_cookie()), str):
        state.sitting = token


def _show_forms() -> None:
    st.html(theme.STYLE)
    try:
        invitation = st.query_params.get(INVITATION)
        if invitation is not None:
            invited = entrance.look_at_invitation(store_url(), invitation, now())
            st.html(theme.welcome_invited(invited.rater))
            _show_news("entrance_notice")
            _new_account("Join", invited.rater)
        elif entrance.has_account(store_url()):
            st.html(theme.welcome())
            _show_news("entrance_notice")
            _sign_in_form()
        else:
            st.html(theme.welcome_first())
            _show_news("entrance_notice")
            _new_account("Start", None)
    except ArgtreeError as exc:
        _show_trouble(str(exc))
        return
    for provider, label in _providers().items():
        st.button(label, key=f"provider-{provider}", on_click=_go_to, args=(provider,))


def _show_trouble(sentence: str) -> None:
    st.html(theme.STYLE)
    st.html(theme.notice(sentence))
    if _identity() is not None:
        st.button("Sign in as somebody else", type="primary", on_click=st.logout)
    else:
        st.button("Try again", type="primary", on_click=_try_again)


def _try_again() -> None:
    _drop_invitation()
    for key in ("notice", "compare_notice"):  # of an act that failed for the same reason
        st.session_state.pop(key, None)


def _drop_invitation() -> None:
    st.query_params.pop(INVITATION, None)


def _show_news(key: str) -> None:
    if key in st.session_state:
        st.html(theme.notice(st.session_state[key]))


def _sign_in_form() -> None:
    with st.form("entrance", border=False):
        st.text_input("Your name", key="name", autocomplete="username", max_chars=MAX_NAME)
        _password_field("Password", "password", "current-password")
        st.form_submit_button("Sign in", type="primary", on_click=_sign_in)


def _new_account(label: str, name: str | None) -> None:
    with st.form("entrance", border=False):
        if name is None:
            st.text_input("Your name", key="name", autocomplete="username", max_chars=MAX_NAME)
        _password_field("Choose a password", "password", "new-password")
        st.form_submit_button(label, type="primary", on_click=_sign_up)


def _password_field(label: str, key: str, autocomplete: str) -> None:
    st.text_input(label, type="password", key=key, autocomplete=autocomplete, max_chars=LONGEST)


def _sign_in() -> None:
    state = st.session_state
    state.pop("entrance_notice", None)
    try:
        _came_in(entrance.sign_in(store_url(), state.name, _typed("password"), now()))
    except ArgtreeError as exc:
        state.entrance_notice = str(exc)


def _sign_up() -> None:
    state = st.session_state
    state.pop("entrance_notice", None)
    invitation = st.query_params.get(INVITATION)
    try:
        _came_in(entrance.sign_up(store_url(), state.get("name", ""), _typed("password"), now(), invitation))
    except ArgtreeError as exc:
        state.entrance_notice = str(exc)


def _change_password() -> None:
    state = st.session_state
    state.pop("account_notice", None)
    old, new = _typed("old_password"), _typed("new_password")
    try:
        _came_in(entrance.change_password(store_url(), state.get("sitting", ""), old, new, now()))
        state.account_notice = "Your password is changed, and you are signed out everywhere else."
    except ArgtreeError as exc:
        state.account_notice = str(exc)


def _sign_out() -> None:
    state = st.session_state
    try:
        entrance.sign_out(store_url(), state.get("sitting", ""))
    except ArgtreeError:
        pass  # the browser forgets its token in any case, and the store by and by
    is_vouched_for = _identity() is not None
    state.clear()
    state.cookie = ""
    if is_vouched_for:
        st.logout()


def _came_in(token: str) -> None:
    st.session_state.sitting = st.session_state.cookie = token


def _typed(key: str) -> str:
    """Returns what was typed into a password field, and empties it."""
    typed: str = st.session_state.get(key, "")
    st.session_state[key] = ""
    return typed


def _cookie() -> str:
    """Returns the cookie's name: browsers tell hosts apart, but not two desks on one host."""
    return f"argtree_{st.get_option('server.port')}"


def _auth() -> Mapping[str, Any]:
    """Returns the providers' section of Streamlit's secrets, empty where there is none."""
    return st.secrets["auth"] if st.secrets.load_if_toml_exists() and "auth" in st.secrets else {}


def _providers() -> dict[str, str]:
    """Returns the words on the button of each provider, by its name in the secrets; "" is the only, unnamed one."""
    auth = _auth()
    if "client_id" in auth:
        return {"": "Sign in with your organisation's account"}
    named = [name for name, section in auth.items() if isinstance(section, Mapping) and "client_id" in section]
    return {name: f"Sign in with {name.capitalize()}" for name in named}


def _identity() -> str | None:
    """Returns the address that a provider vouches for, None where nobody came by one."""
    if not _auth() or not st.user.get("is_logged_in"):
        return None
    address = st.user.get("email")
    return address if isinstance(address, str) and address and st.user.get("email_verified") is not False else None


def _go_to(provider: str) -> None:
    try:
        st.login(provider or None)
    except StreamlitError as exc:  # the secrets are wrong, or a library is missing
        st.session_state.entrance_notice = f"Signing in this way does not work here: {exc}"
