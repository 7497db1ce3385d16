"""Runs the page as a server of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

from oracle_ui.guidelines import GUIDELINES_VARIABLE
from oracle_ui.style import GROUNDS, INK, PRIMARY

STORE_VARIABLE = "ARGTREE_STORE"
_APP = Path(__file__).with_name("app.py")
_GRACE_SECONDS = 10.0  # between asking the server to stop and making it
_POLL_SECONDS = 0.5


def serve(store_url: str, port: int, address: str = "127.0.0.1", guidelines: Path | None = None) -> int:
    """Returns the exit code of the server, when it has ended; SIGTERM, SIGINT and SIGHUP end it with code 0.

    Must be called from the main thread. Where SIGHUP is ignored (nohup), it stays so.

    Args:
        store_url: the store's path or URL, handed on in the environment.
        port: to listen at.
        address: to listen at; anything but loopback lets other machines reach the page, and its passwords unencrypted.
        guidelines: a file that raters see beside the questions, in place of the usual text.
    """
    server: subprocess.Popen[bytes] | None = None
    stopped = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if server is not None:
            server.terminate()

    hangup_counts = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    stopping = [signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if hangup_counts else [])]
    before = {number: signal.signal(number, stop) for number in stopping}
    try:
        # A session of its own: Ctrl-C in the terminal comes to us alone, and we hand it on once.
        named = str(guidelines.resolve()) if guidelines is not None else ""
        environment = {**os.environ, STORE_VARIABLE: store_url, GUIDELINES_VARIABLE: named}
        server = subprocess.Popen(command(port, address), env=environment, start_new_session=True)
        if stopped:  # while it was being started
            server.terminate()
        code = _wait(server, lambda: stopped)
        return 0 if stopped else code
    finally:
        if server is not None:
            server.kill()
            server.wait()
        for number, handler in before.items():  # last: until here a signal would leave the server behind
            signal.signal(number, handler)


def is_loopback(address: str) -> bool:
    """Says whether only this machine can reach what listens at the address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def command(port: int, address: str = "127.0.0.1") -> list[str]:
    """Returns the command line of the server."""
    flags = {
        "server.port": str(port),
        "server.address": address,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "runner.magicEnabled": "false",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
    }
    for name, primary, ink, (ground, second) in zip(("light", "dark"), PRIMARY, INK, GROUNDS, strict=True):
        flags |= {
            f"theme.{name}.primaryColor": primary,
            f"theme.{name}.textColor": ink,
            f"theme.{name}.backgroundColor": ground,
            f"theme.{name}.secondaryBackgroundColor": second,
        }
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(_APP),
        *(f"--{name}={value}" for name, value in flags.items()),
    ]


def _wait(server: subprocess.Popen[bytes], is_stopped: Callable[[], bool]) -> int:
    """Returns the server's exit code; once it was told to stop, it has a while for that."""
    patience = _GRACE_SECONDS
    while True:
        try:
            return server.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            patience -= _POLL_SECONDS if is_stopped() else 0
            if patience <= 0:
                server.kill()
