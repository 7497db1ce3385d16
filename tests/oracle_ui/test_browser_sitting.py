"""A rater's whole sitting in a real browser: invited, at the keys, late for a question, and found out."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, delete, select

from store import accounts, queue
from store.answers import answers_by_claim, is_kept, labels
from store.claims import get_claim, known
from store.raters import find_rater, get_rater
from store.tables import Answer, Draft, Flag, Lease, Question, Rater
from tests.oracle_ui.browsing import (
    SECRET,
    WAIT,
    claim,
    enter,
    in_store,
    next_claim,
    put_cursor,
    rows,
    sees,
    settle,
    sign_in,
)
from tests.oracle_ui.conftest import served
from tests.oracle_ui.factories import fill
from tests.store.factories import flat_graph

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_SETTLED = 24  # claims; contradicting fewer is enough to be paused
_READING = 1100  # milliseconds; who is faster again and again is paused for it
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with an administrator and more questions than these tests answer."""
    url = f"sqlite:///{tmp_path_factory.mktemp('sitting') / 'store.db'}"
    fill(url, flat_graph(_SETTLED + 16))
    with in_store(url) as session:
        accounts.sign_up(session, "Ada", SECRET, datetime.now(UTC))
    return url


@pytest.fixture(scope="module")
def desk(store: str) -> Iterator[str]:
    """The address at which all tests here find the store."""
    with served(store) as address:
        yield address


def test_a_rater_is_invited_and_answers_with_keys_alone(store: str, desk: str, open_page: Open) -> None:
    page = open_page(_invitation(open_page(f"{desk}/raters")))
    sign_in(page, "Join", "Ben")
    _press(page, "1", "You said yes")
    _press(page, "2", "You said no")
    _press(page, "s", "Why do you skip it?")
    _press(page, "2", "It stays open for others")
    _press(page, "f", "What is wrong with it?")
    _press(page, "3", "A reviewer will see your flag")
    put_cursor(page, "p", page.get_by_role("slider"))
    page.keyboard.press("End")
    last = _press(page, "3", "You said 100")
    page.keyboard.press("u")
    sees(page, "Taken back")
    settle(page)
    assert claim(page) == last
    expect(page.get_by_role("slider")).to_have_value("100")
    _press(page, "1", f"You said yes: {last}")
    said = [("yes", None), ("no", None), ("cannot_say", "unclear"), ("cannot_say", None), ("yes", None)]
    assert _answers(store, "Ben") == said
    assert [one.kind for one in rows(store, Flag)] == ["needs_expert"]


def test_a_page_loaded_again_has_the_same_question_and_what_was_typed(store: str, desk: str, open_page: Open) -> None:
    page = open_page(desk)
    sign_in(page, "Sign in", "Ada")
    asked = claim(page)
    put_cursor(page, "n", page.get_by_label("Note"))
    page.keyboard.type("s, u and 1 are text here")
    page.keyboard.press("Escape")
    put_cursor(page, "l", page.get_by_label("Source"))
    page.keyboard.type("https://example.com/?a=<b>")
    page.keyboard.press("Escape")
    while not any(draft.source for draft in rows(store, Draft)):
        page.wait_for_timeout(50)
    page.reload()
    assert claim(page) == asked
    expect(page.get_by_label("Note")).to_have_value("s, u and 1 are text here")
    _press(page, "1", "You said yes")
    (answer,) = (one for one in rows(store, Answer) if one.note == "s, u and 1 are text here")
    assert (answer.kind, answer.source) == ("yes", "https://example.com/?a=<b>")


def test_who_comes_too_late_is_told_and_finds_their_words_again(store: str, desk: str, open_page: Open) -> None:
    page = open_page(desk)
    enter(page, "Cleo")
    asked = claim(page)
    put_cursor(page, "n", page.get_by_label("Note"))
    page.keyboard.type("Slowly thought out")
    page.keyboard.press("Escape")
    token = _taken_over(store, "Cleo", "Dan")
    page.keyboard.press("2")
    sees(page, "This question went back to the queue before the answer came, so it was not stored")
    assert _answers(store, "Cleo") == [] and next_claim(page, asked)
    with in_store(store) as session:
        queue.release(session, token)
    page.wait_for_timeout(_READING)
    page.keyboard.press("2")
    expect(page.locator("h1.at-claim")).to_have_text(asked, timeout=WAIT)
    settle(page)
    expect(page.get_by_label("Note")).to_have_value("Slowly thought out", timeout=WAIT)


def test_who_contradicts_what_is_settled_is_paused_and_told_why(store: str, desk: str, open_page: Open) -> None:
    _settle_some(store)
    own = _hold(store, "Eve", gold_share=0.0)
    page = open_page(desk)
    enter(page, "Eve")
    _press(page, "1", f"You said yes: {claim(page)}")
    assert _counts(store, "Eve", own)
    for _ in range(8):  # on other days
        leased = _hold(store, "Eve", gold_share=1.0)
        with in_store(store) as session:
            kind: queue.AnswerKind = "no" if labels(session)[str(leased.claim)] > 0.5 else "yes"
            queue.submit_answer(session, leased.token, find_rater(session, "Eve"), kind, None, datetime.now(UTC))
    trouble = page.locator(".at", has_text="You are paused")
    for _ in range(_SETTLED - 8):
        leased = _hold(store, "Eve", gold_share=1.0)
        page.reload()
        assert claim(page) == leased.text
        with in_store(store) as session:
            key = "2" if labels(session)[str(leased.claim)] > 0.5 else "1"
        page.wait_for_timeout(_READING)
        page.keyboard.press(key)
        expect(page.locator(".at", has_text=leased.text).locator("h1")).to_have_count(0, timeout=WAIT)
        settle(page)
        if trouble.count():
            break
    expect(trouble).to_contain_text("The reason given: Better than chance with a probability of only 0.0")
    assert page.get_by_role("button", name="Yes").count() == 0
    assert _answers(store, "Eve") == [] and not _counts(store, "Eve", own)
    with in_store(store) as session:
        assert find_rater(session, "Eve").paused_at is not None
        question = session.exec(select(Question).where(Question.id == own.question_id)).one()
        assert question.status == "open"


def _invitation(page: Page) -> str:
    """Returns the link that the administrator, who signs in here, makes for somebody new."""
    sign_in(page, "Sign in", "Ada")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("[data-testid=stCode] code")
    expect(link).to_contain_text("?invite=", timeout=WAIT)
    return link.inner_text().strip()


def _press(page: Page, key: str, seen: str) -> str:
    """Presses a key after reading the question, waits for what it does, and returns the claim that was asked about."""
    asked = claim(page)
    page.wait_for_timeout(_READING)
    page.keyboard.press(key)
    sees(page, seen)
    settle(page)
    return asked


def _answers(url: str, name: str) -> list[tuple[str, str | None]]:
    """Returns the kind and reason of the answers that a rater gave and that were kept."""
    with in_store(url) as session:
        mine = select(Answer).join(Rater, col(Rater.id) == Answer.rater_id).where(Rater.name == name, is_kept())
        return [(one.kind, one.reason) for one in session.exec(mine.order_by(col(Answer.id)))]


def _counts(url: str, name: str, asked: queue.LeasedQuestion) -> bool:
    """Says whether the label of the claim that was asked about rests on a rater's answer, too."""
    with in_store(url) as session:
        claim, rater = get_claim(session, str(asked.claim)), find_rater(session, name)
        said = answers_by_claim(session, [known(claim.id)]).get(known(claim.id), [])
        return any(one.rater_id == rater.id for one in said)


def _taken_over(url: str, name: str, other: str) -> str:
    """Lets a rater's lease run out and another rater take the place; returns the token of the other's lease."""
    now = datetime.now(UTC)
    with in_store(url) as session:
        lease = session.exec(select(Lease).where(Lease.rater_id == find_rater(session, name).id)).one()
        lease.expires_at = now - timedelta(seconds=1)
        session.add(lease)
        taken = queue.next_question(session, get_rater(session, other, now), now)
        assert taken is not None and taken.question_id == lease.question_id
        return taken.token


def _settle_some(url: str) -> None:
    """A rater who is believed answers many questions, half of them yes."""
    with in_store(url) as session:
        owner = get_rater(session, "Owner", datetime.now(UTC))
        for number in range(_SETTLED):
            leased = queue.next_question(session, owner, datetime.now(UTC))
            assert leased is not None
            kind: queue.AnswerKind = "yes" if number % 2 else "no"
            queue.submit_answer(session, leased.token, owner, kind, None, datetime.now(UTC))


def _hold(url: str, name: str, gold_share: float) -> queue.LeasedQuestion:
    """Has a rater for whom nobody vouches hold another question, shown to them a while ago: the page shows that one."""
    shown_at = datetime.now(UTC) - timedelta(seconds=20)
    with in_store(url) as session:
        rater = get_rater(session, name, shown_at)
        rater.vouched = False
        session.exec(delete(Lease).where(col(Lease.rater_id) == rater.id))
        leased = queue.next_question(session, rater, shown_at, gold_share=gold_share)
        assert leased is not None
        return leased
