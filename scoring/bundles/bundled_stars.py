"""The stars of the runs of a bundle by the edges of an edition."""

from collections.abc import Sequence

from scoring.editions.edition import Edition
from scoring.editions.rating import rate_by
from scoring.results_table import LeftOut, Row


def stars_by_run(rows: Sequence[Row | LeftOut], edition: Edition) -> dict[str, int]:
    """By run id; a run that is not rated has none. `rows` are those of the bundle's table."""
    ratings = rate_by(edition, rows)
    return {rated.row.run_id: rated.stars for group in ratings.groups for rated in group.rows}
