"""Who may come in, how often, and with how much: bearer tokens, requests in a minute, bytes of a body."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oracle_ui.api.figures import Figures
from oracle_ui.api.problems import problem
from store.database import read_scope
from store.roles import require
from store.secret import hashed
from store.tokens import whose_token

MAX_BODY = 64 * 1024  # bytes
REQUESTS_PER_MINUTE = 600
_TOO_LARGE = f"A body may have {MAX_BODY // 1024} kB at most."


class Desk:
    """What all requests of a server share."""

    def __init__(
        self, engine: Engine, requests_per_minute: int, now_fn: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.engine = engine
        self.figures = Figures(engine)
        self.now_fn = now_fn
        self._rate = RateLimitItemPerMinute(requests_per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait_seconds(self, key: str) -> int:
        """Counts a request; returns 0, or for how long whoever it is must wait."""
        if self._limiter.hit(self._rate, key):
            return 0
        return max(1, math.ceil(self._limiter.get_window_stats(self._rate, key).reset_time - time.time()))


@dataclass(frozen=True)
class Client:
    """A program that came in."""

    desk: Desk
    rater: str  # the name of whom it answers for


_bearer = HTTPBearer(auto_error=False, description="of `argtree raters token NAME`")


def come_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
) -> Client:
    """Returns the client. Raises HTTPException 401 and 429; PausedError; StoreError."""
    desk: Desk = request.app.state.desk
    if credentials is None:
        raise _unknown("Send a token, as `Authorization: Bearer TOKEN`: `argtree raters token NAME` makes one.")
    with read_scope(desk.engine) as session:
        rater = whose_token(session, credentials.credentials)
    if rater is None:
        raise _unknown("This token was withdrawn or never was: `argtree raters token NAME` makes another one.")
    if wait := desk.wait_seconds(hashed(credentials.credentials)):
        raise HTTPException(429, f"Too many requests: wait {wait} s.", {"Retry-After": str(wait)})
    require(rater, "rater")
    return Client(desk, rater.name)


Present = Annotated[Client, Depends(come_in)]


class BodyLimit:
    """Refuses bodies that are too large, before they are read or as they turn out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers with 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            await problem(413, _TOO_LARGE)(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY:
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, limited, send)


def _unknown(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})
