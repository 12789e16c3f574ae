"""What labels are made of and checked against: a table rated by itself, or rows of an edition."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.documents import read_bounded
from scoring.editions.edition import Edition
from scoring.editions.file import read_edition
from scoring.editions.rating import own_rows, rate_by
from scoring.ratings import Ratings, rate
from scoring.tables import read_table, table_sha256


@dataclass(frozen=True)
class Basis:
    """What stars were given by, an edition or a table alone, and the SHA-256 of its file."""

    sha256: str
    edition: Edition | None = None


def rated_alone(results: Path) -> tuple[Ratings, Basis]:
    """The rows of `results`, rated among themselves.

    Raises:
        ScoringError: they cannot be read.
    """
    return rate(read_table(results)), Basis(table_sha256(results))


def rated_by_edition(path: Path, results: Path | None = None) -> tuple[Ratings, Basis]:
    """The rows of the edition at `path`: those that `results` have as well, or without them all.

    A row that the edition does not have is left out: its edges alone make nobody part of it.

    Raises:
        ScoringError: one of the files cannot be read.
    """
    edition = read_edition(path)
    basis = Basis(hashlib.sha256(read_bounded(path.resolve())).hexdigest(), edition)
    rows = own_rows(edition, read_table(results)) if results else edition.rows()
    return rate_by(edition, rows), basis
