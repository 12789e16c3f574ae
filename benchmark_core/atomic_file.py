"""Files that are whole or absent: written beside, flushed to disk, renamed into place."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8); as `write_bytes`."""
    write_bytes(path, text.encode())


def remove_leftovers(path: Path) -> None:
    """What a killed writer of `path` left beside it. Nobody may be writing it now.

    Raises:
        OSError: the folder cannot be written.
    """
    for entry in path.parent.iterdir():
        if entry.name.startswith(_prefix(path)):
            entry.unlink(missing_ok=True)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`. On any error the old file stays and no other one is left.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=_prefix(path), dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
