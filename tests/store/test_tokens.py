import pytest
from sqlmodel import Session, select

from store.errors import NotAllowedError, StoreError
from store.raters import get_rater
from store.tokens import ClientToken, list_tokens, make_token, whose_token, withdraw_token
from tests.store.factories import NOW


def test_a_token_is_its_raters_until_it_is_withdrawn(session: Session) -> None:
    ada = get_rater(session, "Ada", NOW)
    first, second = (make_token(session, ada, None, NOW, note) for note in ("notebook", "robot"))
    assert first.startswith("argtree_") and first != second
    assert [(one.rater, one.note) for one in list_tokens(session, None)] == [("Ada", "notebook"), ("Ada", "robot")]
    withdraw_token(session, list_tokens(session, None)[0].id, None)
    assert whose_token(session, first) is None and whose_token(session, second) == ada
    assert whose_token(session, "argtree_\0\ud800") is None


def test_the_store_keeps_no_token(session: Session) -> None:
    token = make_token(session, get_rater(session, "Ada", NOW), None, NOW)
    row = session.exec(select(ClientToken)).one()
    assert token not in row.model_dump().values() and row.token_hash not in repr(row)


def test_only_administrators_give_tokens_and_only_tokens_that_are_there_are_withdrawn(session: Session) -> None:
    ada = get_rater(session, "Ada", NOW)
    with pytest.raises(NotAllowedError):
        make_token(session, ada, ada, NOW)
    with pytest.raises(NotAllowedError):
        list_tokens(session, ada)
    with pytest.raises(NotAllowedError):
        withdraw_token(session, 1, ada)
    with pytest.raises(StoreError, match="There is no token 7: `argtree raters tokens` lists them."):
        withdraw_token(session, 7, None)
