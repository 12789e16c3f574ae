"""One sealed item of a bundle, opened with its salt."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from benchmark_core.atomic_file import replacing
from benchmark_core.documents import ContractError
from scoring.bundles.archive import DamagedMember, open_archive
from scoring.bundles.manifest import MANIFEST_FILE, Manifest
from scoring.errors import ScoringError
from scoring.submission.seals import KEY_FILE_MODE, KeyFile


@dataclass(frozen=True)
class Opened:
    """`seal` is what the bundle has; `holds` whether salt and value give it."""

    value: str
    seal: str
    holds: bool


def read_key(path: Path) -> KeyFile:
    """Raises ScoringError."""
    try:
        return KeyFile.read(path)
    except ContractError as error:
        raise ScoringError(
            str(path), f"is no key file ({error})", "The command submit writes it with --redact."
        ) from error


def names(bundle: Path, key: KeyFile) -> list[str]:
    """Items of the bundle that the key opens. Raises ScoringError."""
    return sorted(name for name, seal in _seals(bundle).items() if seal in key.items)


def open_item(bundle: Path, key: KeyFile, name: str) -> Opened:
    """Raises ScoringError where the bundle or the key does not know the item."""
    remedy = "The command open lists those that a key file has when no item is named."
    seal = _seals(bundle).get(name)
    if seal is None:
        raise ScoringError(f"--item {name}", f"is nothing that {bundle} has sealed", remedy)
    item = key.items.get(seal)
    if item is None:
        raise ScoringError(f"--item {name}", "is not in the key file", remedy)
    return Opened(item.value, seal, item.seal() == seal)


def write_single_key(path: Path, key: KeyFile, opened: Opened) -> None:
    """A key file that opens nothing but this item. Raises ScoringError."""
    if os.path.lexists(path):
        # It may be the key file itself, which nothing brings back.
        raise ScoringError(str(path), "is there already", "Choose another --out.")
    try:
        with replacing(path, KEY_FILE_MODE) as stream:
            stream.write(KeyFile(items={opened.seal: key.items[opened.seal]}).to_json().encode())
    except OSError as error:
        raise ScoringError(
            str(path), f"cannot be written ({error.strerror})", "Choose another --out."
        ) from error


def _seals(bundle: Path) -> dict[str, str]:
    """Raises ScoringError."""
    with open_archive(bundle) as archive:
        try:
            return dict(Manifest.model_validate_json(archive.read(MANIFEST_FILE)).seals)
        except (DamagedMember, ValidationError, KeyError) as error:
            raise ScoringError(
                str(bundle), f"is no bundle ({type(error).__name__})", "Verify it first."
            ) from error
