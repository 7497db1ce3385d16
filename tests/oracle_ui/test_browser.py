"""A rater's sitting in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from store.tables import Answer, Draft
from tests.oracle_ui.browsing import WAIT, claim, enter, next_claim, rows, sees, settle, sign_in
from tests.oracle_ui.factories import LEAVES, fill
from tests.store.factories import jelly_graph

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Serve = Callable[[str], str]


def _answers(url: str) -> list[tuple[str, float | None, str]]:
    return [(answer.kind, answer.prob, answer.note) for answer in rows(url, Answer)]


def test_a_whole_sitting(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    page = open_page(serve_page(store_url))
    enter(page, "Ada")
    first = claim(page)
    note = page.get_by_label("Note")
    note.fill("By trying: ")
    note.press_sequentially("yes, no, so")  # shortcuts are only letters here
    assert first in LEAVES and page.locator("h1.at-claim").inner_text() == first
    page.get_by_role("button", name="Yes").dblclick()
    sees(page, f"You said yes: {first}")
    expect(page.locator(".at-move").first).to_contain_text("→")

    second = next_claim(page, first)
    slider = page.get_by_role("slider")
    for _ in range(20):
        slider.press("ArrowRight")
    page.get_by_role("button", name="Answer with this probability").click()
    sees(page, "You said 70")
    third = next_claim(page, second)
    page.reload()
    assert claim(page) == third
    page.locator("h1.at-claim").click()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="I don't know")).to_be_visible(timeout=WAIT)
    settle(page)
    page.keyboard.press("1")
    sees(page, "Nothing to ask you right now")
    expect(page.get_by_role("button", name="Look again")).to_be_visible()
    assert _answers(store_url) == [
        ("yes", 1.0, "By trying: yes, no, so"),
        ("probability", 0.7, ""),
        ("cannot_say", None, ""),
    ]
    assert {first, second, third} == set(LEAVES)


def test_a_number_by_keys_alone(empty_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    fill(empty_url, jelly_graph())
    page = open_page(serve_page(empty_url))
    enter(page, "Ada")
    sees(page, "What is the number?")
    settle(page)
    number = page.get_by_label("Your number")
    expect(number).to_be_focused(timeout=WAIT)
    page.keyboard.type("0.93")
    page.keyboard.press("Tab")
    while not rows(empty_url, Draft):
        page.wait_for_timeout(50)
    page.reload()
    expect(number).to_have_value("0.93", timeout=WAIT)
    expect(number).to_be_focused(timeout=WAIT)
    page.keyboard.type("0.9")
    page.keyboard.press("Enter")
    sees(page, "You said 0.9 g/cm³")
    assert _answers(empty_url) == [("number", None, "")]


def test_who_may_come_in(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    """The first account, a page loaded again, signing out, a wrong password, and somebody invited."""
    address = serve_page(store_url)
    page = open_page(address)
    sign_in(page, "Start", "Ada")
    first = claim(page)
    page.wait_for_function("() => document.cookie.includes('argtree_')")
    page.reload()
    assert claim(page) == first and page.url.rstrip("/") == address
    (cookie,) = [one for one in page.context.cookies() if one["name"].startswith("argtree_")]
    assert cookie["sameSite"] == "Strict" and cookie["value"]
    page.goto(f"{address}/raters")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("[data-testid=stCode] code")
    expect(link).to_contain_text(f"{address}/?invite=", timeout=WAIT)
    invited = open_page(link.inner_text().strip())
    sign_in(invited, "Join", "Ben")
    assert claim(invited) in LEAVES and "invite" not in invited.url
    expect(invited.get_by_role("link", name="Progress")).to_be_visible(timeout=WAIT)
    assert invited.get_by_role("link", name="Raters").count() == 0
    invited.goto(f"{address}/raters")
    claim(invited)
    assert invited.get_by_role("button", name="Make a link").count() == 0

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=WAIT)
    settle(page)
    page.wait_for_function("() => !document.cookie.includes('argtree_')")
    page.reload()
    sign_in(page, "Sign in", "Ada", "wrong wrong")
    sees(page, "There is nobody of that name with that password")
    sign_in(page, "Sign in", "Ada")
    expect(page.get_by_role("link", name="Raters")).to_be_visible(timeout=WAIT)


def test_two_raters_never_look_at_one_question(
    store_url: str, serve_page: Serve, open_page: Callable[[str], Page]
) -> None:
    address = serve_page(store_url)
    pages = [open_page(address) for _ in range(4)]
    for number, page in enumerate(pages[:3]):
        enter(page, f"Rater {number}")
    assert {claim(page) for page in pages[:3]} == set(LEAVES)
    enter(pages[3], "Too late")
    sees(pages[3], "Others are on it")
