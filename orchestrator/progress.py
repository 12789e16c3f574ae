"""How far a run is, read from the sample lines it writes as it goes."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.sample_journal import COLUMNS

MOST_BYTES = 2**20


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
        *lines, self._rest = (self._rest + chunk).split(b"\n")
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
            repetition, repetitions = int(cells["repetition"]), int(cells["repetitions"])
            sample, samples = int(cells["sample"]), int(cells["samples"])
            total = repetitions * int(cells["passes"]) * samples
        except (KeyError, ValueError):
            return None
        return Progress(
            done=self._lines - 1,
            total=total,
            step=cells["pass"],
            repetition=repetition,
            repetitions=repetitions,
            sample=sample,
            samples=samples,
        )
