"""Lays models out as the hub's own cache does, so that they load by their id without a hub.

    models--ORG--NAME/refs/main                  the commit
    models--ORG--NAME/snapshots/COMMIT/...       the files
    models--ORG--NAME/built_by                   which builder made them

With HF_HUB_CACHE set to the folder that holds these and HF_HUB_OFFLINE=1, every library that loads
from the hub finds them. A hash over the files stands where the commit would.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILDER_FILE = "built_by"


@dataclass(frozen=True)
class HubModel:
    """A model to be put in place: `write` makes its files in an empty folder."""

    id: str
    write: Callable[[Path], None]

    @property
    def folder_name(self) -> str:
        return f"models--{self.id.replace('/', '--')}"


def place_models(directory: Path, models: Iterable[HubModel]) -> list[str]:
    """Put the models into `directory`; what is there, whole and current, stays untouched.

    Gives the ids of those that were built.
    """
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o755)
    builder = _builder()
    built: list[str] = []
    for model in models:
        home = directory / model.folder_name
        if _is_current(home, builder):
            continue
        with tempfile.TemporaryDirectory(dir=directory, prefix=".building-") as scratch:
            _lay_out(model, Path(scratch) / "new", builder)
            _put_in_place(Path(scratch), home, builder)
        built.append(model.id)
    return built


def rewrite_json(path: Path, **settings: Any) -> None:
    """Set these keys in a JSON file that holds an object; the others stay."""
    content = {**json.loads(path.read_text()), **settings}
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def _put_in_place(scratch: Path, home: Path, builder: str) -> None:
    if home.exists():
        home.rename(scratch / "old")
    try:
        (scratch / "new").rename(home)
    except OSError:
        # Another builder may have been faster; then its model serves as well.
        if not _is_current(home, builder):
            raise


def _is_current(home: Path, builder: str) -> bool:
    """Whether the model is complete, unchanged, and made by this version of the builder."""
    try:
        commit = (home / "refs" / "main").read_text()
        made_by = (home / BUILDER_FILE).read_text()
        return made_by == builder and commit == _content_hash(home / "snapshots" / commit)
    except OSError:
        return False


def _builder() -> str:
    """A hash over the modules of this package: any of them may have a part in a model."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _lay_out(model: HubModel, home: Path, builder: str) -> None:
    files = home / "files"
    files.mkdir(parents=True)
    model.write(files)
    commit = _content_hash(files)
    (home / "snapshots").mkdir()
    files.rename(home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    (home / BUILDER_FILE).write_text(builder)
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)  # a container reads them as another user


def _content_hash(folder: Path) -> str:
    """40 hexadecimal digits over names and contents, in the place of a commit."""
    digest = hashlib.sha1(usedforsecurity=False)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
