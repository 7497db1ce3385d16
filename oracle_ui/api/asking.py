"""Questions: to get one, to answer it, to skip it, to give it back."""

from fastapi import APIRouter, Response

from oracle_ui.api import acts
from oracle_ui.api.door import Client, Present
from oracle_ui.api.problems import documented
from oracle_ui.api.schemas import (
    Answered,
    AnswerIn,
    CannotSay,
    Draft,
    Likely,
    Measured,
    Question,
    ReleaseIn,
    SkipIn,
    YesNo,
)
from oracle_ui.sitting import Said
from store.drafts import Typed
from store.tables import Answer

router = APIRouter(prefix="/v1", tags=["questions"], responses=documented(401, 403, 429, 500, 503))
_BODY = documented(400, 413, 422)
_HELD = {"requestBody": {"token": "$response.body#/token"}}


@router.post(
    "/question",
    responses={
        200: {"links": {name: {"operationId": name, **_HELD} for name in ("answer", "skip", "release")}},
        204: {"description": "Nothing is left to ask this rater."},
    },
)
def next_question(client: Present) -> Question:
    """The question that the token's rater now holds: the same one as long as they do, else the most valuable one.

    It is theirs for five minutes, and for five more with every call. A rater holds one question at a time, however many
    programs ask for them. The probability and the value are those of the last ranking; nothing is propagated here.
    """
    asked = acts.ask(client.desk.engine, client.rater, client.desk.now_fn())
    if asked is None:
        return Response(status_code=204)  # type: ignore[return-value]
    leased = asked.leased
    return Question(
        token=leased.token,
        kind="claim" if leased.quantity is None else "quantity",
        key=leased.claim or leased.quantity or "",
        text=leased.text,
        unit=asked.unit,
        prob=leased.prob,
        value=leased.value,
        expires_at=leased.expires_at,
        draft=None if asked.typed is None else _draft(asked.typed),
    )


@router.post("/answers", responses=_BODY | documented(409))
def answer(said: AnswerIn, client: Present) -> Answered:
    """Stores an answer to a question that the rater holds; once this returns 200 it is on the server's disk.

    The same token stores one answer however often it is sent, and the first one stands: what got no reply can be sent
    again. An answer that comes after the lease has ended is stored as long as nobody has taken the place. Then the
    queue is ranked anew, as after an answer on the page: that propagates the whole graph, and is waited for.
    """
    match said:
        case Likely():
            meant = Said(said.kind, said.prob, said.note, source=said.source)
        case Measured():
            meant = Said(said.kind, None, said.note, (said.number, said.error), said.is_sure, said.source)
        case YesNo():
            meant = Said(said.kind, note=said.note, source=said.source)
        case CannotSay():
            meant = Said(said.kind, note=said.note, reason=said.reason)
    return _hand_in(client, said.token, meant)


@router.post("/skip", responses=_BODY | documented(409))
def skip(skipped: SkipIn, client: Present) -> Answered:
    """Stores that the rater can't say, the same as an answer of the kind `cannot_say`.

    They are not asked this again, and others are. (Given back instead, it would be the next question again: it is still
    the most valuable one.)
    """
    return _hand_in(client, skipped.token, Said("cannot_say", note=skipped.note, reason=skipped.reason))


@router.post("/release", status_code=204, responses=_BODY)
def release(given_back: ReleaseIn, client: Present) -> None:
    """Gives a question back to the queue, for a program that stops; one that is not held any more is no error."""
    acts.release(client.desk.engine, given_back.token)


def _hand_in(client: Client, token: str, said: Said) -> Answered:
    desk = client.desk
    stored, trouble = acts.answer(desk.engine, client.rater, token, said, desk.now_fn, desk.figures.propagated)
    return _answered(stored, trouble)


def _answered(stored: Answer, trouble: str | None) -> Answered:
    return Answered(
        kind=stored.kind,  # type: ignore[arg-type]  # the table allows no other
        prob=stored.prob,
        number=stored.number,
        error=stored.sd,
        note=stored.note,
        source=stored.source,
        reason=stored.reason,  # type: ignore[arg-type]  # as above
        answered_at=stored.answered_at,
        trouble=trouble,
    )


def _draft(typed: Typed) -> Draft:
    number, error = typed.number or (None, None)
    return Draft(kind=typed.kind, prob=typed.prob, number=number, error=error, note=typed.note, source=typed.source)
