"""Tokens by which programs come in as a rater (`oracle_ui.api`): shown once, kept as a hash, good until withdrawn."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Field, Session, SQLModel, col, select

from store.claims import known
from store.errors import StoreError
from store.roles import require
from store.secret import hashed, new_token
from store.tables import Rater, UtcDateTime
from store.texts import storable

_PREFIX = "argtree_"  # so that whoever looks for leaked secrets knows one


class ClientToken(SQLModel, table=True):
    """What a program is known by."""

    __tablename__ = "client_token"

    id: int | None = Field(default=None, primary_key=True)
    token_hash: str = Field(unique=True, repr=False)
    rater_id: int = Field(foreign_key="rater.id", index=True)
    note: str = ""  # which program
    made_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class Given:
    """A token that is good, without the token itself, which nobody can be shown again."""

    id: int
    rater: str
    note: str
    made_at: datetime


def make_token(session: Session, rater: Rater, by: Rater | None, now: datetime, note: str = "") -> str:
    """Returns a new token of the rater's. Commits.

    Args:
        by: an administrator; None at the command line.
        note: which program it is for.

    Raises:
        NotAllowedError: by no administrator.
    """
    require(by, "administrator")
    token = _PREFIX + new_token()
    session.add(ClientToken(token_hash=hashed(token), rater_id=known(rater.id), note=storable(note), made_at=now))
    session.commit()
    return token


def list_tokens(session: Session, by: Rater | None) -> list[Given]:
    """Returns the tokens that are good, oldest first. Raises NotAllowedError: for no administrator."""
    require(by, "administrator")
    query = select(ClientToken, Rater.name).join(Rater, col(Rater.id) == col(ClientToken.rater_id))
    rows = session.exec(query.order_by(col(ClientToken.id)))
    return [Given(known(row.id), name, row.note, row.made_at) for row, name in rows]


def withdraw_token(session: Session, token_id: int, by: Rater | None) -> None:
    """Makes a token worthless from now on. Commits.

    Raises:
        NotAllowedError: by no administrator.
        StoreError: there is no token of that number.
    """
    require(by, "administrator")
    gone = delete(ClientToken).where(col(ClientToken.id) == token_id).returning(col(ClientToken.id))
    if session.execute(gone).first() is None:
        raise StoreError(f"There is no token {token_id}: `argtree raters tokens` lists them.")
    session.commit()


def whose_token(session: Session, token: str) -> Rater | None:
    """Returns the rater whose token it is, None if it is nobody's."""
    query = select(Rater).join(ClientToken, col(ClientToken.rater_id) == col(Rater.id))
    # Found by its hash, so that how long it takes tells nothing of other tokens.
    found = query.where(ClientToken.token_hash == hashed(token))
    return session.exec(found.execution_options(populate_existing=True)).first()
