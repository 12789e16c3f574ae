"""A lock on a folder. The kernel keeps it, and lets go when the process that holds it dies."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the folder, and hold it. Raises OSError where it cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the folder, or answer False: somebody else does. Raises OSError as `locked` does."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield _takes(descriptor)
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody holds it. Takes the lock for a moment, where nobody does."""
    with try_lock(path) as is_ours:
        return not is_ours


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
