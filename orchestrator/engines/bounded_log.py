"""Logs of any length in a bounded file: the beginning and the end are kept, and how much is not."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

HEAD_BYTES: Final = 10 * 1024 * 1024
TAIL_BYTES: Final = 20 * 1024 * 1024
# Always as long, so that it can be counted, found again and overwritten.
NOTICE: Final = "\n[... {:020d} bytes of output left out ...]\n"
NOTICE_BYTES: Final = len(NOTICE.format(0))
# Whoever writes faster than this copies would be followed for ever.
MOST_PIECES: Final = 4
SHOWN_NOTICE: Final = re.compile(rb"\n\[\.\.\. ([0-9]{20}) bytes of output left out \.\.\.\]\n")


class BoundedLog:
    """A log file that is cut in its middle once it is longer than `head + 2 * tail` bytes.

    All that has to be known of earlier cuts stands in the file, so that a runner that comes later
    goes on with it.
    """

    def __init__(self, path: Path, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        self._path = path
        self._head = head
        self._tail = tail

    def bound(self) -> None:
        """Cut the file if it is too long, also while another process appends to it.

        What that one writes within the moment of the cut can be lost, and is not counted. A file
        that cannot be cut stays as it is; the run's results report the disk.
        """
        with suppress(OSError):
            if self._path.stat().st_size > self._head + 2 * self._tail:
                descriptor = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    self._cut(descriptor)
                finally:
                    os.close(descriptor)

    def _cut(self, descriptor: int) -> None:
        """Move the end of the file to behind its beginning, and what arrives meanwhile after it."""
        length = os.fstat(descriptor).st_size
        earlier = SHOWN_NOTICE.fullmatch(os.pread(descriptor, NOTICE_BYTES, self._head))
        left_out = length - self._head - self._tail
        if earlier:
            left_out += int(earlier[1]) - NOTICE_BYTES
        target = self._head
        target += os.pwrite(descriptor, NOTICE.format(left_out).encode(), target)
        source = length - self._tail
        for _ in range(MOST_PIECES):
            piece = os.pread(descriptor, self._tail, source)
            if not piece:
                break
            source += len(piece)
            target += os.pwrite(descriptor, piece, target)
        os.ftruncate(descriptor, target)


class BoundedFile:
    """A log that this process writes, at most `head + 2 * tail` bytes after each write."""

    def __init__(self, path: Path, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._file = path.open("ab", buffering=0)
        self._log = BoundedLog(path, head, tail)

    def write(self, chunk: bytes) -> None:
        """Append. On a full disk the log ends there; the run's results report the disk."""
        with suppress(OSError):
            self._file.write(chunk)
            self._log.bound()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
