"""`transformers serve`: a real server with OpenAI's interface, on the CPU, for tiny models."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.runner import environment

START_SECONDS = 120


@contextmanager
def transformers_server(hub: Path, log: Path) -> Iterator[str]:
    """Its address, ending in /v1, once it answers. `hub` is a cache; nothing else is served."""
    port = _free_port()
    with log.open("w") as stream:
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("transformers")), "serve"),
                *("--host", "127.0.0.1", "--port", str(port), "--device", "cpu"),
            ],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment(
                HF_HUB_CACHE=str(hub),
                HF_HUB_OFFLINE="1",
                OMP_NUM_THREADS="1",
                HOME=str(log.parent),
                PATH=os.environ["PATH"],
            ),
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > until:
                text = log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"the server does not answer:\n{text}") from error
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
