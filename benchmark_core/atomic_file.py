"""Files that are whole or absent: written beside, flushed to disk, renamed into place."""

import contextlib
import os
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` (UTF-8); as `write_bytes`."""
    write_bytes(path, text.encode())


HALF_WRITTEN = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}")


def remove_leftovers(folder: Path, of: Collection[str] = ()) -> None:
    """What killed writers of files left beside them; `of` names those files, none of them: all.

    Nobody may be writing them now.

    Raises:
        OSError: the folder cannot be written.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if _is_half_written(entry, of)]
    for entry in found:
        Path(entry.path).unlink(missing_ok=True)


def _is_half_written(entry: "os.DirEntry[str]", of: Collection[str]) -> bool:
    half = HALF_WRITTEN.fullmatch(entry.name)
    if half is None or (of and half["name"] not in of):
        return False
    return entry.is_file(follow_symlinks=False)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`. On any error the old file stays and no other one is left.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    with replacing(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """What is written within replaces `path` at the end; otherwise as `write_bytes`."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
