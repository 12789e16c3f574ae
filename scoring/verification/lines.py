"""The lines of a table that a run wrote: all of them understood, and no more than there can be."""

import csv
from collections.abc import Iterator
from pathlib import Path


def lines(
    path: Path, columns: tuple[str, ...], most: int | None = None
) -> Iterator[dict[str, str]]:
    """Each line by its columns, as it is asked for.

    Raises:
        OSError, csv.Error: it cannot be read.
        ValueError: it has other columns, or more than `most` lines.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        if tuple(next(reader, ())) != columns:
            raise ValueError(f"{path.name} has other columns than it ought to have")
        for number, cells in enumerate(reader, start=1):
            if most is not None and number > most:
                raise ValueError(f"{path.name} has more than the {most} lines that it can have")
            yield dict(zip(columns, cells, strict=True))


def count_of(cell: str) -> int:
    """Raises ValueError where it is none: what is missing in one line could be in another."""
    count = int(cell)
    if count < 0:
        raise ValueError(f"{cell[:40]!r} counts nothing")
    return count
