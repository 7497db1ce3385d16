"""What goes wrong, as RFC 9457 has it ("Problem Details for HTTP APIs"): one sentence, never a traceback or SQL.

Only sentences that are meant for raters go out; what a store says of itself names its place, and stays in the log.
"""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from argtree.errors import ArgtreeError
from oracle_ui.sitting import DoubtfulNumberError
from store.errors import (
    ImpossibleNumberError,
    LeaseLostError,
    NotAllowedError,
    PausedError,
    SourceError,
    StoreLockedError,
    StoreUnreachableError,
)

CONTENT_TYPE = "application/problem+json"
BUSY = "The store is busy or cannot be reached: try again in a while, nothing acknowledged was lost."
BROKEN = "Something is wrong with the server or its store: its log says what, tell whoever runs it."
_LOG = logging.getLogger(__name__)


class UnfitAnswerError(ArgtreeError):
    """The kind of answer does not go with the question."""


_TOLD: tuple[tuple[type[ArgtreeError], int, str], ...] = (  # the most special first
    (LeaseLostError, 409, "lease-lost"),
    (UnfitAnswerError, 409, "unfit-answer"),
    (SourceError, 422, "no-source"),
    (DoubtfulNumberError, 409, "doubtful-number"),
    (ImpossibleNumberError, 409, "impossible-number"),
    (PausedError, 403, "paused"),
    (NotAllowedError, 403, "not-allowed"),
)
_MEANINGS = {
    400: "The body is not JSON in UTF-8.",
    401: "The token is missing, was withdrawn, or never was.",
    403: "The token's rater is paused.",
    404: "There is no such claim.",
    409: "The question is not held any more, and what was said is kept as a draft (`lease-lost`); it is not one that "
    "can be answered so (`unfit-answer`); the number is so far from what is expected that it must be sent again with "
    "`is_sure` (`doubtful-number`); or it can't be (`impossible-number`).",
    413: "The body is larger than 64 kB.",
    422: "The request does not say what it must, or not in the right form.",
    429: "Too many requests with this token within a minute; `Retry-After` says how many seconds to wait.",
    500: "Something is wrong with the server or its store.",
    503: "The store is busy or cannot be reached.",
}


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(description="`urn:argtree:problem:` and a name for what a program may act on; else `about:blank`")
    title: str = Field(description="the status in words")
    status: int = Field(description="the status")
    detail: str = Field(description="one sentence that says what is wrong and what to do")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns what OpenAPI says of these statuses."""
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in statuses}


def problem(status: int, detail: str, name: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """Returns the response."""
    body = Problem(
        type=f"urn:argtree:problem:{name}" if name else "about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
    )
    return JSONResponse(body.model_dump(), status, headers, media_type=CONTENT_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Makes every error of the app a problem, and says so in its OpenAPI document."""
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(ArgtreeError, _of_ours)
    app.add_exception_handler(Exception, _of_others)
    app.openapi_schema = _with_problems(app.openapi())


def _of_http(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    return problem(exc.status_code, str(exc.detail), headers=dict(exc.headers or {}))


def _of_validation(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)
    wrong = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in exc.errors()]
    said = ascii("; ".join(wrong))[1:-1]  # names of fields are whatever was sent
    return problem(422, f"The request will not do: {said[:500]}.")


def _of_ours(request: Request, exc: Exception) -> JSONResponse:
    for kind, status, name in _TOLD:
        if isinstance(exc, kind):
            return problem(status, str(exc), name)
    if isinstance(exc, (StoreLockedError, StoreUnreachableError)):
        _LOG.warning("%s", exc)
        return problem(503, BUSY, headers={"Retry-After": "1"})
    _LOG.error("%s", exc)
    return problem(500, BROKEN)


def _of_others(request: Request, exc: Exception) -> JSONResponse:
    return problem(500, BROKEN)  # uvicorn logs it


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {CONTENT_TYPE: response["content"].pop("application/json")}
    return schema
