"""What of a plan's repositories is not in the cache yet, file by file."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, Field

from benchmark_core.hub import HubTrouble, pinned_commit
from orchestrator.downloads.needed_files import needed_files
from orchestrator.downloads.wanted import Wanted
from orchestrator.hub_inquiry import Inquiry, ask_hub
from orchestrator.settings import Settings

BLOB = re.compile("[0-9a-f]{40,64}")
NO_BLOB = "unnamed"
LONGEST_LISTING = 32 * 10**6
"""Bytes of what the hub says of a repository; that of a hundred thousand files has fewer."""


@dataclass(frozen=True)
class HubFile:
    """`blob` is the name of its content in the cache."""

    name: str
    size_bytes: int
    blob: str


@dataclass(frozen=True)
class Missing:
    """The files of one repository that no run could load yet. `folder` is its place in the cache.

    `commit` is what the wanted revision stands for. Of a file whose content is there under another
    name nothing is downloaded.
    """

    wanted: Wanted
    commit: str
    folder: Path
    files: tuple[HubFile, ...]

    @property
    def lacking_bytes(self) -> int:
        """What is left to download, leaving out files that are under way."""
        return sum(file.size_bytes for file in self.files if not self.blob_path(file).exists())

    @property
    def present_bytes(self) -> int:
        """Of all `files`, with what is there of those under way."""
        blobs = {file.blob for file in self.files}
        with suppress(OSError), os.scandir(self.folder / "blobs") as entries:
            return sum(
                entry.stat().st_size for entry in entries if entry.name.partition(".")[0] in blobs
            )
        return 0

    def blob_path(self, file: HubFile) -> Path:
        return self.folder / "blobs" / file.blob

    def unfinished(self) -> list[tuple[HubFile, Path]]:
        """What downloads have of files so far; each download has its own."""
        found = (self.folder / "blobs").glob("*.incomplete")
        by_blob = {file.blob: file for file in self.files}
        parts = [(by_blob.get(path.name.partition(".")[0]), path) for path in found]
        return [(file, path) for file, path in parts if file is not None]


@dataclass(frozen=True)
class Inventory:
    """`troubles` are repositories that cannot be had; with a `hub_trouble` not all were asked for.

    `cached` is how many are there, whole. `commits` are, by the keys of what is wanted, those that
    the hub's revisions stood for.
    """

    missing: tuple[Missing, ...] = ()
    cached: int = 0
    commits: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    troubles: Mapping[Wanted, HubTrouble] = field(default_factory=dict)
    hub_trouble: HubTrouble | None = None

    @property
    def lacking_bytes(self) -> int:
        return sum(one.lacking_bytes for one in self.missing)


def take_inventory(wanted: Sequence[Wanted], settings: Settings) -> Inventory:
    """One question to the hub for each repository, none for a commit that is known to be there."""
    inquiry = Inquiry(wanted, lambda one: _missing(one, settings))
    inquiry.make()
    answers = dict(inquiry.answers)
    missing = [answers[one] for one in wanted if one in answers and answers[one].files]
    return Inventory(
        missing=tuple(missing),
        cached=len(answers) - len(missing),
        commits={one.key: answer.commit for one, answer in answers.items()},
        troubles=dict(inquiry.troubles),
        hub_trouble=inquiry.hub_trouble,
    )


def _missing(wanted: Wanted, settings: Settings) -> Missing:
    commit = pinned_commit(wanted.revision)
    files = known_files(wanted, commit, settings) if commit else None
    if commit is None or files is None:
        commit, files = _asked_files(wanted, settings)
    folder = repository_folder(wanted, settings)
    snapshot = folder / "snapshots" / commit
    needed = needed_files(wanted, files)
    lacking = tuple(files[name] for name in needed if not (snapshot / name).exists())
    return Missing(wanted, commit, folder, lacking)


def repository_folder(wanted: Wanted, settings: Settings) -> Path:
    """Its place in the cache, there or not."""
    return settings.hub_cache / f"{wanted.kind}s--{wanted.id.replace('/', '--')}"


def known_files(wanted: Wanted, commit: str, settings: Settings) -> dict[str, HubFile] | None:
    """What the cache knows of a commit, which never changes; None where that is nothing."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        tree = get_cached_repo_tree(
            wanted.id, repo_type=wanted.kind, revision=commit, cache_dir=settings.hub_cache
        )
    except CachedRepoTreeNotFoundError:
        return None
    told = ((one.path, one.size, one.lfs.sha256 if one.lfs else one.blob_id) for one in tree)
    return {name: _file(name, size, blob) for name, size, blob in told}


def _asked_files(wanted: Wanted, settings: Settings) -> tuple[str, dict[str, HubFile]]:
    """Raises the errors of huggingface_hub, and ValueError for an answer that is none."""
    revision = f"/revision/{quote(wanted.revision, safe='')}" if wanted.revision else ""
    path = f"/api/{wanted.kind}s/{wanted.id}{revision}?blobs=true"
    listing = _Listing.model_validate_json(ask_hub(path, settings, LONGEST_LISTING))
    told = (
        (one.rfilename, one.size, one.lfs.sha256 if one.lfs else one.blob_id)
        for one in listing.siblings
    )
    return listing.sha, {name: _file(name, size, blob) for name, size, blob in told}


def _file(name: str, size_bytes: int | None, blob: str | None) -> HubFile:
    return HubFile(name, size_bytes or 0, blob if blob and BLOB.fullmatch(blob) else NO_BLOB)


class _Told(BaseModel):
    """Of a file kept apart (LFS), by its SHA-256."""

    sha256: str


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = None
    blob_id: str | None = Field(default=None, alias="blobId")
    lfs: _Told | None = None


class _Listing(BaseModel):
    """A repository as the hub describes it; the rest of its answer is not read."""

    sha: str
    siblings: tuple[_Sibling, ...] = ()
