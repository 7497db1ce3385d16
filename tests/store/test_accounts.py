import pytest
from sqlmodel import Session, select

from store import accounts
from store.accounts import add_rater, change_password, set_password, sign_in, sign_in_as, sign_up
from store.errors import InvitationError, PasswordError, RaterNameError, SignInError, StoreError
from store.invitations import invite, list_invitations, look_at, withdraw
from store.raters import get_rater
from store.roles import set_role
from store.sittings import begin, whose
from store.tables import Attempt, Rater
from tests.store.factories import NOW, later

SECRET = "eight or more"
DAY = 86_400.0


@pytest.fixture
def ada(session: Session) -> Rater:
    return sign_up(session, "Ada", SECRET, NOW)


def test_the_first_account_is_the_administrators(session: Session) -> None:
    assert not accounts.has_account(session)
    get_rater(session, "Ada", NOW)  # answered in the terminal before
    assert not accounts.has_account(session)
    ada = sign_up(session, " Ada ", SECRET, NOW)
    assert (ada.name, ada.role) == ("Ada", "administrator") and accounts.has_account(session)
    assert ada.password_hash is not None and ada.password_hash.startswith("$argon2id$") and SECRET not in repr(ada)


def test_later_accounts_need_an_invitation(session: Session, ada: Rater) -> None:
    with pytest.raises(InvitationError, match="needs an invitation"):
        sign_up(session, "Ben", SECRET, NOW)
    ben = sign_up(session, "Ben", SECRET, NOW, invite(session, "reviewer", ada, NOW))
    assert (ben.name, ben.role) == ("Ben", "reviewer") and sign_in(session, "Ben", SECRET, NOW).id == ben.id


def test_an_invitation_is_good_once_and_for_a_week(session: Session, ada: Rater) -> None:
    used, old, withdrawn, demoted = (invite(session, "rater", ada, NOW) for _ in range(4))
    sign_up(session, "Ben", SECRET, NOW, used)
    withdraw(session, list_invitations(session, ada, NOW)[1].id, ada)
    for token, at in ((used, NOW), (old, later(8 * DAY)), (withdrawn, NOW), ("none", NOW)):
        with pytest.raises(InvitationError, match="used already, withdrawn, or is too old"):
            sign_up(session, "Cleo", SECRET, at, token)
    set_role(session, get_rater(session, "Ben", NOW), "administrator", None)
    set_role(session, ada, "rater", None)
    with pytest.raises(InvitationError):
        look_at(session, demoted, NOW)


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [("Ada", SECRET, RaterNameError), ("Tess", SECRET, RaterNameError), ("", SECRET, RaterNameError)]
    + [("Ben", "seven c", PasswordError), ("Ben", "x" * 1001, PasswordError)],
)
def test_what_will_not_do_leaves_the_invitation_good(
    session: Session, ada: Rater, name: str, password: str, error: type[StoreError]
) -> None:
    get_rater(session, "Tess", NOW)  # without a password, but somebody
    token = invite(session, "rater", ada, NOW)
    with pytest.raises(error):
        sign_up(session, name, password, NOW, token)
    session.rollback()
    assert look_at(session, token, NOW).role == "rater"


def test_an_invitation_in_a_name_is_for_that_rater_who_keeps_their_role(session: Session, ada: Rater) -> None:
    tess = get_rater(session, "Tess", NOW)
    sitting = begin(session, tess, NOW)
    token = invite(session, "administrator", ada, NOW, tess)
    joined = sign_up(session, "Somebody else", SECRET, NOW, token)
    assert (joined.id, joined.name, joined.role) == (tess.id, "Tess", "rater")
    assert whose(session, sitting, NOW) is None


@pytest.mark.parametrize(("name", "password"), [("Ada", "wrong wrong"), ("Eve", SECRET), ("Tess", ""), ("\n", SECRET)])
def test_a_wrong_name_and_a_wrong_password_say_the_same(session: Session, ada: Rater, name: str, password: str) -> None:
    get_rater(session, "Tess", NOW)  # has no password
    with pytest.raises(SignInError, match="There is nobody of that name with that password: look at both again."):
        sign_in(session, name, password, NOW)


def _fail(session: Session, name: str, at: float) -> str:
    with pytest.raises(SignInError) as caught:
        sign_in(session, name, "wrong wrong", later(at))
    return str(caught.value)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "fits", lambda password, password_hash: password == SECRET and bool(password_hash))


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize("name", ["Ada", "Eve"])
def test_who_is_wrong_too_often_must_wait_whoever_it_is(session: Session, ada: Rater, name: str) -> None:
    assert ["nobody of that name" in _fail(session, name, second) for second in range(5)] == [True] * 5
    assert "try again in 1 seconds" in _fail(session, name, 4.5)
    assert "nobody" in _fail(session, name, 5) and "in 2 seconds" in _fail(session, name, 5)
    with pytest.raises(SignInError, match="too often"):
        sign_in(session, name, SECRET, later(6))  # the right one too


@pytest.mark.usefixtures("cheap")
def test_waits_are_bounded_and_end_with_success_or_time(session: Session, ada: Rater) -> None:
    session.add(Attempt(name="Ada", count=1000, last_at=NOW))
    session.commit()
    assert "in 300 seconds" in _fail(session, "Ada", 0.5)
    assert sign_in(session, "Ada", SECRET, later(300)).id == ada.id and not session.exec(select(Attempt)).all()
    session.add(Attempt(name="Eve", count=1000, last_at=NOW))
    assert "nobody" in _fail(session, "Ada", 4000) and [one.name for one in session.exec(select(Attempt))] == ["Ada"]


def test_changing_a_password_signs_out_everywhere(session: Session, ada: Rater) -> None:
    token = begin(session, ada, NOW)
    with pytest.raises(SignInError):
        change_password(session, ada, "wrong wrong", "another one", NOW)
    assert whose(session, token, NOW) is not None
    change_password(session, ada, SECRET, "another one", NOW)
    assert whose(session, token, NOW) is None and sign_in(session, "Ada", "another one", NOW).id == ada.id
    set_password(session, ada, SECRET)
    assert sign_in(session, "Ada", SECRET, NOW).id == ada.id


def test_a_password_is_the_same_however_its_letters_are_composed(session: Session) -> None:
    sign_up(session, "Zoë", "pa\u00dfw\u00f6rter", NOW)
    assert sign_in(session, "Zoe\u0308", "pa\u00dfwo\u0308rter", NOW).name == "Zoë"


def test_the_command_line_adds_who_has_no_account(session: Session) -> None:
    add = add_rater(session, "Ada", "administrator", SECRET, NOW)
    with pytest.raises(RaterNameError, match="has an account"):
        add_rater(session, "Ada", "rater", SECRET, NOW)
    get_rater(session, "Tess", NOW)
    assert add.role == "administrator" and add_rater(session, "Tess", "reviewer", None, NOW).password_hash is None
    with pytest.raises(ValueError, match="A role is one of rater, reviewer, administrator, got 'king'"):
        add_rater(session, "Ben", "king", None, NOW)  # type: ignore[arg-type]


def test_an_identity_needs_an_account_or_an_invitation(session: Session) -> None:
    with pytest.raises(InvitationError, match="no administrator yet"):
        sign_in_as(session, "eve@example.org", NOW)
    ada = add_rater(session, "ada@example.org", "administrator", None, NOW)
    assert sign_in_as(session, "ada@example.org", NOW).id == ada.id
    with pytest.raises(InvitationError, match="no account for eve@example.org"):
        sign_in_as(session, "eve@example.org", NOW)
    eve = sign_in_as(session, "eve@example.org", NOW, invite(session, "rater", ada, NOW))
    assert eve.name == "eve@example.org" and sign_in_as(session, "eve@example.org", NOW).id == eve.id
