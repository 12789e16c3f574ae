"""Whatever holds rows that can be rated: our results, or the tables that were published."""

from pathlib import Path

from scoring.published_table import is_published, published_files, read_published
from scoring.results_table import MASTER_FILE, LeftOut, Row, read_rows


def read_table(path: Path) -> list[Row | LeftOut]:
    """Every row of a file, of an output directory, or of a folder of published tables.

    Raises:
        ScoringError: it cannot be read, or is neither.
    """
    return published_rows(path) or read_rows(path)


def published_rows(path: Path) -> list[Row | LeftOut]:
    """Those of a published table, or of a folder of them; none where `path` is neither.

    Raises:
        ScoringError: such a table cannot be read.
    """
    return [row for table in _published(path) for row in read_published(table)]


def _published(path: Path) -> list[Path]:
    try:
        if path.is_dir() and not (path / MASTER_FILE).exists():
            return published_files(path)
        return [path] if path.is_file() and is_published(path) else []
    except (OSError, RuntimeError):
        # Whoever reads it as a table of results says why it cannot be read.
        return []
