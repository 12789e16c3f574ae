"""The file of an edition: whoever reads it works out again all that follows from its energies."""

from decimal import Decimal
from pathlib import Path

from benchmark_core.atomic_file import write_bytes
from benchmark_core.documents import ContractError, read_bounded
from scoring.editions.edition import Edition
from scoring.editions.freezing import freeze
from scoring.errors import ScoringError
from scoring.ratings import rate
from scoring.results_table import Row


def read_edition(path: Path) -> Edition:
    """The edition at `path`; its edges and stars are worked out again from its energies.

    Raises:
        ScoringError: it cannot be read, or was changed after it had been frozen.
    """
    try:
        edition = Edition.read(path.resolve())
    except (ContractError, RuntimeError) as error:
        raise ScoringError(
            str(path), f"is no edition ({error})", "Make one with the command edition."
        ) from error
    if freeze(edition.edition, edition.scored, rate(_rows(path, edition))) != edition:
        raise ScoringError(
            str(path),
            "was changed after it had been frozen: edges or stars do not follow from its energies",
            "Get it again from where it was published.",
        )
    return edition


def write_edition(path: Path, edition: Edition) -> None:
    """Raises ScoringError where anything else stands there already, or the disk refuses."""
    remedy = "Choose another --out."
    content = edition.to_json().encode()
    try:
        path = path.resolve()
        if path.exists() and read_bounded(path) != content:
            raise ScoringError(str(path), "is there already, with other content", remedy)
        write_bytes(path, content)
    except ContractError as error:
        raise ScoringError(str(path), f"is there already ({error})", remedy) from error
    except OSError as error:
        raise ScoringError(str(path), f"cannot be written ({error.strerror})", remedy) from error
    except RuntimeError as error:
        raise ScoringError(str(path), "is a link that leads in a circle", remedy) from error


def _rows(path: Path, edition: Edition) -> list[Row]:
    """Raises ScoringError where one of them cannot be rated."""
    figures = [row.wh_per_1000_queries for one in edition.groups for row in one.rows]
    if not all(map(Decimal, figures)):
        raise ScoringError(
            str(path), "has an energy that is no number above 0", "Get the edition again."
        )
    return edition.rows()
