"""One output directory: the table, the record and the page of its sweep, the logs, the run folders.

The only owner of the names of these. What lies in a run folder is `run_folder`'s.
"""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmark_core.atomic_file import remove_leftovers, write_text
from benchmark_core.contract import OUTCOME_FILE
from benchmark_core.terminal_text import printable
from orchestrator.disk_errors import disk_errors
from orchestrator.errors import HostError, Problem
from orchestrator.folder_lock import is_locked, try_lock
from orchestrator.run_folder import RunFolder, half_archived

MASTER_FILE = "master_results.csv"
RUNS_DIR = "individual_runs"
LOGS_DIR = "logs"
HOLDER_FILE = ".sweep_holder.json"
SWEEP_FILE = "sweep.json"
PAGE_FILE = "report.html"


class RunDirectory:
    """One output directory: the table, the logs, and a folder for each run."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.master_path = self.root / MASTER_FILE
        self.sweep_path = self.root / SWEEP_FILE
        self.page_path = self.root / PAGE_FILE
        self.runs_path = self.root / RUNS_DIR
        self.logs_path = self.root / LOGS_DIR

    def create(self) -> None:
        """Make the directory.

        Raises:
            HostError: the directory cannot be written.
        """
        try:
            self.runs_path.mkdir(parents=True, exist_ok=True)
            self.logs_path.mkdir(exist_ok=True)
        except OSError as error:
            raise self._not_writable(error) from error

    def recover(self) -> None:
        """Complete archiving that a crash cut off, and remove half-written files.

        For the holder of the lock alone.

        Raises:
            HostError: the directory cannot be written.
        """
        try:
            remove_leftovers(self.root, of=(MASTER_FILE, SWEEP_FILE, HOLDER_FILE))
            for folder in self.folders():
                # A run without an outcome may go on without its runner, and be writing.
                if folder.outcome_path.exists():
                    remove_leftovers(folder.path)
            for folder in half_archived(self.runs_path):
                folder.archive()
        except OSError as error:
            raise self._not_writable(error) from error

    def _not_writable(self, error: OSError) -> HostError:
        return HostError(
            Problem(
                str(self.root),
                f"cannot be written ({error.strerror})",
                "Choose another --output-dir, or free the disk.",
            )
        )

    @contextlib.contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turns what the disk refuses within into HostError."""
        with disk_errors(self.root):
            yield

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.runs_path / run_id)

    def folders(self) -> list[RunFolder]:
        """Every run folder, by run_id."""
        try:
            entries = sorted(entry.name for entry in os.scandir(self.runs_path) if entry.is_dir())
        except OSError:
            return []
        return [self.folder(name) for name in entries if not name.startswith(".")]

    def open_folders(self) -> list[RunFolder]:
        """Of those the ones without an outcome: planned, under way or cut off."""
        # A path object for each of ten thousand costs more than the look.
        return [
            one
            for one in self.folders()
            if not os.path.exists(f"{one.path}/{OUTCOME_FILE}")  # noqa: PTH110
        ]

    def holder(self) -> str | None:
        """The sweep that is at work here, in a few words; None where none is.

        Nothing is tried where no sweep left its name: a try takes the lock for a moment, in which
        a sweep that begins would be refused.
        """
        holder_path = self.root / HOLDER_FILE
        try:
            if not holder_path.exists() or not is_locked(self.root):
                return None
        except OSError:
            return None
        return _name(holder_path) or "its name cannot be read"

    def in_use(self, holder: str | None) -> Problem:
        """What to tell whoever comes second."""
        return Problem(
            str(self.root),
            f"another sweep is using it{f' ({holder})' if holder else ''}",
            "Wait for it, stop it, or choose another --output-dir.",
        )

    def new_log_name(self, run_id: str) -> str:
        """`<run_id>_<UTC time>.log`, to the millisecond."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")[:-3]
        return f"{run_id}_{stamp}.log"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """One sweep per directory.

        Raises:
            HostError: another sweep holds it; the message names the holder.
        """
        holder_path = self.root / HOLDER_FILE
        with try_lock(self.root) as is_ours:
            if not is_ours:
                raise HostError(self.in_use(_name(holder_path)))
            holder = {"host": socket.gethostname(), "pid": os.getpid()}
            # The name is a courtesy to whoever comes second; a full disk may take it away.
            with contextlib.suppress(OSError):
                write_text(holder_path, json.dumps(holder) + "\n")
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    holder_path.unlink()


def _name(holder_path: Path) -> str:
    """Of the process that wrote it; empty where that cannot be read."""
    try:
        holder = json.loads(holder_path.read_text(encoding="utf-8"))
        return f"process {int(holder['pid'])} on {printable(str(holder['host']))[:60]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
