"""The stars of a bundle against its rows and an edition."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from benchmark_core.documents import read_bounded
from scoring.bundles.bundled_stars import stars_by_run
from scoring.bundles.manifest import EDITION_FILE, MANIFEST_FILE, TABLE_FILE, Manifest
from scoring.bundles.unambiguous_json import name_told_twice
from scoring.editions.edition import Edition
from scoring.editions.file import read_edition
from scoring.errors import ScoringError
from scoring.failed_point import FailedPoint, Finding, NotChecked
from scoring.figures import number_of
from scoring.results_table import read_cells


def check_stars(manifest: Manifest, folder: Path, given: Path | None) -> Iterator[Finding]:
    """By the edition that is `given`, else by the bundle's own.

    Raises:
        ScoringError: the edition that is given cannot be read.
    """
    own = folder / EDITION_FILE
    if given is None and not own.exists():
        if any(run.stars is not None for run in manifest.runs):
            yield FailedPoint("edition_invalid", "stars are told, and it is missing", EDITION_FILE)
        else:
            yield NotChecked("stars", "no edition", MANIFEST_FILE)
        return
    if given is not None:
        edition = read_edition(given)
    else:
        try:
            edition = read_edition(own)
            if name_told_twice(read_bounded(own)) is not None:
                raise ValueError("a name is there twice")
        except (ScoringError, ValueError):
            what = "it is no edition, or was changed after it had been frozen"
            yield FailedPoint("edition_invalid", what, EDITION_FILE)
            return
    yield from _by(edition, manifest, folder / TABLE_FILE, compare=given is None)


def _by(edition: Edition, manifest: Manifest, table: Path, compare: bool) -> Iterator[Finding]:
    try:
        stars = stars_by_run(table.read_bytes(), edition)
    except (ScoringError, OSError) as error:
        yield FailedPoint("row_missing", f"the table cannot be read ({error})", TABLE_FILE)
        return
    for run in manifest.runs:
        made = stars.get(run.run_id)
        told_by_another = run.stars is None and not compare
        if run.stars != made and not told_by_another:
            what = f"{run.run_id} is told with {run.stars} stars, and {made} follow"
            yield FailedPoint(
                "stars_differ", f"{what} by the edition {edition.edition}", MANIFEST_FILE
            )
    yield from _energies(edition, manifest, table)


def _energies(edition: Edition, manifest: Manifest, table: Path) -> Iterator[Finding]:
    """A run that the edition has itself has the same energy there."""
    energies = {cells["run_id"]: cells["wh_per_1000_queries"] for cells in read_cells(table)}
    own = {run.run_id for run in manifest.runs}
    for group in edition.groups:
        for row in group.rows:
            run_id = row.run.get("run_id", "")
            if run_id in own and group.rehearsal == manifest.rehearsal:
                told, here = Decimal(row.wh_per_1000_queries), number_of(energies.get(run_id, ""))
                if told != here and row.run.get("spec_hash"):
                    what = f"{run_id} has {told} Wh there, and {here} Wh here"
                    yield FailedPoint("stars_differ", what, f"edition {edition.edition}")
