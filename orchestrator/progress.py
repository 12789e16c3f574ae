"""How far a run is, read from the sample lines it writes as it goes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.sample_journal import COLUMNS

MOST_BYTES = 2**20
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

    def _read_on(self) -> bytes:
        """What is new, in pieces: the run owns the folder and may put anything there."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return b""
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


def _count(cell: str) -> int:
    """Raises ValueError for what cannot be a count; the run may write anything there."""
    if len(cell) > MOST_DIGITS:
        raise ValueError("too long for a count")
    return int(cell)
