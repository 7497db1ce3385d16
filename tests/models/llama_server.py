"""llama-cpp-python's own server, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

STARTS_WITHIN_SECONDS = 120


@contextmanager
def llama_serving(file: Path, tokenizer: Path) -> Iterator[str]:
    """The URL of a server for a GGUF file, under the file's name without its ending.

    Args:
        tokenizer: A folder with the model's tokenizer: that of the file, in this server, loses tokens of more than 32
            bytes.
    """
    pytest.importorskip("llama_cpp.server.app")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"model": file, "model_alias": file.stem, "port": port, "logits_all": True, "n_ctx": 1024, "n_threads": 1}
    options |= {"hf_pretrained_model_name_or_path": tokenizer}
    listed = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    log = file.with_suffix(".log")
    with log.open("wb") as written:
        command = [sys.executable, "-m", "llama_cpp.server", *listed]
        process = subprocess.Popen(command, stdout=written, stderr=written, env=os.environ | {"HOST": "127.0.0.1"})
    url = f"http://127.0.0.1:{port}/v1"
    try:
        _wait(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/models", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"The server didn't start:\n{log.read_text()}")
