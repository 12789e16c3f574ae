"""What labels are made of and checked against: a table rated by itself, or by an edition."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchmark_core.documents import read_bounded
from scoring.editions import rate_by, read_edition
from scoring.label.facts import Basis
from scoring.ratings import Ratings, rate
from scoring.results_table import LeftOut, Row
from scoring.tables import read_table, table_sha256


def rated_with_basis(results: Path, edition: Path | None) -> tuple[Ratings, Basis]:
    """The rows of `results`, rated.

    Raises:
        ScoringError: one of the files cannot be read.
    """
    rows: Sequence[Row | LeftOut] = read_table(results)
    if edition is None:
        return rate(rows), Basis(table_sha256(results))
    frozen = read_edition(edition)
    sha256 = hashlib.sha256(read_bounded(edition.resolve())).hexdigest()
    return rate_by(frozen, rows), Basis(sha256, frozen)
