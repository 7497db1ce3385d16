"""A reviewer in a real browser, by keys alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from oracle_ui.reading import read
from tests.oracle_ui.conftest import come_in
from tests.oracle_ui.test_review import disagree

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WAIT = 60_000.0  # milliseconds


def _settle(page: Page) -> None:
    expect(page.locator("[data-testid=stMain] .desk").first).to_be_attached(timeout=_WAIT)
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=_WAIT)


def _tab_to(page: Page, words: str) -> None:
    """Presses the tab key until what has the focus says so."""
    said = "[document.activeElement.innerText, document.activeElement.getAttribute('aria-label')]"
    for _ in range(80):
        page.keyboard.press("Tab")
        if words in page.evaluate(said):
            return
    pytest.fail(f"no way to {words!r} by the tab key")


def test_a_reviewer_settles_a_disagreement_by_keys_on_a_phone(
    store_url: str, serve_page: Callable[[str], str], browser: Browser, tmp_path: Path
) -> None:
    disagree(store_url, claims=1)
    (claim,) = read(store_url).labels
    address = serve_page(store_url)
    context = browser.new_context(viewport={"width": 390, "height": 900}, accept_downloads=True)
    come_in(context, address, "Ada", "reviewer")
    page = context.new_page()
    page.goto(f"{address}/review")
    _settle(page)
    expect(page.get_by_text("Ben's note.")).to_be_visible(timeout=_WAIT)
    assert page.locator("[data-testid=stMain]").evaluate("node => node.scrollWidth") <= 390
    _tab_to(page, "Note")
    page.keyboard.type("Looked it up.")
    _tab_to(page, "It is true")
    page.keyboard.press("Enter")
    done = page.get_by_role("status").filter(has_text="the label is true")
    expect(done).to_be_visible(timeout=_WAIT)
    expect(done.locator(".desk-move")).not_to_have_count(0)
    _settle(page)
    assert read(store_url).labels[claim] > 0.99
    page.get_by_role("radio", name="Audit").or_(page.get_by_role("button", name="Audit")).first.click()
    expect(page.get_by_text("set the label to true")).to_be_visible(timeout=_WAIT)
    with page.expect_download(timeout=_WAIT) as given:
        page.get_by_role("button", name="Download as CSV").click()
    given.value.save_as(tmp_path / "audit.csv")
    assert "Looked it up." in (tmp_path / "audit.csv").read_text("utf-8-sig")
    context.close()
