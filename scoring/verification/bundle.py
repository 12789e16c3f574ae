"""A bundle verified by nothing but itself: every published figure from the raw evidence."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from benchmark_core.documents import ContractError, one_line, read_bounded
from scoring.bundles.archive import Archive, open_archive
from scoring.bundles.manifest import MANIFEST_FILE, RUNS_DIR, TABLE_FILE, Manifest
from scoring.errors import ScoringError
from scoring.failed_point import FailedPoint, Finding, Verification
from scoring.results_table import read_cells
from scoring.verification.checks import check_run
from scoring.verification.evidence import read_evidence
from scoring.verification.members_check import check_manifest, check_members, unpack_members
from scoring.verification.signature_check import check_signature
from scoring.verification.stars_check import check_stars


def verify_bundle(
    path: Path, edition: Path | None = None, allowed_signers: Path | None = None
) -> Verification:
    """All that holds, that fails, and that the bundle does not tell.

    Nothing is written but a temporary folder, which is gone at the end.

    Raises:
        ScoringError: the file is no bundle, is refused, or the edition cannot be read.
    """
    try:
        with open_archive(path) as archive, tempfile.TemporaryDirectory() as place:
            return _verify(path, archive, Path(place), edition, allowed_signers)
    except OSError as error:
        raise ScoringError(
            str(path),
            f"cannot be unpacked here ({error.strerror})",
            "Free some disk, or name another folder for temporary files in TMPDIR.",
        ) from error


def _verify(
    path: Path, archive: Archive, folder: Path, edition: Path | None, allowed_signers: Path | None
) -> Verification:
    """Raises OSError, ScoringError."""
    digests, damaged = unpack_members(archive, folder)
    manifest = _manifest(path, folder, MANIFEST_FILE in archive.sizes)
    listed = [
        *damaged,
        *check_manifest(manifest, folder),
        *check_members(manifest, archive, digests),
    ]
    signed = list(check_signature(manifest.signed, folder, allowed_signers))
    runs, of_runs = _check_runs(manifest, folder)
    stars, of_stars = check_stars(manifest, folder, edition)
    shared = {
        "every file is the one that the manifest lists": listed,
        "signature by an allowed signer": signed,
    }
    return Verification(
        subject=path.name,
        rehearsal=manifest.rehearsal,
        holds=(*(name for name, found in shared.items() if not found), *runs, *stars),
        findings=(*listed, *signed, *of_runs, *of_stars),
    )


def _manifest(path: Path, folder: Path, is_there: bool) -> Manifest:
    remedy = "Get the bundle again from where it comes from."
    if not is_there:
        raise ScoringError(str(path), f"is no bundle: it has no {MANIFEST_FILE}", remedy)
    try:
        return Manifest.model_validate_json(read_bounded(folder / MANIFEST_FILE))
    except ValidationError as error:
        raise ScoringError(
            str(path), f"has a {MANIFEST_FILE} that is not valid ({one_line(error)})", remedy
        ) from error
    except (OSError, ContractError) as error:
        raise ScoringError(
            str(path), f"has a {MANIFEST_FILE} that cannot be read ({error})", remedy
        ) from error


def _check_runs(manifest: Manifest, folder: Path) -> tuple[list[str], list[Finding]]:
    holds: list[str] = []
    findings: list[Finding] = []
    rows, twice = _rows(folder / TABLE_FILE)
    strange = sorted({*rows} - {run.run_id for run in manifest.runs})
    findings += [
        FailedPoint(
            "row_differs", f"it has rows of no run or twice: {', '.join(names)}", TABLE_FILE
        )
        for names in (strange, twice)
        if names
    ]
    for run in manifest.runs:
        evidence, problems = read_evidence(
            run, folder / RUNS_DIR / run.run_id, frozenset(manifest.redacted)
        )
        findings += problems
        if evidence:
            passed, found = check_run(evidence, rows.get(run.run_id))
            holds += passed
            findings += found
    return holds, findings


def _rows(table: Path) -> tuple[dict[str, Mapping[str, str]], list[str]]:
    """By run id, and the ids that stand there again.

    No rows where the table cannot be read, so that each run lacks its own.
    """
    rows: dict[str, Mapping[str, str]] = {}
    twice: list[str] = []
    try:
        for cells in read_cells(table):
            run_id = cells.get("run_id", "")
            if run_id in rows:
                twice.append(run_id)
            rows[run_id] = cells
    except ScoringError:
        return {}, []
    return rows, twice
