"""The output of a container, copied into a file of ours while it runs."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from docker.models.containers import Container

HEAD_BYTES = 10 * 1024 * 1024
TAIL_BYTES = 20 * 1024 * 1024
RECONNECT_SECONDS = 0.5


def engine_errors() -> tuple[type[Exception], ...]:
    """What the SDK lets through when the engine is away or answers with an error."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    return (DockerException, RequestException, HTTPError, OSError)


class BoundedFile:
    """A log of any length in at most `head + 2 * tail` bytes: its beginning and its end."""

    def __init__(self, path: Path, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("w+b")
        self._head = head
        self._tail = tail
        self._left_out = 0

    def write(self, chunk: bytes) -> None:
        """Append. On a full disk the log ends there; the run's results report the disk."""
        with suppress(OSError):
            self._file.write(chunk)
            self._file.flush()
            if self._file.tell() > self._head + 2 * self._tail:
                self._compact()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()

    def _compact(self) -> None:
        self._file.seek(-self._tail, 2)
        end = self._file.read(self._tail)
        length = self._file.tell()
        self._left_out += length - self._head - len(end) - len(self._notice(self._left_out))
        self._file.seek(self._head)
        self._file.write(self._notice(self._left_out) + end)
        self._file.truncate()

    def _notice(self, left_out: int) -> bytes:
        """Empty until something is left out; always as long, to be counted and overwritten."""
        if left_out == 0:
            return b""
        return f"\n[... {left_out:020d} bytes of output left out ...]\n".encode()


class LogStream:
    """A thread that copies both output streams until the container has ended.

    Losing the engine on the way costs nothing: the log is asked for again, and what was copied
    before is skipped.
    """

    def __init__(self, container: "Container", path: Path) -> None:
        self._container = container
        self._file = BoundedFile(path)
        self._copied = 0
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
                self._file.write(fresh)
                self._copied += len(fresh)
            self._container.reload()
        except NotFound:
            return True
        except engine_errors():
            return False
        return self._container.status not in ("running", "paused", "restarting")
