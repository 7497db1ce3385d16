"""`argtree api`: the queue for programs, over HTTP."""

import typer

from argtree.cli_common import AddressOption, PortOption, StoreOption, err
from argtree.errors import ArgtreeError
from store.database import DEFAULT_STORE, open_store

_EXTRA = {"fastapi", "fastapi_offline", "httpx2", "limits", "uvicorn"}


def register(program: typer.Typer) -> None:
    """Adds the command to the program."""
    program.command()(api)


def api(
    store: StoreOption = DEFAULT_STORE,
    port: PortOption = 8600,
    address: AddressOption = "127.0.0.1",
) -> None:
    """Serve the raters' queue to programs, and tell webhooks of labels; SIGTERM or Ctrl-C stops it cleanly.

    Example: argtree api --port 8600

    Example: argtree api --address 0.0.0.0 (behind a proxy that speaks HTTPS)
    """
    try:
        from oracle_ui.api.serve import listen, serve
    except ModuleNotFoundError as exc:
        if exc.name not in _EXTRA:
            raise
        raise ArgtreeError(f"There is no {exc.name} here: `pip install 'argtree[api]'` brings it.") from exc

    open_store(store, create=False).dispose()  # what is wrong with it is said before anything else
    place = listen(address, port)
    host = f"[{address}]" if ":" in address else address
    err.print(
        f"Programs are served at http://{host}:{port}, which documents itself at /docs; each needs a token, of "
        "`argtree raters token NAME`. Ctrl-C stops it.",
        markup=False,
    )
    serve(store, place)
    err.print("The server has stopped.")
