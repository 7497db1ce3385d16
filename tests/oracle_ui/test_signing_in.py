"""The gate before the pages and the administrators' page, without a browser."""

from datetime import UTC, datetime
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import oracle_ui.app
import oracle_ui.desk.raters
from oracle_ui import entrance
from oracle_ui.serve import STORE_VARIABLE, is_loopback
from store.accounts import sign_up
from store.database import open_store, session_scope
from store.invitations import invite
from store.raters import find_rater
from tests import hostile
from tests.oracle_ui.factories import sit_down

SECRET = "eight or more"


@pytest.fixture
def page(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(STORE_VARIABLE, store_url)
    return AppTest.from_file(oracle_ui.app.__file__, default_timeout=30)


@pytest.fixture
def claimed(store_url: str) -> str:
    """A store with an administrator."""
    engine = open_store(store_url)
    with session_scope(engine) as session:
        sign_up(session, "Ada", SECRET, datetime.now(UTC))
    engine.dispose()
    return store_url


def _press(page: AppTest, label: str) -> AppTest:
    return next(button for button in page.button if button.label == label).click().run()


def _come_in(page: AppTest, label: str, name: str | None, password: str = SECRET) -> AppTest:
    if name is not None:
        page.text_input(key="name").set_value(name)
    page.text_input(key="password").set_value(password)
    return _press(page, label)


def _text(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(block.body for block in page.html if "<style>" not in block.body)


def _is_in(page: AppTest) -> bool:
    return "Sign out" in [button.label for button in page.button] and "Is this true?" in _text(page)


def test_the_first_one_needs_a_name_and_a_password_once(page: AppTest, store_url: str) -> None:
    assert "your account is the administrator’s" in _text(page.run())
    assert "must have 8 to 1000 characters" in _text(_come_in(page, "Start", "Ada", "short"))
    assert _is_in(_come_in(page, "Start", "Ada")) and "<bdi>Ada</bdi><br><small>administrator" in _text(page)
    assert _is_in(page.run()) and page.session_state["cookie"] == page.session_state["sitting"]


@pytest.mark.parametrize("name", ["", "a\x07b", "two\nlines"])
def test_a_name_that_will_not_do_is_a_sentence(page: AppTest, name: str) -> None:
    assert "must have 1 to 80 printable characters" in _text(_come_in(page.run(), "Start", name))


@pytest.mark.usefixtures("claimed")
def test_signing_in_and_out(page: AppTest) -> None:
    for name, password in (("Ada", "wrong wrong"), ("Eve", SECRET), ("", "")):
        assert "nobody of that name with that password" in _text(_come_in(page.run(), "Sign in", name, password))
    assert _is_in(_come_in(page, "Sign in", "Ada"))
    assert "Password" in [field.label for field in _press(page, "Sign out").text_input]
    assert "sitting" not in page.session_state and page.session_state["cookie"] == ""


def test_an_invitation_lets_one_in(page: AppTest, claimed: str) -> None:
    with entrance.acting(claimed, sit_down(claimed, "Ada", "administrator"), datetime.now(UTC)) as (session, ada):
        token = invite(session, "reviewer", ada, datetime.now(UTC))
    page.query_params["invite"] = token
    assert "with a name and a password of your choice" in _text(page.run())
    assert "a rater called Ada already" in _text(_come_in(page, "Join", "Ada"))
    assert _is_in(_come_in(page, "Join", "Ben")) and "reviewer" in _text(page) and "invite" not in page.query_params
    page.session_state["sitting"] = "none"
    page.query_params["invite"] = token
    assert "used already, withdrawn, or is too old" in _text(page.run())
    assert "Sign in" in [button.label for button in _press(page, "Try again").button]


def test_an_invitation_in_a_name_asks_for_a_password_alone(page: AppTest, claimed: str) -> None:
    sit_down(claimed, hostile.NAMES[0])
    with entrance.acting(claimed, sit_down(claimed, "Ada", "administrator"), datetime.now(UTC)) as (session, ada):
        them = find_rater(session, hostile.NAMES[0])
        page.query_params["invite"] = invite(session, "rater", ada, datetime.now(UTC), them)
    assert "as <bdi>&lt;script&gt;" in _text(page.run()) and len(page.text_input) == 1
    assert _is_in(_come_in(page, "Join", None))


def test_changing_the_password(page: AppTest, claimed: str) -> None:
    other = sit_down(claimed, "Ada", "administrator")
    _come_in(page.run(), "Sign in", "Ada")
    page.text_input(key="old_password").set_value(SECRET)
    page.text_input(key="new_password").set_value("quite another")
    assert "Your password is changed" in _text(_press(page, "Change it")) and _is_in(page)
    assert entrance.look(claimed, other, datetime.now(UTC)) is None
    assert _is_in(_come_in(_press(page, "Sign out"), "Sign in", "Ada", "quite another"))


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Gives who has come by way of a provider, as Streamlit would tell."""
    user: dict[str, Any] = {"is_logged_in": True, "email": "ada@example.org"}
    monkeypatch.setattr("oracle_ui.signing_in._auth", lambda: {"acme": {"client_id": "x"}, "client_kwargs": {}})
    monkeypatch.setattr(st, "user", user)
    return user


def test_who_a_provider_vouches_for_needs_an_account(page: AppTest, claimed: str, provider: dict[str, Any]) -> None:
    assert "no account for ada@example.org" in _text(page.run())
    assert [button.label for button in page.button] == ["Sign in as somebody else"]
    sit_down(claimed, "ada@example.org")
    assert _is_in(page.run()) and "cookie" not in page.session_state


@pytest.mark.usefixtures("claimed")
@pytest.mark.parametrize("user", [{"is_logged_in": False}, {"email_verified": False}, {"email": ""}])
def test_who_no_provider_vouches_for_sees_its_button(
    page: AppTest, provider: dict[str, Any], user: dict[str, Any]
) -> None:
    provider.update(user)
    assert [button.label for button in page.run().button] == ["Sign in", "Sign in with Acme"]


@pytest.fixture
def desk(page: AppTest, claimed: str) -> AppTest:
    sit_down(claimed, "Ben")
    page.session_state["sitting"] = sit_down(claimed, "Ada", "administrator")
    return page.run().switch_page("desk/raters.py").run()


def test_administrators_see_raters_and_change_them(desk: AppTest, claimed: str) -> None:
    assert "Ben</bdi>" in _text(desk) and "rater · 0 answers · seen" in _text(desk)
    desk.selectbox(key="changed_rater").set_value("Ben").run()
    assert "A pause needs a reason" in _text(_press(desk, "Pause"))
    desk.text_input(key="pause_reason").set_value("Tired.")
    assert "<bdi>Tired.</bdi>" in _text(_press(desk, "Pause"))
    assert "Tired." not in _text(_press(desk, "Let them answer again"))
    desk.selectbox(key="changed_role").set_value("reviewer")
    assert "reviewer · 0 answers" in _text(_press(desk, "Change role"))


def test_administrators_vouch_for_raters_or_not(desk: AppTest) -> None:
    assert "Reliability: nothing known yet." in _text(desk) and "no gold question answered · vouched for" in _text(desk)
    desk.selectbox(key="changed_rater").set_value("Ben").run()
    assert "not vouched for" in _text(_press(desk, "Vouch for them no longer"))


def test_the_only_administrator_stays_one(desk: AppTest) -> None:
    desk.selectbox(key="changed_role").set_value("rater")
    assert "Ada is the only administrator" in _text(_press(desk, "Change role"))


def test_a_link_is_made_shown_once_and_withdrawn(desk: AppTest, claimed: str) -> None:
    _press(desk, "Make a link")
    token = desk.code[0].value.partition("?invite=")[2]
    assert entrance.look_at_invitation(claimed, token, datetime.now(UTC)).role == "rater"
    assert "Withdraw" not in [button.label for button in _press(desk, "Withdraw").button] and not desk.code


@pytest.mark.parametrize("role", ["rater", "reviewer"])
def test_others_are_refused_whatever_page_they_reach(page: AppTest, claimed: str, role: str) -> None:
    by_itself = AppTest.from_file(oracle_ui.desk.raters.__file__, default_timeout=30)
    for shown in (page, by_itself):
        shown.session_state["sitting"] = sit_down(claimed, "Ben", role)
    assert f"and you are a {role}." in _text(by_itself.run()) and "Ada" not in _text(by_itself)
    with pytest.raises(ValueError, match="Could not find"):
        page.run().switch_page("desk/raters.py")


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_which_addresses_are_this_machines(address: str, is_ours: bool) -> None:
    assert is_loopback(address) == is_ours
