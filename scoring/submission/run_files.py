"""Which files of a run are evidence and go into a bundle; what of its folder cannot."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmark_core.contract import ATTEMPTS_DIR
from scoring.bundles.archive import is_safe_name
from scoring.bundles.run_members import FILES, FOLDERS, NEEDED, is_evidence

OF_THE_PLACE: Final = frozenset({"process.json", "job.json", "lease.json"})
"""Where a run was started and by whom: of no use to whoever checks its figures."""


@dataclass(frozen=True)
class RunFiles:
    """Names within the run folder with their paths, and what cannot be taken along."""

    files: dict[str, Path]
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


def run_files(folder: Path) -> RunFiles:
    """Raises OSError."""
    files: dict[str, Path] = {}
    problems, left_out = [], []
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in FOLDERS or name == ATTEMPTS_DIR:
            files |= dict(_below(folder, name))
        elif name in FILES:
            files[name] = path
        elif name not in OF_THE_PLACE:
            left_out.append(name)
    for name, path in files.items():
        if not is_safe_name(name):
            problems.append(f"{name!r} is no name for a member of a bundle")
        elif path.is_symlink() or not path.is_file():
            problems.append(f"{name} is no plain file")
    problems += [f"{name} is missing" for name in NEEDED if name not in files]
    return RunFiles(files, tuple(problems), tuple(left_out))


def _below(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    """All of a folder; of earlier attempts only how they ended."""
    if (folder / name).is_symlink():
        yield name, folder / name
        return
    for path in sorted((folder / name).rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        inside = path.relative_to(folder).as_posix()
        if is_evidence(inside) and not is_folder:
            yield inside, path
