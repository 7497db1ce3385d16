import pytest
from sqlmodel import Session, select

from store.corrections import take_back
from store.drafts import Typed, load_draft
from store.errors import SourceError
from store.history import history
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.sources import LONGEST, checked_source
from store.tables import Answer
from tests.store.factories import NOW, fill_queue, flat_graph

LINK = "https://example.org/a?b=c#d"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("  ", ""),
        (f" {LINK}\n", LINK),
        ("HTTP://example.org", "http://example.org"),
        ("http://[::1]/", None),
        ("https://a.example/@ada?b=c@d", None),
    ],
)
def test_a_link_is_kept_as_it_is(typed: str, kept: str | None) -> None:
    assert checked_source(typed) == (typed if kept is None else kept)


@pytest.mark.parametrize(
    "typed",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>",
        "example.org",
        "//example.org",
        "http:example.org",
        "https://",
        "https://bank.example@evil.example/login",
        "https://bank.example:443@evil.example",
        "http://@evil.example",
        "http://[",
        "https://example.org/a b",
        "https://example.org/\u202e",
        "https://example.org/\x00",
        "ftp://example.org",
        "https://example.org/" + "x" * LONGEST,
    ],
)
def test_what_is_no_link_is_refused_and_nothing_stored(session: Session, typed: str) -> None:
    fill_queue(session, flat_graph(1))
    ada = get_rater(session, "Ada", NOW)
    leased = next_question(session, ada, NOW)
    assert leased is not None
    with pytest.raises(SourceError, match="A source (is a link|has at most)"):
        submit_answer(session, leased.token, ada, "yes", None, NOW, source=typed)
    assert session.exec(select(Answer)).all() == []


def test_a_source_goes_with_the_answer_and_back_into_the_draft(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    ada = get_rater(session, "Ada", NOW)
    leased = next_question(session, ada, NOW)
    assert leased is not None
    assert submit_answer(session, leased.token, ada, "yes", None, NOW, source=LINK).source == LINK
    assert [one.source for one in history(session, None).events] == [LINK]
    take_back(session, ada, NOW)
    assert load_draft(session, ada, leased.question_id) == Typed("yes", source=LINK)
