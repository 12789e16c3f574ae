"""`manifest.json`: every file of a bundle with its SHA-256, and what was promised of them."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator

from benchmark_core.documents import Document, Frozen
from scoring.bundles.terms import LONGEST_NAME

MANIFEST_FILE: Final = "manifest.json"
DIGEST_FILE: Final = "manifest.sha256"
"""SHA-256 of the manifest, so that nothing in it changes by accident."""
SIGNATURE_FILE: Final = "manifest.json.sig"
OUTSIDE: Final = frozenset({MANIFEST_FILE, DIGEST_FILE, SIGNATURE_FILE})
"""Members that the manifest does not list."""

EDITION_FILE: Final = "edition.json"
TABLE_FILE: Final = "master_results.csv"
RUNS_DIR: Final = "runs"
LOGS_DIR: Final = "logs"
SEAL: Final = "sha256-"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seal = Annotated[str, Field(pattern=rf"^{SEAL}[0-9a-f]{{64}}$")]
Sealed = Literal["prompts", "outputs", "model-config"]


class Member(Frozen):
    name: str
    size: Annotated[int, Field(ge=0)]
    sha256: Digest


class AcceptedTerms(Frozen):
    """Who accepted which points, when (UTC), and in which words: the SHA-256 of their text."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    accepted_at: str
    points: tuple[str, ...]
    wording_sha256: Digest

    @field_validator("name")
    @classmethod
    def _names_somebody(cls, value: str) -> str:
        if value != value.strip() or not value.isprintable():
            raise ValueError("no name in letters that can be shown")
        return value

    @field_validator("accepted_at")
    @classmethod
    def _is_in_utc(cls, value: str) -> str:
        if datetime.fromisoformat(value).utcoffset() != timedelta(0):
            raise ValueError("no time in UTC")
        return value


class BundledRun(Frozen):
    """`log` is the name of its log file; empty where there is none. `stars` is None where the run
    is not rated, or no edition is there to rate it by."""

    run_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,239}$")]
    rehearsal: bool
    official: bool
    log: Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.+-]{0,239})?$")] = ""
    stars: Annotated[int, Field(ge=1, le=5)] | None = None


class Manifest(Document):
    """`redacted` names what was replaced by hashes; `seals` has the hash of each such item.
    `signed`: a signature of this manifest was made, so that none can get lost."""

    program_version: str
    terms: AcceptedTerms
    rehearsal: bool
    runs: Annotated[tuple[BundledRun, ...], Field(min_length=1)]
    signed: bool = False
    redacted: tuple[Sealed, ...] = ()
    seals: dict[str, Seal] = Field(default_factory=dict)
    members: tuple[Member, ...]


def run_member(run_id: str, name: str) -> str:
    """The member that holds the file `name` of a run folder."""
    return f"{RUNS_DIR}/{run_id}/{name}"


def log_member(name: str) -> str:
    return f"{LOGS_DIR}/{name}"


def digest_text(manifest: bytes) -> str:
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST_FILE}\n"
