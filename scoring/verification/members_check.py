"""Whether a bundle has the files that its manifest lists, bit by bit, and no others."""

from collections.abc import Iterator
from pathlib import Path

from benchmark_core.documents import ContractError, read_bounded
from scoring.bundles import terms
from scoring.bundles.archive import Archive, DamagedMember
from scoring.bundles.manifest import (
    DIGEST_FILE,
    EDITION_FILE,
    MANIFEST_FILE,
    OUTSIDE,
    TABLE_FILE,
    Manifest,
    digest_text,
    log_member,
    run_member,
)
from scoring.bundles.run_members import is_evidence
from scoring.bundles.unambiguous_json import name_told_twice
from scoring.failed_point import FailedPoint, Finding


def unpack_members(archive: Archive, folder: Path) -> tuple[dict[str, str], list[Finding]]:
    """Every member below `folder`; answers the SHA-256 of those that could be unpacked."""
    digests: dict[str, str] = {}
    damaged: list[Finding] = []
    for name in archive.sizes:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            digests[name] = archive.unpack(name, path)
        except DamagedMember as error:
            path.unlink(missing_ok=True)
            damaged.append(FailedPoint("member_damaged", str(error), name))
    return digests, damaged


def check_members(
    manifest: Manifest, archive: Archive, digests: dict[str, str]
) -> Iterator[Finding]:
    listed = {member.name: member for member in manifest.members}
    if len(listed) < len(manifest.members):
        yield FailedPoint("manifest_changed", "it lists a file twice", MANIFEST_FILE)
    for name, member in listed.items():
        if name not in archive.sizes:
            yield FailedPoint("member_missing", "the manifest lists it", name)
        elif name in digests and digests[name] != member.sha256:
            yield FailedPoint("member_changed", "its SHA-256 is not the manifest's", name)
        elif archive.sizes[name] != member.size:
            what = f"it has {archive.sizes[name]} B, and {member.size} B in the manifest"
            yield FailedPoint("member_changed", what, name)
    folders = {run_member(run.run_id, "") for run in manifest.runs}
    known = {TABLE_FILE, EDITION_FILE, *(log_member(run.log) for run in manifest.runs)}
    for name in archive.sizes:
        if name in OUTSIDE:
            continue
        if name not in listed:
            yield FailedPoint("member_extra", "the manifest does not list it", name)
        elif name not in known and not any(
            name.startswith(folder) and is_evidence(name.removeprefix(folder)) for folder in folders
        ):
            yield FailedPoint("member_extra", "it is no file of a run of the manifest", name)


def check_manifest(manifest: Manifest, folder: Path) -> Iterator[Finding]:
    """Against its own digest, and for the terms. Raises OSError, ContractError."""
    try:
        told = read_bounded(folder / DIGEST_FILE)
    except (OSError, ContractError):
        yield FailedPoint("member_missing", "no bundle is without it", DIGEST_FILE)
    else:
        text = read_bounded(folder / MANIFEST_FILE)
        if told != digest_text(text).encode():
            where = f"{MANIFEST_FILE}, {DIGEST_FILE}"
            yield FailedPoint("manifest_changed", "one of the two was changed", where)
        if name_told_twice(text) is not None:
            yield FailedPoint("manifest_changed", "it has a name twice", MANIFEST_FILE)
    missing = [point for point in terms.POINTS if point not in manifest.terms.points]
    if missing:
        what = f"{', '.join(missing)} not accepted"
        yield FailedPoint("terms_missing", what, MANIFEST_FILE)
    if not terms.is_known_wording(manifest.terms.wording_sha256):
        yield FailedPoint("terms_missing", "another text of them was accepted", MANIFEST_FILE)
    run_ids = [run.run_id for run in manifest.runs]
    if len(set(run_ids)) < len(run_ids):
        yield FailedPoint("runs_mixed_up", "it lists a run twice", MANIFEST_FILE)
    if manifest.rehearsal != any(run.rehearsal for run in manifest.runs):
        what = "whether the bundle is a rehearsal does not follow from its runs"
        yield FailedPoint("rehearsal_differs", what, MANIFEST_FILE)
