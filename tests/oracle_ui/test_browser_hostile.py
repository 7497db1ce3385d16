"""Texts that try to be more than text, on every page of the desk in a real browser: they stay text."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from argtree.draw import printable
from tests import hostile
from tests.oracle_ui.browsing import WAIT, drop_down, enter, fill_in, search, settle
from tests.oracle_ui.conftest import served
from tests.oracle_ui.hostile_desk import HUBS, fill_with_hostile_texts, hostile_roots, premises

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_ME = "<b id=evil>Me</b> :red[me] [me](https://evil.example)"
_OURS = "div p h1 h2 span b bdi ul ol li a br dl dt dd small code button table thead tbody tr th td svg title g rect " \
    "circle path polygon text line details summary i".split()  # fmt: skip
_MOST = 30  # questions, or pairs, until all texts were seen

# All that may betray a text that became more; what the page itself has no use for is looked for in all of it.
_LOOK = """ours => {
  const all = [...document.querySelectorAll("*")], ofOurs = all.filter(one => one.closest(".desk, .at"));
  const main = document.querySelector("[data-testid=stMain]");
  const strange = `iframe, object, embed, video, audio, math, base, marquee, foreignObject, form[action], .katex,
    [id*=evil]`;
  const links = [...document.querySelectorAll("a[href]")].map(one => one.getAttribute("href"));
  const known = /^(claim[?]key=|trees[?]root=|https:..example.com.[?]|http:..127.0.0.1:|#|[.]?[/])/;
  return [
    ...(window.pwned === undefined ? [] : ["a script ran"]),
    ...[...document.querySelectorAll(strange)].map(one => one.outerHTML),
    ...main.innerHTML.match(/<(img|link|meta|script)\\b/g) ?? [],
    ...ofOurs.filter(one => !ours.includes(one.tagName.toLowerCase())).map(one => one.outerHTML),
    ...all.flatMap(one => [...one.attributes].filter(held => held.name.startsWith("on")).map(held => held.name)),
    ...[...document.querySelectorAll("style")].map(one => one.textContent).filter(text => text.includes("evil")),
    ...links.filter(href => !known.test(href)),
  ];
}"""


class Desk(NamedTuple):
    """Somebody at a desk full of hostile texts."""

    page: Page
    address: str
    answered: str  # key of the claim that everybody answered
    asked_for: list[str]  # what the browser asked for, of any host

    def show(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")
        expect(self.page.locator("[data-testid=stMain] :is(.desk, .at)").first).to_be_attached(timeout=WAIT)
        settle(self.page)

    def look(self, *texts: str) -> set[str]:
        """Returns which of the texts stand on the page as they are, where nothing is more than text."""
        assert self.page.evaluate(_LOOK, _OURS) == []
        assert [one for one in self.asked_for if not one.startswith((self.address, "data:", "blob:"))] == []
        content = self.page.locator("[data-testid=stMain]").evaluate("node => node.textContent")
        return {text for text in texts if hostile.seen(text)[:60] in content}


@pytest.fixture(scope="module")
def served_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    url = f"sqlite:///{tmp_path_factory.mktemp('hostile') / 'store.db'}"
    answered = fill_with_hostile_texts(url)
    with served(url) as address:
        yield address, answered


@pytest.fixture
def desk(served_desk: tuple[str, str], open_page: Callable[..., Page]) -> Desk:
    address, answered = served_desk
    page = open_page(address)
    asked_for: list[str] = []
    page.context.on("request", lambda request: asked_for.append(request.url))
    enter(page, _ME, "administrator")
    return Desk(page, address, answered, asked_for)


def test_while_comparing(desk: Desk) -> None:  # before answers refute what there is to compare
    page, wanted = desk.page, {text for hub in range(HUBS) for number in range(4) for text in premises(hub, number)}
    desk.show("compare")
    for count in range(1, _MOST):
        wanted -= desk.look(*wanted)
        if not wanted:
            break
        page.get_by_label("Note").fill(hostile.MARKDOWN[0])
        page.locator("h1.at-claim").click()
        page.keyboard.press("1")
        expect(page.locator(".at", has_text=f"{count} comparison").first).to_be_visible(timeout=WAIT)
        settle(page)
    assert wanted == set()


def test_while_answering(desk: Desk) -> None:
    page, wanted = desk.page, {text for hub in range(HUBS) for number in range(4) for text in premises(hub, number)}
    _look_at_reasons(desk)
    for _ in range(_MOST):
        _settle_question(page)
        wanted -= desk.look(*wanted)
        if not wanted:
            break
        page.get_by_label("Note").fill(hostile.MARKUP[4])
        last = page.locator("h1.at-claim").inner_text()
        page.get_by_role("button", name="Skip" if page.get_by_label("Your number").count() else "No").click()
        if page.get_by_label("Your number").count():
            page.get_by_role("button", name="I don't know").click()
        expect(page.locator("h1.at-claim")).not_to_have_text(last, timeout=WAIT)
    assert wanted == set()


def test_where_one_looks_around(desk: Desk) -> None:
    page, texts = desk.page, set(hostile.ALL)
    desk.show("ask")
    asked = {" ".join(text.split()) for text in texts}
    assert asked - desk.look(*asked) == {hostile.ALL[0]}  # of the newest posed questions 50 are listed
    fill_in(page, page.get_by_label("Your question"), _ME)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".desk-row", has_text=_ME).first).to_contain_text("waiting", timeout=WAIT)
    desk.show("trees")
    expect(page.locator("a.desk-row")).to_have_count(50, timeout=WAIT)
    assert len(desk.look(*texts)) >= 50
    search(page, page.get_by_label("Find a question"), "evil")
    desk.look()
    for hub in range(HUBS):
        desk.show(f"claim?key=hub{hub}")
        wanted = {text for number in range(4) for text in premises(hub, number)}
        assert desk.look(*wanted) == wanted
    desk.show(f"claim?key={quote(desk.answered)}")
    said = {*texts, *hostile.NAMES, *hostile.LINKS[: len(hostile.NAMES)]}
    assert desk.look(*said) == said
    desk.show("what_if?true=hub0&false=hub1")
    expect(page.locator(".desk-move")).to_have_count(40, timeout=WAIT)
    assert len(desk.look(*texts)) >= 40


def test_in_pictures(desk: Desk) -> None:
    for number in range(HUBS):
        desk.show(f"trees?root={quote(list(hostile_roots())[number])}")
        expect(desk.page.locator(".desk-view a").first).to_be_attached(timeout=WAIT)
        desk.look()
        drawn = desk.page.locator(".desk-view title").evaluate_all("all => all.map(one => one.textContent)")
        assert {printable(f"{text} P")[:40] for text in hostile.ALL[number::HUBS]} <= {one[:40] for one in drawn}


def test_where_it_is_taken_stock(desk: Desk) -> None:
    desk.show("progress")
    desk.look()
    desk.show("dataset")
    for tab in desk.page.get_by_role("tab").all():
        tab.click()
        settle(desk.page)
        desk.look()
    desk.show("raters")
    wanted = {*hostile.NAMES, *hostile.ALL[: len(hostile.NAMES)]}
    assert desk.look(*wanted) == wanted
    drop_down(desk.page, "ArrowDown", desk.page.get_by_role("combobox", name="Rater", exact=True))
    desk.look()


def test_while_reviewing(desk: Desk) -> None:
    desk.show("review")
    said = {*hostile.NAMES, *hostile.ALL[: len(hostile.NAMES)]}
    assert desk.look(*said) == said
    for part, texts in (("Set by reviewers", hostile.ALL[:9]), ("Flags", hostile.ALL[:9]), ("Audit", ())):
        desk.page.get_by_role("radio", name=part).or_(desk.page.get_by_role("button", name=part)).first.click()
        expect(desk.page.get_by_role("checkbox")).to_have_count(int(part == "Set by reviewers"), timeout=WAIT)
        settle(desk.page)
        assert desk.look(*texts) == {*texts}


def _settle_question(page: Page) -> None:
    expect(page.locator(".at-why")).to_be_visible(timeout=WAIT)
    settle(page)


def _look_at_reasons(desk: Desk) -> None:
    for name, seen in (("Skip", "I don't know"), ("Back", "Flag"), ("Flag", "It is harmful"), ("Back", "Skip")):
        _settle_question(desk.page)
        desk.page.get_by_role("button", name=name).click()
        expect(desk.page.get_by_role("button", name=seen)).to_be_visible(timeout=WAIT)
        settle(desk.page)
        desk.look()
