"""`reasoning_tokens.csv`: for each sample how much of its output was reasoning.

It is written when the window of a pass has closed, so that telling the tokens apart costs the
measurement nothing.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

from benchmark_core.reasoning.splitting import Split

COLUMNS = ("repetition", "sample", "reasoning_tokens", "answer_tokens", "reasoning_ended")


class ReasoningJournal:
    """Appends lines, counting from 1. Without a line there is no file; an older one is deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)

    def write(self, repetition: int, splits: Iterable[tuple[int, Split]]) -> None:
        """The samples of one repetition by their numbers."""
        lines = [
            (repetition, sample, split.reasoning, split.answer, "yes" if split.ended else "no")
            for sample, split in splits
        ]
        if not lines:
            return
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if is_new:
                writer.writerow(COLUMNS)
            writer.writerows(lines)
