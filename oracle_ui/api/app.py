"""The application: routes, errors, the page that documents them, and the sender of webhooks beside them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from threading import Event, Thread

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sqlalchemy import Engine

from oracle_ui.api import asking, looking
from oracle_ui.api.door import REQUESTS_PER_MINUTE, BodyLimit, Desk
from oracle_ui.api.problems import add_handlers
from oracle_ui.api.sending import send_for_ever

_ABOUT = """The raters' queue for programs. Every call needs a token of `argtree raters token NAME`, which makes it the
rater's: their role and pauses count, and what they answer is theirs. Errors are problems as RFC 9457 has them."""


def build_app(engine: Engine, *, requests_per_minute: int = REQUESTS_PER_MINUTE) -> FastAPI:
    """Returns the application on an open store.

    Args:
        requests_per_minute: that a token may make, at least 1.
    """

    @asynccontextmanager
    async def send_meanwhile(app: FastAPI) -> AsyncIterator[None]:
        stop = Event()
        sender = Thread(target=send_for_ever, args=(engine, stop), name="webhooks")
        sender.start()
        try:
            yield
        finally:
            stop.set()
            sender.join()

    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="argtree",
        version=version("argtree"),
        description=_ABOUT,
        lifespan=send_meanwhile,
        generate_unique_id_function=lambda route: route.name,
        swagger_ui_parameters={"validatorUrl": None},  # else a page that others reach asks another server
    )
    app.state.desk = Desk(engine, requests_per_minute)
    app.add_middleware(BodyLimit)
    for router in (asking.router, looking.router):
        app.include_router(router)
    add_handlers(app)
    return app
