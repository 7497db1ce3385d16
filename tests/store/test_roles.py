import pytest
from sqlmodel import Session, select

from store.claims import get_claim
from store.comparisons import next_pair
from store.corrections import override, take_back
from store.errors import NotAllowedError, PausedError
from store.invitations import invite, list_invitations, withdraw
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.roles import ROLES, list_raters, pause, require, resume, set_role
from store.sittings import begin
from store.tables import Lease, Rater
from tests.store.factories import NOW, fill_queue, flat_graph, later


@pytest.fixture
def people(session: Session) -> dict[str, Rater]:
    people = {role: get_rater(session, role, NOW) for role in ROLES}
    for role, rater in people.items():
        rater.role = role
    session.flush()
    return people


def test_each_role_may_what_the_ones_before_may(people: dict[str, Rater]) -> None:
    for number, role in enumerate(ROLES):
        for other, rater in enumerate(people.values()):
            if other >= number:
                require(rater, role)
            else:
                with pytest.raises(NotAllowedError, match=f"and you are a {rater.role}"):
                    require(rater, role)
    require(None, "administrator")


@pytest.mark.parametrize("role", ["rater", "reviewer"])
def test_administrators_acts_are_refused_to_others(session: Session, people: dict[str, Rater], role: str) -> None:
    by, who = people[role], people["rater"]
    acts = (
        lambda: pause(session, who, "Why not.", by, NOW),
        lambda: resume(session, who, by),
        lambda: set_role(session, by, "administrator", by),
        lambda: list_raters(session, by),
        lambda: invite(session, "rater", by, NOW),
        lambda: list_invitations(session, by, NOW),
        lambda: withdraw(session, 1, by),
    )
    for act in acts:
        with pytest.raises(NotAllowedError, match="Only an administrator may invite, pause and change raters"):
            act()
    assert by.role == role and who.paused_at is None


def test_labels_are_set_right_by_reviewers_and_above(session: Session, people: dict[str, Rater]) -> None:
    fill_queue(session, flat_graph(1))
    claim = get_claim(session, "p0")
    with pytest.raises(NotAllowedError, match="Only a reviewer may set labels right, and you are a rater."):
        override(session, claim, 0.9, people["rater"], NOW)
    assert [override(session, claim, 0.9, people[role], NOW).prob for role in ROLES[1:]] == [0.9, 0.9]


def test_who_is_paused_gets_nothing_and_is_told_why(session: Session, people: dict[str, Rater]) -> None:
    fill_queue(session, flat_graph(2))
    ada, admin = people["rater"], people["administrator"]
    leased = next_question(session, ada, NOW)
    assert leased is not None
    submit_answer(session, leased.token, ada, "yes", None, NOW)
    next_question(session, ada, NOW)
    pause(session, ada, " Too quick. ", admin, NOW)
    assert not session.exec(select(Lease)).all()
    for act in (next_question, next_pair, take_back):
        with pytest.raises(PausedError, match="You are paused.*: Too quick.$"):
            act(session, ada, later(1))
    resume(session, ada, admin)
    assert next_question(session, ada, NOW) is not None


def test_a_paused_administrator_may_not_act(session: Session, people: dict[str, Rater]) -> None:
    other = get_rater(session, "other", NOW)
    set_role(session, other, "administrator", None)
    pause(session, people["administrator"], "Away.", other, NOW)
    with pytest.raises(PausedError):
        set_role(session, other, "rater", people["administrator"])


def test_a_pause_needs_a_reason(session: Session, people: dict[str, Rater]) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        pause(session, people["rater"], "  ", None, NOW)


@pytest.mark.parametrize("by_terminal", [False, True])
def test_one_administrator_is_always_left(session: Session, people: dict[str, Rater], by_terminal: bool) -> None:
    admin = people["administrator"]
    by = None if by_terminal else admin
    with pytest.raises(NotAllowedError, match="administrator is the only administrator"):
        set_role(session, admin, "rater", by)
    with pytest.raises(NotAllowedError, match="only administrator"):
        pause(session, admin, "Bye.", by, NOW)
    set_role(session, people["rater"], "administrator", by)
    set_role(session, admin, "rater", by)
    assert admin.role == "rater"


def test_the_list_says_who_did_how_much_and_when(session: Session, people: dict[str, Rater]) -> None:
    fill_queue(session, flat_graph(2))
    ada = people["rater"]
    begin(session, ada, NOW)
    leased = next_question(session, ada, NOW)
    assert leased is not None
    submit_answer(session, leased.token, ada, "yes", None, later(9))
    begin(session, people["reviewer"], later(5))
    pause(session, ada, "Tired.", None, later(10))
    listed = {one.name: one for one in list_raters(session, people["administrator"])}
    assert list(listed) == sorted(ROLES)
    assert (listed["rater"].answers, listed["rater"].seen_at, listed["rater"].paused_at) == (1, later(9), later(10))
    assert (listed["reviewer"].answers, listed["reviewer"].seen_at) == (0, later(5))
    assert listed["administrator"].seen_at is None and not listed["administrator"].has_password
