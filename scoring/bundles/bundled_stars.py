"""The stars of the runs of a bundle by the edges of an edition."""

import tempfile
from pathlib import Path

from scoring.bundles.manifest import TABLE_FILE
from scoring.editions.edition import Edition
from scoring.editions.rating import rate_by
from scoring.results_table import read_rows


def stars_by_run(table: bytes, edition: Edition) -> dict[str, int]:
    """By run id; a run that is not rated has none.

    Raises:
        ScoringError: the table is none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TABLE_FILE
        path.write_bytes(table)
        ratings = rate_by(edition, read_rows(path))
    return {
        rated.row.cells["run_id"]: rated.stars for group in ratings.groups for rated in group.rows
    }
