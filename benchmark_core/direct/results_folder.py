"""The folder that a run without an orchestrator writes into, with earlier runs moved aside."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import (
    ATTEMPTS_DIR,
    LAUNCH_FILE,
    OUTCOME_FILE,
    REPORT_FILE,
    RUN_ENTRIES,
    SPEC_FILE,
    Launch,
    RunSpec,
)

MARKS = (REPORT_FILE, OUTCOME_FILE, SPEC_FILE)
"""What makes a folder one that holds a run."""
STAGING = ".archiving"


class InUse(Exception):
    """Another run is writing into the folder."""


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make the folder, see that it can be written, and keep other runs out.

    Raises:
        OSError: it cannot be made or written.
        InUse: another run holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse from error
        yield
    finally:
        os.close(descriptor)


def prepare(folder: Path, spec: RunSpec, launch: Launch) -> int | None:
    """Write what the run is to do; the number under which an earlier run was put away.

    Raises OSError.
    """
    number = archive(folder)
    write_text(folder / LAUNCH_FILE, launch.to_json())
    write_text(folder / SPEC_FILE, spec.to_json())
    return number


def archive(folder: Path) -> int | None:
    """Move an earlier run to `attempts/N`, entry by entry: a mounted folder cannot be renamed.

    What no run writes is the user's, and stays. Each step can be repeated after a crash.

    Raises:
        OSError: something cannot be moved.
    """
    attempts = folder / ATTEMPTS_DIR
    staging = attempts / STAGING
    if not staging.is_dir() and not any(os.path.lexists(folder / name) for name in MARKS):
        return None
    staging.mkdir(parents=True, exist_ok=True)
    for name in RUN_ENTRIES:
        if os.path.lexists(folder / name):
            (folder / name).rename(staging / name)
    numbers = [int(path.name) for path in attempts.iterdir() if _is_number(path.name)]
    number = max(numbers, default=0) + 1
    staging.rename(attempts / str(number))
    return number


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit()
