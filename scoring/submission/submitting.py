"""What was gathered becomes one zip file, whole or not at all."""

import csv
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark_core import VERSION
from benchmark_core.atomic_file import replacing
from benchmark_core.documents import one_line
from scoring.bundles import terms
from scoring.bundles.archive import Content, write_archive
from scoring.bundles.manifest import (
    DIGEST_FILE,
    MANIFEST_FILE,
    SIGNATURE_FILE,
    AcceptedTerms,
    Manifest,
    Member,
    Sealed,
    digest_text,
)
from scoring.bundles.signature import sign
from scoring.errors import ScoringError
from scoring.failed_point import Verification
from scoring.submission.gathering import Gathered
from scoring.submission.seals import KEY_FILE_MODE, KeyFile
from scoring.verification.bundle import verify_bundle


@dataclass(frozen=True)
class Submission:
    """Where a bundle goes, and who promises what. `accepted_at` is in UTC.

    `sign_key` is the path of a private SSH key. With `replace` an earlier bundle and its key file
    make room.
    """

    out: Path
    accepted_by: str
    accepted_at: str
    redact: frozenset[Sealed] = frozenset()
    sign_key: Path | None = None
    replace: bool = False

    @property
    def key_path(self) -> Path:
        """Beside the bundle, what opens its sealed items."""
        return self.out.with_name(f"{self.out.name}.key.json")

    def terms(self) -> AcceptedTerms:
        """Raises ScoringError where the name is none."""
        try:
            return AcceptedTerms(
                name=self.accepted_by,
                accepted_at=self.accepted_at,
                points=tuple(terms.POINTS),
                wording_sha256=terms.wording_sha256(),
            )
        except ValidationError as error:
            raise ScoringError(
                "--accept-terms", f"cannot be recorded ({one_line(error)})", "Write your name."
            ) from error

    def check(self) -> None:
        """What can be told before anything is read.

        Raises:
            ScoringError: nobody accepts the terms, or something would be lost.
        """
        self.terms()
        for path in (self.out, *([self.key_path] if self.redact else [])):
            if os.path.lexists(path) and not self.replace:
                raise ScoringError(
                    str(path), "is there already", "Choose another --out, or add --replace."
                )


def write_bundle(submission: Submission, gathered: Gathered) -> Verification:
    """Writes the bundle where it can be verified; answers what came of that.

    The same content, name and time give the same bytes, but for signatures and salts.

    Raises:
        ScoringError: the disk refuses, a file is gone meanwhile, the key cannot sign, or as
            `Submission.check`.
    """
    submission.check()
    out = submission.out
    try:
        contents = [*_outside(submission, gathered), *gathered.contents]
        with tempfile.TemporaryDirectory(prefix=".submit-", dir=out.absolute().parent) as folder:
            draft = Path(folder) / "bundle.zip"
            with replacing(draft) as stream:
                write_archive(stream, contents)
            found = verify_bundle(draft)
            if not found.failed:
                _put_in_place(draft, submission, gathered)
            return found
    except (OSError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ScoringError(
            str(out), f"cannot be written ({why})", "Choose another --out."
        ) from error


def _put_in_place(draft: Path, submission: Submission, gathered: Gathered) -> None:
    """Bundle and key, both or neither: what was there comes back. Raises OSError."""
    if not gathered.seals.items:
        draft.replace(submission.out)
        return
    key, earlier = submission.key_path, draft.with_name("earlier.key.json")
    was_there = key.exists()
    if was_there:
        shutil.copy2(key, earlier)
    with replacing(key, KEY_FILE_MODE) as stream:
        stream.write(KeyFile(items=gathered.seals.items).to_json().encode())
    try:
        draft.replace(submission.out)
    except BaseException:
        if was_there:
            earlier.replace(key)
        else:
            key.unlink()
        raise


def _outside(submission: Submission, gathered: Gathered) -> list[Content]:
    """The members that the manifest does not list, itself first. Raises OSError, ScoringError."""
    manifest = _manifest(submission, gathered, _members(gathered.contents)).to_json().encode()
    digest = digest_text(manifest).encode()
    members = [Content(MANIFEST_FILE, manifest), Content(DIGEST_FILE, digest)]
    if submission.sign_key:
        members.append(Content(SIGNATURE_FILE, sign(manifest, submission.sign_key)))
    return members


def _members(contents: Sequence[Content]) -> tuple[Member, ...]:
    return tuple(Member(name=one.name, size=one.size(), sha256=one.sha256()) for one in contents)


def _manifest(submission: Submission, gathered: Gathered, members: tuple[Member, ...]) -> Manifest:
    return Manifest(
        program_version=VERSION,
        terms=submission.terms(),
        rehearsal=any(run.rehearsal for run in gathered.runs),
        runs=tuple(gathered.runs),
        signed=submission.sign_key is not None,
        redacted=tuple(sorted(submission.redact)),
        seals=dict(gathered.seals.named),
        members=members,
    )
