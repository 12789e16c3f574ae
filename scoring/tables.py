"""Whatever holds rows that can be rated: our results, or the tables that were published."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmark_core.documents import ContractError, read_bounded
from scoring import results_table
from scoring.csv_table import Cells
from scoring.errors import ScoringError
from scoring.published_table import (
    is_published,
    published_cells,
    published_files,
    read_published,
)
from scoring.results_table import (
    LONGEST_TABLE_BYTES,
    MASTER_FILE,
    LeftOut,
    Row,
    read_cells,
    read_rows,
)

MOST_IGNORED: Final = 20


def read_table(path: Path) -> list[Row | LeftOut]:
    """Every row of a file, of an output directory, or of a folder of published tables.

    Raises:
        ScoringError: it cannot be read, or is neither.
    """
    return _published_rows(path) or read_rows(path)


def read_lines(path: Path) -> Iterator[tuple[Row | LeftOut, Cells | None]]:
    """The same rows one after the other, each with all its cells; None in a published table, whose
    rows tell everything. Raises likewise, also while lines are read."""
    rows = _published_rows(path)
    if rows:
        yield from ((row, None) for row in rows)
    else:
        yield from results_table.read_lines(path)


def _published_rows(path: Path) -> list[Row | LeftOut]:
    """Those of a published table, or of a folder of them; none where `path` is neither.

    Raises:
        ScoringError: such a table cannot be read.
    """
    return [row for table in _published(path) for row in read_published(table)]


def read_models(path: Path) -> Iterator[Cells]:
    """`model_name`, `model_class` and `task` of every line, whether or not it can be rated.

    Raises:
        ScoringError: as `read_table`, also while lines are read.
    """
    tables = _published(path)
    if not tables:
        yield from read_cells(path)
    for table in tables:
        yield from published_cells(table)


def ignored_files(path: Path) -> Iterator[str]:
    """A sentence on what lies beside published tables in a folder, and is not read."""
    tables = _published(path)
    if not tables or tables == [path]:
        return
    others = sorted(one.name for one in path.glob("*.csv") if one not in tables)
    if others:
        named = ", ".join(others[:MOST_IGNORED])
        more = len(others) - MOST_IGNORED
        yield f"not read, for their names are no tasks, nor reasoning: {named}" + (
            f" and {more} more" if more > 0 else ""
        )


def table_sha256(path: Path) -> str:
    """Of the bytes that `read_table` reads, in the order of the files' names.

    Raises:
        ScoringError: they cannot be read.
    """
    whole = hashlib.sha256()
    try:
        for table in _published(path) or [path / MASTER_FILE if path.is_dir() else path]:
            whole.update(read_bounded(table.resolve(), LONGEST_TABLE_BYTES))
    except (OSError, RuntimeError, ContractError) as error:
        raise ScoringError(str(path), f"cannot be read ({error})", "Name a table.") from error
    return whole.hexdigest()


def _published(path: Path) -> list[Path]:
    try:
        if path.is_dir() and not (path / MASTER_FILE).exists():
            return published_files(path)
        return [path] if path.is_file() and is_published(path) else []
    except (OSError, RuntimeError):
        # Whoever reads it as a table of results says why it cannot be read.
        return []
