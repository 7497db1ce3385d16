"""Every page of the desk by keys alone, on a phone and in both themes: with no data, little, and much."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from oracle_ui import style
from store.database import open_store
from tests.oracle_ui.browsing import WAIT, enter, settle
from tests.oracle_ui.conftest import served
from tests.oracle_ui.factories import QUESTIONS, fill, fill_with_much, small_graph
from tests.oracle_ui.test_desk import answer_all

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_PHONE = 390  # pixels
_LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
_MORE = ("trees?root=r", "claim?key=p", "what_if?true=p")  # what the list of pages does not lead to by itself
_MOST_TABS = 500

# Texts of ours whose colour, blended with all that lies behind it, stands out too little.
_PALE = """least => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((part, at) => a * part + (1 - a) * below[at]);
  const middle = node => {
    const { left, right, top, bottom } = node.getBoundingClientRect();
    return [(left + right) / 2, (top + bottom) / 2];
  };
  const ground = (node, x, y) => {
    if (!node) return [255, 255, 255];
    const { left, right, top, bottom } = node.getBoundingClientRect();
    const isBehind = !node.closest(".desk, .at") || (left <= x && x <= right && top <= y && y <= bottom);
    const colour = isBehind ? read(getComputedStyle(node).backgroundColor) : [0, 0, 0, 0];
    return colour[3] === 1 ? colour.slice(0, 3) : over(colour, ground(node.parentElement, x, y));
  };
  const linear = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
  const shining = parts => {
    const [r, g, b] = parts.map(one => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = node => {
    let [r, g, b, a] = read(getComputedStyle(node).color);
    for (let one = node; one; one = one.parentElement) a *= getComputedStyle(one).opacity;
    const behind = ground(node, ...middle(node));
    const [one, other] = [shining(over([r, g, b, a], behind)), shining(behind)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const hasText = node => [...node.childNodes].some(one => one.nodeType === 3 && one.textContent.trim());
  return [...document.querySelectorAll("[data-testid=stMain] :is(.desk, .at) *")]
    .filter(node => !node.closest("svg") && node.checkVisibility() && hasText(node))
    .map(node => [contrast(node), node.className, node.textContent.slice(0, 40)])
    .filter(([found]) => found < least);
}"""

# Notes what can be acted on and how it looks without the focus; a group of radio buttons is one thing to a keyboard.
_FIND = """() => {
  const look = node => {
    const nodes = [node, ...node.querySelectorAll("*")].slice(0, 40);
    for (let one = node.parentElement; one && nodes.length < 44; one = one.parentElement) nodes.push(one);
    return nodes.map(one => {
      const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, stroke } = getComputedStyle(one);
      return [outlineStyle === "none" ? "" : outlineWidth + outlineColor, boxShadow, borderColor, stroke].join();
    }).join(";");
  };
  const still = document.head.appendChild(document.createElement("style"));
  still.textContent = "* {transition: none !important; animation: none !important}";
  document.activeElement?.blur();
  const all = [...document.querySelectorAll(`[data-testid=stMain] :is(a[href], button, input, textarea, summary,
    [tabindex="0"], [role=slider], [role=combobox])`)];
  const radios = all.filter(node => node.type === "radio" || node.role === "radio");
  const isSeen = node => node.checkVisibility({ visibilityProperty: true }) && node.getBoundingClientRect().width > 0;
  const found = all.filter(node => !node.disabled && node.tabIndex >= 0 && isSeen(node) && node.type !== "hidden"
    && !radios.slice(1).includes(node) && !node.closest("[inert], [aria-hidden=true]"));
  window.looks = new Map(found.map(node => [node, look(node)]));
  window.lookOf = look;
  return found.length;
}"""

_STEP = """() => {
  const node = document.activeElement;
  if (!window.looks.has(node)) return node.closest("[data-testid=stMain]") ? "more" : "outside";
  const said = node.outerHTML.slice(0, 120);
  const before = window.looks.get(node);
  window.looks.delete(node);
  return before === window.lookOf(node) ? said : "";
}"""

_BOTTOM = "node => node.getBoundingClientRect().bottom"
_LEFT = "() => [...window.looks.keys()].map(node => node.outerHTML.slice(0, 160))"


@pytest.fixture(scope="module", params=["none", "few", "many"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """How much there is, and the address of a desk with that."""
    url = f"sqlite:///{tmp_path_factory.mktemp(request.param) / 'store.db'}"
    if request.param == "none":
        open_store(url).dispose()
    elif request.param == "few":
        fill(url, small_graph(), QUESTIONS)
        answer_all(url)
    else:
        fill_with_much(url)
    with served(url) as address:
        yield request.param, address


@pytest.fixture
def page(desk: tuple[str, str], open_page: Callable[..., Page]) -> Page:
    page = open_page(desk[1], _PHONE)
    enter(page, "Adeline", "administrator")
    settle(page)
    return page


def _paths(page: Page, much: str) -> list[str]:
    """Returns the paths of all pages: those in the app's own list, and what these lead to where there are data."""
    listed = page.locator("[data-testid=stSidebarNavLink]")
    expect(listed.first).to_be_attached(timeout=WAIT)
    paths = [str(href).rpartition("/")[2] for href in listed.evaluate_all("all => all.map(one => one.href)")]
    assert {"", "review", "raters", "trees"} <= {*paths}
    return [*paths, *(_MORE if much != "none" else ())]


def _show(page: Page, address: str, path: str) -> None:
    page.goto(f"{address}/{path}")
    expect(page.locator("[data-testid=stMain] :is(.desk, .at)").first).to_be_attached(timeout=WAIT)
    settle(page)


def _pale(page: Page) -> list[object]:
    """Returns what is too pale once the theme has come to all parts of the page, or the page has had time for it."""
    for _ in range(30):
        if not (pale := page.evaluate(_PALE, _LEAST_CONTRAST)):
            return []
        page.wait_for_timeout(100)
    return list(pale)


def test_pages_fit_a_phone_can_be_read_in_both_themes_and_be_used_by_keys(desk: tuple[str, str], page: Page) -> None:
    """One visit to each page: to load one takes longer than to look at it."""
    much, address = desk
    for path in _paths(page, much):
        _show(page, address, path)
        _fits(page, path)
        _can_be_read(page, path)
        _is_reached_by_the_tab_key_and_shows_it(page, path)


def _fits(page: Page, path: str) -> None:
    widths = page.locator("html, [data-testid=stMain]").evaluate_all("all => all.map(one => one.scrollWidth)")
    assert max(widths) <= _PHONE, path
    header, first = page.locator("[data-testid=stHeader]"), page.locator("[data-testid=stMain] :is(.desk, .at) > *")
    assert header.evaluate(_BOTTOM) <= first.first.evaluate("node => node.getBoundingClientRect().top"), path


def _can_be_read(page: Page, path: str) -> None:
    for number, scheme in ((1, "dark"), (0, "light")):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        red, green, blue = (int(style.GROUNDS[number][0][at : at + 2], 16) for at in (1, 3, 5))
        expect(page.locator("[data-testid=stApp]")).to_have_css("background-color", f"rgb({red}, {green}, {blue})")
        assert _pale(page) == [], (path, scheme)


def _is_reached_by_the_tab_key_and_shows_it(page: Page, path: str) -> None:
    """Whether all that can be acted on is."""
    count = page.evaluate(_FIND)
    for _ in range(_MOST_TABS if count else 0):
        page.keyboard.press("Tab")
        assert (bare := page.evaluate(_STEP)) in ("", "more", "outside"), (path, bare)
        if not page.evaluate("window.looks.size"):
            break
    assert page.evaluate(_LEFT) == [], path
