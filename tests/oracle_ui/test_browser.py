"""A rater's sitting in a real browser."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlmodel import SQLModel, select

from store.database import open_store, read_scope
from store.tables import Answer, Draft, Flag
from tests.oracle_ui.conftest import come_in
from tests.oracle_ui.factories import HOSTILE, LEAVES, fill, hostile_graph
from tests.store.factories import jelly_graph

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WAIT = 60_000.0  # milliseconds
SECRET = "eight or more"
Serve = Callable[[str], str]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Gives a function that opens an address in a browser profile of its own."""
    contexts = []

    def open_(address: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1000, "height": 1000}))
        page = contexts[-1].new_page()
        page.set_default_timeout(_WAIT)
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


def _enter(page: Page, name: str) -> None:
    come_in(page.context, page.url, name)
    page.reload()


def _come_in(page: Page, button: str, name: str, password: str = SECRET) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("password").first.fill(password)
    page.get_by_role("button", name=button, exact=True).click()


def _settle(page: Page) -> None:
    """Waits until nothing of the page before is left: Streamlit replaces it piece by piece."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=_WAIT)


def _sees(page: Page, text: str) -> None:
    expect(page.locator(".at", has_text=text).first).to_be_visible(timeout=_WAIT)


def _claim(page: Page) -> str:
    _sees(page, "Is this true?")
    _settle(page)
    return page.locator("h1.at-claim").inner_text()


def _next_claim(page: Page, last: str) -> str:
    expect(page.locator("h1.at-claim")).not_to_have_text(last, timeout=_WAIT)
    _settle(page)
    return page.locator("h1.at-claim").inner_text()


def _put_cursor(page: Page, key: str, field: Locator) -> None:
    """Presses the key once the page listens to it."""
    while not field.evaluate("node => node === document.activeElement"):
        page.keyboard.press(key)
        page.wait_for_timeout(50)


def _rows(url: str, table: type[SQLModel]) -> list[Any]:
    engine = open_store(url)
    with read_scope(engine) as session:
        rows = list(session.exec(select(table)))
    engine.dispose()
    return rows


def _answers(url: str) -> list[tuple[str, float | None, str]]:
    return [(answer.kind, answer.prob, answer.note) for answer in _rows(url, Answer)]


def test_a_whole_sitting(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    page = open_page(serve_page(store_url))
    _enter(page, "Ada")
    first = _claim(page)
    note = page.get_by_label("Note")
    note.fill("By trying: ")
    note.press_sequentially("yes, no, so")  # shortcuts are only letters here
    assert first in LEAVES and page.locator("h1.at-claim").inner_text() == first
    page.get_by_role("button", name="Yes").dblclick()
    _sees(page, f"You said yes: {first}")
    expect(page.locator(".at-move").first).to_contain_text("→")

    second = _next_claim(page, first)
    slider = page.get_by_role("slider")
    for _ in range(20):
        slider.press("ArrowRight")
    page.get_by_role("button", name="Answer with this probability").click()
    _sees(page, "You said 70")
    third = _next_claim(page, second)
    page.reload()
    assert _claim(page) == third
    page.locator("h1.at-claim").click()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="I don't know")).to_be_visible(timeout=_WAIT)
    _settle(page)
    page.keyboard.press("1")
    _sees(page, "Nothing to ask you right now")
    expect(page.get_by_role("button", name="Look again")).to_be_visible()
    assert _answers(store_url) == [
        ("yes", 1.0, "By trying: yes, no, so"),
        ("probability", 0.7, ""),
        ("cannot_say", None, ""),
    ]
    assert {first, second, third} == set(LEAVES)


def test_a_sitting_by_keys_alone(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    page = open_page(serve_page(store_url))
    _enter(page, "Ada")
    first = _claim(page)
    _put_cursor(page, "n", page.get_by_label("Note"))
    page.keyboard.type("Keys 1, 2, s and u are text here.")
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    _sees(page, f"You said no: {first}")
    second = _next_claim(page, first)
    _put_cursor(page, "p", page.get_by_role("slider"))
    page.keyboard.press("Home")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider")).to_have_value("3")
    page.keyboard.press("3")
    _sees(page, "You said 3")
    third = _next_claim(page, second)
    page.keyboard.press("u")
    _sees(page, "Taken back")
    assert _next_claim(page, third) == second
    page.keyboard.press("1")
    _sees(page, f"You said yes: {second}")
    assert _next_claim(page, second) == third
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="It is harmful")).to_be_visible(timeout=_WAIT)
    _settle(page)
    page.keyboard.press("2")
    _sees(page, "Nobody is asked any more")
    said = [("no", 0.0, "Keys 1, 2, s and u are text here."), ("probability", 0.03, ""), ("yes", 1.0, "")]
    assert _answers(store_url) == [*said, ("cannot_say", None, "")]
    assert [one.kind for one in _rows(store_url, Flag)] == ["harmful"]


def test_a_number_by_keys_alone(empty_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    fill(empty_url, jelly_graph())
    page = open_page(serve_page(empty_url))
    _enter(page, "Ada")
    _sees(page, "What is the number?")
    _settle(page)
    number = page.get_by_label("Your number")
    expect(number).to_be_focused(timeout=_WAIT)
    page.keyboard.type("0.93")
    page.keyboard.press("Tab")
    while not _rows(empty_url, Draft):
        page.wait_for_timeout(50)
    page.reload()
    expect(number).to_have_value("0.93", timeout=_WAIT)
    expect(number).to_be_focused(timeout=_WAIT)
    page.keyboard.type("0.9")
    page.keyboard.press("Enter")
    _sees(page, "You said 0.9 g/cm³")
    assert _answers(empty_url) == [("number", None, "")]


def test_who_may_come_in(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    """The first account, a page loaded again, signing out, a wrong password, and somebody invited."""
    address = serve_page(store_url)
    page = open_page(address)
    _come_in(page, "Start", "Ada")
    first = _claim(page)
    page.wait_for_function("() => document.cookie.includes('argtree_')")
    page.reload()
    assert _claim(page) == first and page.url.rstrip("/") == address
    (cookie,) = [one for one in page.context.cookies() if one["name"].startswith("argtree_")]
    assert cookie["sameSite"] == "Strict" and cookie["value"]
    page.goto(f"{address}/raters")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("[data-testid=stCode] code")
    expect(link).to_contain_text(f"{address}/?invite=", timeout=_WAIT)
    invited = open_page(link.inner_text().strip())
    _come_in(invited, "Join", "Ben")
    assert _claim(invited) in LEAVES and "invite" not in invited.url
    expect(invited.get_by_role("link", name="Progress")).to_be_visible(timeout=_WAIT)
    assert invited.get_by_role("link", name="Raters").count() == 0
    invited.goto(f"{address}/raters")
    _claim(invited)
    assert invited.get_by_role("button", name="Make a link").count() == 0

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=_WAIT)
    _settle(page)
    page.wait_for_function("() => !document.cookie.includes('argtree_')")
    page.reload()
    _come_in(page, "Sign in", "Ada", "wrong wrong")
    _sees(page, "There is nobody of that name with that password")
    _come_in(page, "Sign in", "Ada")
    expect(page.get_by_role("link", name="Raters")).to_be_visible(timeout=_WAIT)


def test_two_raters_never_look_at_one_question(
    store_url: str, serve_page: Serve, open_page: Callable[[str], Page]
) -> None:
    address = serve_page(store_url)
    pages = [open_page(address) for _ in range(4)]
    for number, page in enumerate(pages[:3]):
        _enter(page, f"Rater {number}")
    assert {_claim(page) for page in pages[:3]} == set(LEAVES)
    _enter(pages[3], "Too late")
    _sees(pages[3], "Others are on it")


def test_the_page_fits_a_phone(store_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    page = open_page(serve_page(store_url))
    page.set_viewport_size({"width": 360, "height": 700})
    _enter(page, "Ada")
    _claim(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    widths = [page.get_by_role("button", name=name).bounding_box() for name in ("Yes", "No", "Skip")]
    assert all(box is not None and box["width"] >= 60 and box["x"] + box["width"] <= 360 for box in widths)


def test_no_text_becomes_more_than_text(empty_url: str, serve_page: Serve, open_page: Callable[[str], Page]) -> None:
    """Every hostile text goes through the whole page in turn: name, claim, chain, question, note, effect."""
    for text in HOSTILE:
        fill(empty_url, hostile_graph(text))
    page = open_page(serve_page(empty_url))
    page.on("dialog", lambda dialog: pytest.fail("a dialog opened"))
    _enter(page, HOSTILE[0])
    seen: list[str] = []
    for _ in HOSTILE:
        claim = _claim(page)
        seen.append(page.locator("h1.at-claim").evaluate("node => node.textContent"))
        why = page.locator(".at-why").evaluate("node => node.textContent")
        assert [end for end in "RSCD" if f"{seen[-1][:-1].strip()} {end}" not in why] == [], why
        _holds_only_text(page)
        page.get_by_label("Note").fill(claim)
        page.get_by_role("button", name="Yes").click()
        _sees(page, f"{len(seen)} answer")
        _settle(page)
        if page.get_by_role("button", name="Look again").count():
            break
        _next_claim(page, claim)
    _holds_only_text(page)
    assert sorted(seen) == sorted(f"{text} C" for text in HOSTILE)
    assert len(_answers(empty_url)) == len(HOSTILE)


def _holds_only_text(page: Page) -> None:
    assert page.evaluate("window.pwned") is None
    blocks = page.locator("[data-testid=stMainBlockContainer] [data-testid=stHtml]")
    tags = blocks.evaluate_all("all => all.flatMap(one => [...one.querySelectorAll('*')].map(node => node.tagName))")
    assert set(tags) <= {"DIV", "P", "H1", "SPAN", "B", "BDI", "CODE"}
    assert page.locator("iframe, .katex, [data-testid=stMain] a, [data-testid=stMain] img").count() == 0
