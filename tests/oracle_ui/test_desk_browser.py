"""The desk in a real browser: from page to page by clicks and by keys."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.oracle_ui.browsing import enter, search
from tests.oracle_ui.factories import QUESTIONS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WAIT = 60_000.0  # milliseconds
Serve = Callable[[str], str]
OpenPage = Callable[..., Page]


def _open(open_page: OpenPage, address: str) -> Page:
    page = open_page(address)
    enter(page, "Ada")
    _settle(page)
    return page


def _settle(page: Page) -> None:
    expect(page.locator("[data-testid=stMain] .desk").first).to_be_attached(timeout=_WAIT)
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=_WAIT)


def _heading(page: Page, text: str) -> None:
    expect(page.locator(".desk h1")).to_have_text(text, timeout=_WAIT)
    _settle(page)


def test_from_the_overview_to_a_tree_to_a_claim_by_mouse(
    store_url: str, serve_page: Serve, open_page: OpenPage
) -> None:
    page = _open(open_page, f"{serve_page(store_url)}/trees")
    page.get_by_role("link", name=QUESTIONS["r"]).click()
    _heading(page, QUESTIONS["r"])
    width = page.locator(".desk-view svg").bounding_box()
    page.get_by_role("button", name="Zoom in").click()
    wider = page.locator(".desk-view svg").bounding_box()
    assert width is not None and wider is not None and wider["width"] == pytest.approx(1.25 * width["width"], rel=0.01)
    page.get_by_role("button", name="Fit").click()
    page.locator(".desk-view a", has_text="Nails cut").click()
    _heading(page, "Nails cut jelly.")
    assert "key=s" in page.url
    page.get_by_role("button", name="What if it were true?").click()
    _heading(page, "Suppose it were so")
    expect(page.locator(".desk-move", has_text=QUESTIONS["r"])).to_be_visible(timeout=_WAIT)
    page.go_back()
    page.go_back()  # Streamlit leaves a step of its own in between
    _heading(page, "Nails cut jelly.")


def test_from_a_tree_to_a_claim_by_keys(store_url: str, serve_page: Serve, open_page: OpenPage) -> None:
    page = _open(open_page, f"{serve_page(store_url)}/trees?root=r")
    view = page.locator(".desk-view")
    view.focus()
    before = view.locator("svg").bounding_box()
    page.keyboard.press("+")
    after = view.locator("svg").bounding_box()
    assert before is not None and after is not None and after["width"] > before["width"]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.open") in ("s", "t")
    page.keyboard.press("Enter")
    expect(page.locator(".desk h1")).not_to_have_text(QUESTIONS["r"], timeout=_WAIT)
    _settle(page)
    search(page, page.get_by_label("Find another claim"), "sharp")
    expect(page.get_by_role("option", name="Nails are sharp.")).to_be_visible(timeout=_WAIT)
    page.keyboard.press("Enter")
    _heading(page, "Nails are sharp.")
