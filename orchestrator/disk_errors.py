"""What the disk refuses, told as a problem of this machine."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import HostError, Problem


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turns what the disk refuses within into HostError; `path` is where."""
    try:
        yield
    except OSError as error:
        raise HostError(
            Problem(
                str(path),
                f"cannot be read or written ({error.strerror}); finished runs are intact",
                "Free the disk and start again: the sweep resumes where it stopped.",
            )
        ) from error
