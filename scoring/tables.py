"""Whatever holds rows that can be rated: our results, or the tables that were published."""

from pathlib import Path

from scoring.published_table import is_published, published_files, read_published
from scoring.results_table import MASTER_FILE, LeftOut, Row, read_rows


def read_table(path: Path) -> list[Row | LeftOut]:
    """Every row of a file, of an output directory, or of a folder of published tables.

    Raises:
        ScoringError: it cannot be read, or is neither.
    """
    tables = _published(path)
    return [row for table in tables for row in read_published(table)] or read_rows(path)


def _published(path: Path) -> list[Path]:
    try:
        if path.is_dir() and not (path / MASTER_FILE).exists():
            return published_files(path)
        return [path] if path.is_file() and is_published(path) else []
    except (OSError, RuntimeError):
        # Whoever reads it as a table of results says why it cannot be read.
        return []
