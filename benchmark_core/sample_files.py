"""The files of local samples: regular ones only, and none outside the folder that was named."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from benchmark_core.bad_rows import RowFault
from benchmark_core.faults import SampleFault

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def file_bytes(path: Path) -> int:
    """The size of a regular file.

    Raises:
        SampleFault: there is no such file, or it is a folder, a pipe or a device.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise SampleFault(f"{path}: is {kind}, not a file", "Name a file with samples.")
    return status.st_size


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        SampleFault: as `file_bytes`, or it may not be read.
    """
    file_bytes(path)
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> SampleFault:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return SampleFault(f"{path}: cannot be read: {reason}", "Check the path and its permissions.")


def fault_at(path: Path, place: str, what: str, remedy: str) -> RowFault:
    """`place` is a line, a row or an element of the file, with its number."""
    return RowFault(f"{path}, {place}: {what}", remedy)


def file_inside(root: Path, name: str, table: Path, place: str) -> Path:
    """The file that a table in `root` (resolved) names, relative to it.

    Raises:
        RowFault: the name leads out of the folder, also by a link, or to no regular file.
    """
    relative = PurePosixPath(name)
    # Names with a dot in front are not counted in the checksum, so they may not be samples.
    if relative.is_absolute() or any(part.startswith(".") for part in relative.parts):
        raise fault_at(
            table,
            place,
            f"{name!r} leads out of the folder or begins with a dot",
            "Copy the file into the folder and name it relative to that.",
        )
    path = root / name
    try:
        real = path.resolve(strict=True)
    except FileNotFoundError as error:
        raise fault_at(
            table, place, f"there is no file {name!r} in {root}", "Add it, or remove the line."
        ) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise fault_at(
            table, place, f"the file {name!r} cannot be read", "Check its name and permissions."
        ) from error
    if not real.is_relative_to(root):
        raise _leads_out(path, real)
    if not real.is_file():
        raise fault_at(table, place, f"{name!r} is not a file", "Name an image or a sound.")
    return path


def folder_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Every file below a folder by its relative name, sorted by the bytes of the names.

    Names with a dot in front are left out, and what lies behind links to folders.

    Raises:
        SampleFault: a folder cannot be read; a link leads out; a pipe or a device.
    """

    def refuse(error: OSError) -> None:
        raise unreadable(Path(error.filename or root), error) from error

    names: list[str] = []
    for folder, below, files in os.walk(root, onerror=refuse):
        below[:] = [name for name in below if not name.startswith(".")]
        inner = Path(folder).relative_to(root)
        names += [(inner / name).as_posix() for name in files if not name.startswith(".")]
    top = root.resolve()
    for name in sorted(names, key=os.fsencode):
        path = root / name
        file_bytes(path)
        real = path.resolve()
        if not real.is_relative_to(top):
            raise _leads_out(path, real)
        yield name, path


def _leads_out(path: Path, real: Path) -> RowFault:
    return RowFault(
        f"{path}: the link leads out of the folder, to {real}", "Put a copy there instead."
    )
