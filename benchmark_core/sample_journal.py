"""`benchmark_results.csv`: one line per sample, written as it finishes.

It is the run's heartbeat while it runs, and its evidence after a crash.
"""

import csv
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


class SampleJournal:
    """Appends lines, counting from 1; the plural columns let a reader see how many will come."""

    def __init__(self, stream: TextIO, repetitions: int, passes: int, samples: int) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._stream = stream
        self._repetitions = repetitions
        self._passes = passes
        self._samples = samples
        self._writer.writerow(COLUMNS)
        self._stream.flush()

    def write(
        self,
        repetition: int,
        name: PassName,
        sample: int,
        seconds: float,
        result: SampleResult | None,
        error: str = "",
    ) -> None:
        """`result` is None for a sample that failed; its tokens stay empty."""
        self._writer.writerow(
            [
                repetition,
                self._repetitions,
                name,
                self._passes,
                sample,
                self._samples,
                result.prompt_tokens if result and result.prompt_tokens is not None else "",
                result.completion_tokens if result else "",
                f"{seconds:.6f}",
                result.finish_reason if result else "error",
                " ".join(error.split())[:300],
            ]
        )
        self._stream.flush()


@contextmanager
def open_journal(
    path: Path, repetitions: int, passes: int, samples: int
) -> Iterator[SampleJournal]:
    with path.open("w", newline="", encoding="utf-8") as stream:
        yield SampleJournal(stream, repetitions, passes, samples)
