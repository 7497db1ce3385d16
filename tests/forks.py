"""Processes of their own that start at once: forked from one that has imported what they need.

Only the imports are shared: each has its own working folder, environment, streams, arguments and exit code, and goes
through `python -m MODULE` from there. That a command starts from nothing is seen where a test runs it as such.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Fork:
    """One of the processes, as subprocess.Popen shows them."""

    def __init__(self, forks: "Forks", pid: int) -> None:
        self._forks = forks
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._forks.ask({"poll": self.pid})
        return self.returncode

    def wait(self, seconds: float) -> int:
        deadline = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.send_signal(signal.SIGKILL)
                raise TimeoutError(f"process {self.pid} did not end within {seconds:g} s")
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Forks:
    """Where they come from: a process that imports some modules, and forks when it is told to."""

    def __init__(self, *modules: str, **environment: str) -> None:
        """Starts it.

        Args:
            modules: what it imports.
            environment: what its modules must find in it already, beside what is there.
        """
        self._source = subprocess.Popen(
            [sys.executable, "-m", __name__, *modules],
            cwd=Path(__file__).parents[1], env=os.environ | environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def start(
        self, module: str, *arguments: str, folder: Path, environment: Mapping[str, str], streams: tuple[Path, ...] = ()
    ) -> Fork:
        """Returns a process that goes on as `python -m MODULE ARGUMENTS`.

        Args:
            module: what it runs.
            arguments: for it.
            folder: where.
            environment: the whole of it.
            streams: files for its standard input, output and error; else they are those of these tests, without input.
        """
        order = {"module": module, "arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        return Fork(self, self.ask(order | {"streams": list(map(str, streams))}))

    def ask(self, order: dict[str, Any]) -> Any:
        assert self._source.stdin is not None and self._source.stdout is not None
        print(json.dumps(order), file=self._source.stdin, flush=True)
        return json.loads(self._source.stdout.readline())

    def close(self) -> None:
        self._source.communicate()


def _listen() -> None:
    orders, replies = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in iter(orders.readline, ""):
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            reply = os.waitstatus_to_exitcode(status) if pid else None
        else:
            reply = os.fork()
            if reply == 0:
                orders.close()
                replies.close()
                return _become(**order)
        print(json.dumps(reply), file=replies, flush=True)


def _become(module: str, arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for place, name in enumerate(streams or [os.devnull]):
        os.dup2(os.open(name, os.O_RDWR | (os.O_CREAT | os.O_TRUNC if place else 0)), place)
    if not streams:
        os.dup2(2, 1)  # standard output was the line to the tests
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")
    sys.argv = [module, *arguments]
    sys.modules.pop(module, None)  # it is run anew, as the main module
    code = _run(module)
    # What the modules hold is not taken to pieces: that copies all the memory that is shared with the source.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(module: str) -> int:
    """Returns the exit code, as the interpreter finds it."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code: object = 0
    except SystemExit as exit:
        code = exit.code
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # waits for the threads
    atexit._run_exitfuncs()
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1


if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection writes into all that it looks at, and what is written to is no longer shared
    _listen()
