"""The stars of a bundle against its rows and an edition."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmark_core.documents import read_bounded
from scoring.bundles.bundled_stars import stars_by_run
from scoring.bundles.manifest import EDITION_FILE, MANIFEST_FILE, TABLE_FILE, Manifest
from scoring.bundles.unambiguous_json import name_told_twice
from scoring.editions.edition import Edition
from scoring.editions.file import read_edition
from scoring.errors import ScoringError
from scoring.failed_point import FailedPoint, Finding, NotChecked
from scoring.results_table import LeftOut, Row, read_rows


def check_stars(
    manifest: Manifest, folder: Path, given: Path | None
) -> tuple[list[str], list[Finding]]:
    """By the edition that is `given`, else by the bundle's own: what holds, and what does not.

    Raises:
        ScoringError: the edition that is given cannot be read.
    """
    try:
        edition = read_edition(given) if given else _bundled_edition(manifest, folder)
    except _NoEdition as error:
        return [], [error.finding]
    try:
        rows = read_rows(folder / TABLE_FILE)
        found = list(_by(edition, manifest, rows, compare=given is None))
    except (ScoringError, OSError) as error:
        what = f"the table cannot be read ({error})"
        return [], [FailedPoint("row_missing", what, TABLE_FILE)]
    except (LookupError, ValueError, ArithmeticError) as error:
        what = f"stars: {type(error).__name__}: {error}"
        return [], [FailedPoint("evidence_impossible", what, TABLE_FILE)]
    holds = [] if found else [f"stars by the edition {edition.edition}"]
    return holds, [*found, *_on_trust(edition, manifest, rows, given)]


class _NoEdition(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


def _bundled_edition(manifest: Manifest, folder: Path) -> Edition:
    """Raises _NoEdition."""
    own = folder / EDITION_FILE
    if not own.exists():
        if any(run.stars is not None for run in manifest.runs):
            what = "stars are told, and it is missing"
            raise _NoEdition(FailedPoint("edition_invalid", what, EDITION_FILE))
        raise _NoEdition(NotChecked("stars", "no edition", MANIFEST_FILE))
    try:
        edition = read_edition(own)
        if name_told_twice(read_bounded(own)) is not None:
            raise ValueError("a name is there twice")
    except (ScoringError, ValueError):
        what = "it is no edition, or was changed after it had been frozen"
        raise _NoEdition(FailedPoint("edition_invalid", what, EDITION_FILE)) from None
    return edition


def _by(
    edition: Edition, manifest: Manifest, rows: Sequence[Row | LeftOut], compare: bool
) -> Iterator[Finding]:
    stars = stars_by_run(rows, edition)
    for run in manifest.runs:
        made = stars.get(run.run_id)
        told_by_another = run.stars is None and not compare
        if run.stars != made and not told_by_another:
            what = f"{run.run_id} is told with {run.stars} stars, and {made} follow"
            yield FailedPoint(
                "stars_differ", f"{what} by the edition {edition.edition}", MANIFEST_FILE
            )
    yield from _own_rows(edition, manifest, _rated(rows))


def _rated(rows: Sequence[Row | LeftOut]) -> Mapping[str, Row]:
    """Those that can be rated, by run id."""
    return {row.run_id: row for row in rows if isinstance(row, Row)}


def _own_rows(edition: Edition, manifest: Manifest, rows: Mapping[str, Row]) -> Iterator[Finding]:
    """A run that the edition has itself has the same energy there, in the same group."""
    own = {run.run_id for run in manifest.runs}
    where = f"edition {edition.edition}"
    for there in edition.rows():
        run_id = there.run_id
        known = there.cells.get("spec_hash") and there.group.rehearsal == manifest.rehearsal
        if run_id not in own or not known:
            continue
        here = rows.get(run_id)
        if here is None or here.wh != there.wh:
            energy = "no energy" if here is None else f"{here.wh} Wh"
            what = f"{run_id} has {there.wh} Wh there, and {energy} here"
            yield FailedPoint("stars_differ", what, where)
        elif here.group != there.group:
            what = f"{run_id} is rated there among others than its row belongs to"
            yield FailedPoint("stars_differ", what, where)


def _on_trust(
    edition: Edition, manifest: Manifest, rows: Sequence[Row | LeftOut], given: Path | None
) -> Iterator[Finding]:
    """What stars rest on, and no evidence of a run can tell."""
    if given is None:
        because = "it comes with the bundle; --edition takes the one that was published"
        yield NotChecked(f"the edition {edition.edition}", because, EDITION_FILE)
    rated = {run.run_id for run in manifest.runs if run.stars is not None}
    for run_id, row in _rated(rows).items():
        if run_id in rated and row.group.model_class:
            what = f"the class {row.group.model_class} of {run_id}, in which it is rated"
            yield NotChecked(what, "it is the catalog's word", TABLE_FILE)
