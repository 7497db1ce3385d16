"""What calls of models cost, by question."""

from datetime import UTC, datetime

from sqlmodel import Session

from store.calls import ModelCall, RootSpent, Spent, list_calls, record_calls, spent_in_all, spent_on_roots
from store.claims import add_argument, add_claim, add_root
from store.texts import text_hash

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def call(about: str | None, tokens: int) -> ModelCall:
    subject = None if about is None else text_hash(about)
    return ModelCall(
        model="m",
        is_general=True,
        kind="complete",
        prompt='"\\u0000"',
        parameters="{}",
        reply='""',
        prompt_tokens=tokens,
        reply_tokens=1,
        seconds=0.5,
        subject_hash=subject,
        called_at=NOW,
    )


def test_a_question_costs_the_calls_about_it_and_about_what_lies_under_it(session: Session) -> None:
    nails, jelly, shared = (
        add_claim(session, text, 0.5, NOW) for text in ("Nails win.", "Jelly wins.", "Iron is hard.")
    )
    for conclusion in (nails, jelly):
        add_argument(session, conclusion, "support", 0.5, [(shared, True)], None, NOW)
    add_root(session, "Do nails win?", nails, NOW)
    add_root(session, "Does jelly win?", jelly, NOW)
    subjects = ["Do nails win?", "nails  win", "Iron is hard.", "Iron is hard.", None, "Somebody else's claim."]
    record_calls(session, [call(about, 10**i) for i, about in enumerate(subjects)])
    assert spent_on_roots(session) == [
        RootSpent(nails.key, "Do nails win?", Spent(4, 1111, 4, 2.0)),
        RootSpent(jelly.key, "Does jelly win?", Spent(2, 1100, 2, 1.0)),
    ]
    assert spent_in_all(session) == Spent(6, 111111, 6, 3.0)
    assert spent_on_roots(session, [jelly.key])[0].spent.calls == 2


def test_calls_are_listed_as_they_were_made(session: Session) -> None:
    record_calls(session, [call(None, tokens) for tokens in (3, 1, 2)])
    assert [one.prompt_tokens for one in list_calls(session)] == [3, 1, 2]
    assert spent_on_roots(session) == [] and spent_in_all(session).seconds == 1.5
