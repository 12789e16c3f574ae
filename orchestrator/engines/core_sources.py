"""What the image holds of ours, as one hash: an image of older sources shows itself before a run.

`build.sh` computes the same and puts it on the image as a label.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import benchmark_core

CORE_LABEL = "ai-energy-score.core"
FOLDER = Path(benchmark_core.__file__).parent


def hash_of_core(folder: Path = FOLDER) -> str:
    """SHA-256 over one line `<SHA-256> <path>` for each file, in the order of the paths' bytes."""
    lines = hashlib.sha256()
    paths = {os.fsencode(path.relative_to(folder).as_posix()): path for path in _files(folder)}
    for name, path in sorted(paths.items()):
        lines.update(hashlib.sha256(path.read_bytes()).hexdigest().encode() + b" " + name + b"\n")
    return lines.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Regular files; not compiled ones, and nothing hidden, which is an editor's or a system's."""
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__" or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file() and path.suffix != ".pyc":
            yield path
