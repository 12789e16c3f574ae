"""How far a run is, read from the sample lines it writes as it goes."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from benchmark_core.sample_journal import COLUMNS

MOST_BYTES = 2**20
MOST_PIECES = 256
"""Of a file that is read at once; more than any run writes."""
LONGEST_LINE = 2**16
MOST_DIGITS = 9


@dataclass(frozen=True)
class Progress:
    """`done` of `total` samples over all passes and repetitions, and where the present pass is."""

    done: int
    total: int
    step: str
    repetition: int
    repetitions: int
    sample: int
    samples: int


class SampleTail:
    """Follows `benchmark_results.csv` while it grows; reads only what is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self._lines = 0

    def read(self) -> Progress | None:
        """The progress after the newest whole line, or None before the first one."""
        try:
            chunk = self._read_on()
        except OSError:
            return None
        self._offset += len(chunk)
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:LONGEST_LINE]
        self._lines += len(lines)
        return self._parse(lines[-1]) if lines and self._lines > 1 else None

    def read_all(self) -> Progress | None:
        """The same after all that is there, however much that is."""
        newest = None
        for _ in range(MOST_PIECES):
            progress = self.read()
            if progress is None:
                break
            newest = progress
        return newest

    def _read_on(self) -> bytes:
        """What is new, in pieces."""
        with open_of_run(self._path) as stream:
            stream.seek(self._offset)
            return stream.read(MOST_BYTES)

    def _parse(self, line: bytes) -> Progress | None:
        cells = dict(zip(COLUMNS, line.decode("utf-8", errors="replace").split(","), strict=False))
        try:
            repetition, repetitions = _count(cells["repetition"]), _count(cells["repetitions"])
            samples = _count(cells["samples"])
            total = repetitions * _count(cells["passes"]) * samples
        except (KeyError, ValueError):
            return None
        return Progress(
            done=self._lines - 1,
            total=total,
            step=cells["pass"],
            repetition=repetition,
            repetitions=repetitions,
            # Counted, because several at a time do not end in the order of their numbers.
            sample=(self._lines - 2) % samples + 1 if samples else 0,
            samples=samples,
        )


def open_of_run(path: Path) -> BinaryIO:
    """A plain file of a run folder: the run owns it and may put anything there.

    Raises:
        OSError: there is none, or what is there is a link, a pipe, a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no plain file", str(path))
    return os.fdopen(descriptor, "rb")


def _count(cell: str) -> int:
    """Raises ValueError for what cannot be a count; the run may write anything there."""
    if len(cell) > MOST_DIGITS:
        raise ValueError("too long for a count")
    return int(cell)
