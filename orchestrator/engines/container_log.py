"""The output of a container, copied into a file of ours while it runs."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.engines.bounded_log import BoundedFile

if TYPE_CHECKING:
    from docker.models.containers import Container

RECONNECT_SECONDS = 0.5
END_LINES = 1000
END_BYTES = 4096
ENGINE_LEFT_OUT = b"\n[... the container engine lost output here ...]\n"


def engine_errors() -> tuple[type[Exception], ...]:
    """What the SDK lets through when the engine is away or answers with an error."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    return (DockerException, RequestException, HTTPError, OSError)


def is_answer(error: Exception) -> bool:
    """Whether the engine itself said no; otherwise nobody knows what it did."""
    from docker.errors import APIError

    return isinstance(error, APIError)


class LogStream:
    """A thread that copies both output streams until the container has ended.

    Losing the engine on the way costs nothing: the log is asked for again, and what was copied
    before is skipped. An engine loses output that comes faster than it is asked for; the end of a
    log is fetched then by itself.
    """

    def __init__(self, container: "Container", path: Path) -> None:
        self._container = container
        self._file = BoundedFile(path)
        self._copied = 0
        self._end = b""
        self._released = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._copy, name=f"log-{path.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, timeout_seconds: float) -> None:
        """Wait for the rest of the output of a container that has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def close(self) -> None:
        """Stop copying, whatever comes; harmless when called twice."""
        self._released.set()
        stream = self._stream
        if stream is not None:
            # The stream's own way of closing reaches into its socket, which may be gone.
            with suppress(Exception):
                stream.close()
        if self._thread.is_alive():
            self._thread.join(RECONNECT_SECONDS * 2)
        else:
            self._file.close()

    def _copy(self) -> None:
        try:
            while not self._released.is_set() and not self._copy_once():
                self._released.wait(RECONNECT_SECONDS)
        finally:
            self._file.close()

    def _copy_once(self) -> bool:
        """Copy until the stream ends; true when there will be no more."""
        from docker.errors import NotFound

        try:
            self._stream = self._container.logs(stream=True, follow=True)
            to_skip = self._copied
            for chunk in self._stream:
                fresh = chunk[to_skip:]
                to_skip -= len(chunk) - len(fresh)
                self._write(fresh)
            self._container.reload()
            is_over = self._container.status not in ("running", "paused", "restarting")
            if is_over and not self._released.is_set():
                self._complete()
        except NotFound:
            return True
        except engine_errors():
            return False
        return is_over

    def _write(self, fresh: bytes) -> None:
        self._file.write(fresh)
        self._copied += len(fresh)
        self._end = (self._end + fresh)[-END_BYTES:]

    def _complete(self) -> None:
        """Append the last lines of a container that has ended, if they did not come."""
        end: bytes = self._container.logs(tail=END_LINES)
        same = min(len(end), len(self._end))
        if end and (not same or end[-same:] != self._end[-same:]):
            self._write(ENGINE_LEFT_OUT + end)
