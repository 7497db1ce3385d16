"""Runs the application as a server, in this process."""

import signal
import socket
from types import FrameType
from typing import Any

import uvicorn

from argtree.errors import ArgtreeError
from oracle_ui.api.app import build_app
from store.database import open_store

_GRACE_SECONDS = 10  # for requests that are being answered when the server is told to stop


def listen(address: str, port: int) -> socket.socket:
    """Returns a socket that listens. Raises ArgtreeError where it can't."""
    try:
        family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as exc:
        why = (exc.strerror or str(exc)).partition(" (while")[0]  # Python repeats the address
        raise ArgtreeError(
            f"Nothing can be served at {address}, port {port} ({why}): give others with --address and --port."
        ) from exc


def serve(store_url: str, place: socket.socket) -> None:
    """Serves a store until SIGTERM, SIGINT or SIGHUP. Must be called from the main thread. Raises StoreError.

    Where SIGHUP is ignored (nohup), it stays so.

    Args:
        store_url: the store's path or URL.
        place: to listen at; closed in the end.
    """
    engine = open_store(store_url, create=False)
    # Tokens come in headers, which are not logged; that claims were looked at is nobody's business either.
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
    server = uvicorn.Server(uvicorn.Config(build_app(engine), timeout_graceful_shutdown=_GRACE_SECONDS, **quiet))

    def stop(signum: int, frame: FrameType | None) -> None:
        server.should_exit = True  # before uvicorn listens to signals, and when it hands on what it got

    hangup_counts = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    stopping = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hangup_counts else [])]
    before = {number: signal.signal(number, stop) for number in stopping}
    try:
        server.run(sockets=[place])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        place.close()
        engine.dispose()
