"""The desk in a real browser: clicks, keys, a phone, both themes, and texts that try to be more than text."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from oracle_ui import style
from tests.oracle_ui.conftest import come_in
from tests.oracle_ui.factories import QUESTIONS
from tests.oracle_ui.test_desk import answer_all

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WAIT = 60_000.0  # milliseconds
_PAGES = ("ask", "trees", "trees?root=r", "claim?key=p", "what_if?true=p", "progress", "dataset")
Serve = Callable[[str], str]
OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    contexts = []

    def open_(address: str, width: int = 1000, scheme: str = "light") -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme))
        come_in(contexts[-1], address)
        page = contexts[-1].new_page()
        page.set_default_timeout(_WAIT)
        page.on("dialog", lambda dialog: pytest.fail("a dialog opened"))
        page.goto(address)
        _settle(page)
        return page

    yield open_
    for context in contexts:
        context.close()


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
    page = open_page(f"{serve_page(store_url)}/trees")
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
    page = open_page(f"{serve_page(store_url)}/trees?root=r")
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
    search = page.get_by_label("Find another claim")
    search.focus()
    page.keyboard.type("sharp")
    expect(page.get_by_role("option", name="Nails are sharp.")).to_be_visible(timeout=_WAIT)
    page.keyboard.press("Enter")
    _heading(page, "Nails are sharp.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_in_both_themes(
    store_url: str, serve_page: Serve, open_page: OpenPage, scheme: str
) -> None:
    answer_all(store_url)
    address = serve_page(store_url)
    ground = style.GROUNDS[scheme == "dark"][0]
    rgb = f"rgb({', '.join(str(int(ground[at : at + 2], 16)) for at in (1, 3, 5))})"
    for path in _PAGES:
        page = open_page(f"{address}/{path}", width=390, scheme=scheme)
        assert page.locator("[data-testid=stMain]").evaluate("node => node.scrollWidth") <= 390, path
        assert page.locator("[data-testid=stApp]").evaluate("node => getComputedStyle(node).backgroundColor") == rgb
        header = page.locator("[data-testid=stHeader]").bounding_box()
        first = page.locator(".desk").first.bounding_box()
        assert header is not None and first is not None and first["y"] >= header["y"] + header["height"], path
