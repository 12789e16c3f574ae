"""`benchmark_results.csv`: one line per sample, on disk at most a moment after it finished.

It is the run's heartbeat while it runs, and its evidence after a crash. Lines of samples that
follow each other faster than `HELD_SECONDS` are written together, so that writing them does not
become a part of what is measured.
"""

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from benchmark_core.backends.base import SampleResult
from benchmark_core.contract import PassName

COLUMNS = (
    "repetition",
    "repetitions",
    "pass",
    "passes",
    "sample",
    "samples",
    "prompt_tokens",
    "completion_tokens",
    "seconds",
    "finish_reason",
    "error",
)


HELD_SECONDS = 0.1

Line = tuple[int, PassName, int, float, SampleResult]


class SampleJournal:
    """Appends lines, counting from 1; the plural columns let a reader see how many will come."""

    def __init__(self, stream: TextIO, repetitions: int, passes: int, samples: int) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._stream = stream
        self._repetitions = repetitions
        self._passes = passes
        self._samples = samples
        self._held: list[Line] = []
        self._written_at = 0.0
        self._writer.writerow(COLUMNS)
        self._stream.flush()

    def write(
        self, repetition: int, name: PassName, sample: int, seconds: float, result: SampleResult
    ) -> None:
        self._held.append((repetition, name, sample, seconds, result))
        now = time.monotonic()
        if now - self._written_at >= HELD_SECONDS:
            self._written_at = now
            self.write_held()

    def write_failed(
        self, repetition: int, name: PassName, sample: int, seconds: float, error: str
    ) -> None:
        """A sample that failed: its tokens stay empty."""
        self.write_held()
        plural = (self._repetitions, name, self._passes, sample, self._samples)
        reason = " ".join(error.split())[:300]
        self._writer.writerow([repetition, *plural, "", "", f"{seconds:.6f}", "error", reason])
        self._stream.flush()

    def write_held(self) -> None:
        self._stream.write("".join(map(self._text, self._held)))
        self._held.clear()
        self._stream.flush()

    def _text(self, line: Line) -> str:
        """Nothing in it has to be quoted."""
        repetition, name, sample, seconds, result = line
        prompt = "" if result.prompt_tokens is None else result.prompt_tokens
        return (
            f"{repetition},{self._repetitions},{name},{self._passes},{sample},{self._samples},"
            f"{prompt},{result.completion_tokens},{seconds:.6f},{result.finish_reason},\n"
        )


@contextmanager
def open_journal(
    path: Path, repetitions: int, passes: int, samples: int
) -> Iterator[SampleJournal]:
    with path.open("w", newline="", encoding="utf-8") as stream:
        journal = SampleJournal(stream, repetitions, passes, samples)
        try:
            yield journal
        finally:
            journal.write_held()
