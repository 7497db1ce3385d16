"""What the tests in a real browser do again and again on the page for answers, and what they look up in the store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, expect
from sqlmodel import Session, SQLModel, select

from oracle_ui.reading import opened
from store.database import session_scope
from tests.oracle_ui.conftest import come_in

WAIT = 60_000.0  # milliseconds
SECRET = "eight or more"


def enter(page: Page, name: str, role: str = "rater") -> None:
    """Comes in without the form, as somebody who has been here before."""
    come_in(page.context, page.url, name, role)
    page.reload()


def sign_in(page: Page, button: str, name: str, password: str = SECRET) -> None:
    """Fills the form in and presses its button."""
    page.get_by_label("Your name").fill(name)
    page.get_by_label("password").first.fill(password)
    page.get_by_role("button", name=button, exact=True).click()


def settle(page: Page) -> None:
    """Waits until nothing of the page before is left: Streamlit replaces it piece by piece."""
    app = page.locator("[data-testid=stApp]")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=WAIT)


def sees(page: Page, text: str) -> None:
    expect(page.locator(".at", has_text=text).first).to_be_visible(timeout=WAIT)


def claim(page: Page) -> str:
    """Returns the claim that is asked about."""
    sees(page, "Is this true?")
    settle(page)
    return page.locator("h1.at-claim").inner_text()


def next_claim(page: Page, last: str) -> str:
    """Returns the claim that comes after the last one."""
    expect(page.locator("h1.at-claim")).not_to_have_text(last, timeout=WAIT)
    settle(page)
    return page.locator("h1.at-claim").inner_text()


def put_cursor(page: Page, key: str, field: Locator) -> None:
    """Presses the key once the page listens to it."""
    while not field.evaluate("node => node === document.activeElement"):
        page.keyboard.press(key)
        page.wait_for_timeout(50)


def drop_down(page: Page, key: str, field: Locator) -> None:
    """Presses the key in a field until it shows its options."""
    _until_it_drops(page, lambda: field.press(key))


def search(page: Page, field: Locator, text: str) -> None:
    """Types a text into a field until it shows its options."""
    _until_it_drops(page, lambda: field.fill(text))


def _until_it_drops(page: Page, act: Callable[[], None]) -> None:
    """Does something to a field until there are options: what comes while the field is put in place is lost."""
    options = page.get_by_role("option").first
    for _ in range(int(WAIT / 1_000)):
        act()
        try:
            expect(options).to_be_visible(timeout=1_000)
            return
        except AssertionError:
            settle(page)
    expect(options).to_be_visible(timeout=WAIT)


def fill_in(page: Page, field: Locator, text: str) -> None:
    """Fills a field in until it keeps the text: what comes while the field is put in place is lost."""
    for _ in range(int(WAIT / 1_000)):
        field.fill(text)
        settle(page)
        page.wait_for_timeout(100)
        if field.input_value() == text:
            return
    expect(field).to_have_value(text)


@contextmanager
def in_store(url: str) -> Iterator[Session]:
    """Gives a session of the store, which is open for that long only."""
    with opened(url) as engine, session_scope(engine) as session:
        yield session


def rows(url: str, table: type[SQLModel]) -> list[Any]:
    """Returns all rows of a table."""
    with in_store(url) as session:
        return list(session.exec(select(table)))
