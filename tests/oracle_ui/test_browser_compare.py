"""Comparing arguments in a real browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from store.database import open_store, read_scope
from store.tables import Comparison
from tests.oracle_ui.conftest import come_in
from tests.oracle_ui.factories import fill

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_WAIT = 60_000.0  # milliseconds


def pairs(count: int) -> ArgumentGraph:
    """Claims, each with an argument for it and one against."""
    claims, arguments = [], []
    for number in range(count):
        claims += [Claim(f"{kind}{number}", f"Claim {number} {kind}", 0.5) for kind in "CPQ"]
        for polarity, kind in (("support", "P"), ("attack", "Q")):
            premise = Premise(f"{kind}{number}", kind == "P")
            arguments.append(Argument(f"a{kind}{number}", f"C{number}", polarity, 0.5, (premise,)))  # type: ignore[arg-type]
    return ArgumentGraph(tuple(claims), tuple(arguments), (Root("C0"),))


@pytest.fixture
def page(empty_url: str, browser: Browser, serve_page: Callable[[str], str]) -> Iterator[Page]:
    """The page, entered."""
    fill(empty_url, pairs(5))
    address = serve_page(empty_url)
    context = browser.new_context(viewport={"width": 1000, "height": 1000})
    come_in(context, address)
    page = context.new_page()
    page.set_default_timeout(_WAIT)
    page.goto(f"{address}/compare")
    expect(page.locator(".at-pair")).to_be_visible(timeout=_WAIT)
    yield page
    context.close()


def _settle(page: Page) -> None:
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=_WAIT)


def _kinds(url: str) -> list[str]:
    engine = open_store(url)
    with read_scope(engine) as session:
        kinds = [one.kind for one in session.exec(select(Comparison))]
    engine.dispose()
    return kinds


def _press(page: Page, key: str, count: int) -> None:
    page.locator("h1.at-claim").click()
    page.keyboard.press(key)
    expect(page.locator(".at", has_text=f"{count} comparison").first).to_be_visible(timeout=_WAIT)
    _settle(page)


def test_keys_compare_and_undo(page: Page, empty_url: str) -> None:
    _settle(page)
    for count, key in enumerate("123s", 1):
        _press(page, key, count)
    _press(page, "u", 3)
    expect(page.locator(".at", has_text="Taken back").first).to_be_visible(timeout=_WAIT)
    seen = 3
    while page.locator(".at-pair").count():
        claim = page.locator("h1.at-claim").evaluate("node => node.textContent")
        sides = page.locator(".at-side p").evaluate_all("all => all.map(node => node.textContent)")
        assert claim.endswith(" C") and sorted(sides) == [claim[:-1] + "P", claim[:-1] + "Q"]
        seen += 1
        _press(page, "3", seen)
    assert _kinds(empty_url) == ["first", "second", "equal", "cannot_say", *["equal"] * 2]


def test_cards_stand_side_by_side_and_on_a_phone_one_below_the_other(page: Page) -> None:
    _settle(page)
    boxes = [page.locator(".at-side").nth(number).bounding_box() for number in (0, 1)]
    assert all(boxes) and boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]  # type: ignore[index]
    page.set_viewport_size({"width": 360, "height": 700})
    page.wait_for_timeout(1000)
    boxes = [page.locator(".at-side").nth(number).bounding_box() for number in (0, 1)]
    assert boxes[0]["x"] == boxes[1]["x"] and boxes[0]["y"] < boxes[1]["y"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("First is better", "Second is better", "About equal", "Can't say"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None and box["width"] >= 60 and box["x"] + box["width"] <= 360
