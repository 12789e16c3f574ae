"""The only owner of file names on the host: state of a run, locks, earlier attempts.

The state of a sweep is read from its folders, never remembered. A folder without an outcome is
one whose run was cut off, so a crash reads as a crash.
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from benchmark_core.atomic_file import remove_leftovers, write_text
from benchmark_core.contract import (
    ATTEMPTS_DIR,
    LAUNCH_FILE,
    OUTCOME_FILE,
    REPORT_FILE,
    SAMPLES_FILE,
    SPEC_FILE,
    Launch,
    RunSpec,
)
from benchmark_core.documents import ContractError
from benchmark_core.terminal_text import printable
from orchestrator.errors import HostError, Problem
from orchestrator.lease import JOB_FILE, read_lease
from orchestrator.outcome import Outcome

MASTER_FILE = "master_results.csv"
RUNS_DIR = "individual_runs"
LOGS_DIR = "logs"
HOLDER_FILE = ".sweep_holder.json"
SWEEP_FILE = "sweep.json"
PAGE_FILE = "report.html"
ARCHIVING_SUFFIX = ".archiving"

StateName = Literal[
    "planned", "queued", "running", "finished", "failed", "interrupted", "unreadable"
]


@dataclass(frozen=True)
class RunState:
    """What a run folder says of itself. `spec_hash` is None where no spec can be read.

    Files are written whole or not at all, so no crash makes a folder `unreadable`: its outcome is
    damaged or newer than this program, and only the user knows what that means.
    """

    name: StateName
    spec_hash: str | None = None
    damage: str = ""


class RunFolder:
    """One run: what was asked, what came out, how it ended.

    Its paths are made when they are asked for, because there may be ten thousand folders.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run_id = path.name

    @property
    def spec_path(self) -> Path:
        return self.path / SPEC_FILE

    @property
    def launch_path(self) -> Path:
        return self.path / LAUNCH_FILE

    @property
    def report_path(self) -> Path:
        return self.path / REPORT_FILE

    @property
    def journal_path(self) -> Path:
        return self.path / SAMPLES_FILE

    @property
    def outcome_path(self) -> Path:
        return self.path / OUTCOME_FILE

    @property
    def attempts_path(self) -> Path:
        return self.path / ATTEMPTS_DIR

    def state(self) -> RunState:
        try:
            outcome = self.outcome()
            if outcome:
                return RunState(outcome.outcome, outcome.spec_hash)
            if not self.spec_path.exists():
                return RunState("planned")
            spec_hash = RunSpec.read(self.spec_path).spec_hash()
        except ContractError as error:
            return RunState("unreadable", damage=str(error))
        return RunState(self._state_without_outcome(), spec_hash)

    def _state_without_outcome(self) -> StateName:
        """By its job where it has one, which no lock of this machine knows of."""
        lease = read_lease(self.path)
        if lease and lease.is_fresh():
            return "running"
        if lease is None and (self.path / JOB_FILE).exists():
            return "queued"
        return "running" if _is_locked(self.path) else "interrupted"

    def outcome(self) -> Outcome | None:
        """How the run ended; None when it did not.

        Raises:
            ContractError: its record is damaged or too new.
        """
        return Outcome.read(self.outcome_path) if self.outcome_path.exists() else None

    def launch(self) -> Launch | None:
        """How the present attempt was started; None when that cannot be read."""
        try:
            return Launch.read(self.launch_path)
        except ContractError:
            return None

    def prepare(self, spec: RunSpec, launch: Launch) -> None:
        """Make the folder ready for a fresh attempt; an earlier one moves to `attempts/`."""
        self.archive()
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.launch_path, launch.to_json())
        write_text(self.spec_path, spec.to_json())

    def relaunch(self, launch: Launch) -> None:
        """Tell a run that is under way what has changed around it."""
        write_text(self.launch_path, launch.to_json())

    def record(self, spec: RunSpec, launch: Launch, outcome: Outcome) -> None:
        """End the attempt. What was asked is written again: the run could write there too.

        Nobody else writes there any more.
        """
        remove_leftovers(self.path)
        write_text(self.launch_path, launch.to_json())
        write_text(self.spec_path, spec.to_json())
        write_text(self.outcome_path, outcome.to_json())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder while its run lives; the kernel lets go when this process dies."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turns what the disk refuses within into HostError."""
        with _disk_errors(self.path):
            yield

    def attempts(self) -> int:
        """Earlier attempts, without the present one."""
        return len(self.earlier())

    def earlier(self) -> "list[RunFolder]":
        """Those attempts, in any order."""
        try:
            entries = [entry for entry in self.attempts_path.iterdir() if _is_attempt(entry)]
        except OSError:
            return []
        return [RunFolder(entry) for entry in entries]

    def archive(self) -> None:
        """Move what is here to `attempts/N`. Each step can be repeated after a crash."""
        aside = self._aside()
        if not aside.exists():
            if not self.spec_path.exists() and not self.outcome_path.exists():
                return
            self.path.rename(aside)
        remove_leftovers(aside)
        self.path.mkdir(exist_ok=True)
        # The run owns its folder; a link in the place of its attempts would lead out of it.
        for attempts in (aside / ATTEMPTS_DIR, self.attempts_path):
            if attempts.is_symlink():
                attempts.unlink()
        earlier = aside / ATTEMPTS_DIR
        if earlier.exists() and not self.attempts_path.exists():
            earlier.rename(self.attempts_path)
        self.attempts_path.mkdir(exist_ok=True)
        numbers = [int(entry.name) for entry in self.attempts_path.iterdir() if _is_attempt(entry)]
        aside.rename(self.attempts_path / str(max(numbers, default=0) + 1))

    def _aside(self) -> Path:
        return self.path.with_name(f".{self.run_id}{ARCHIVING_SUFFIX}")


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
            for aside in self.runs_path.glob(f".*{ARCHIVING_SUFFIX}"):
                self.folder(aside.name[1 : -len(ARCHIVING_SUFFIX)]).archive()
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
        with _disk_errors(self.root):
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
            if not holder_path.exists() or not _is_locked(self.root):
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
        descriptor = os.open(self.root, os.O_RDONLY)
        holder_path = self.root / HOLDER_FILE
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HostError(self.in_use(_name(holder_path))) from error
            holder = {"host": socket.gethostname(), "pid": os.getpid()}
            # The name is a courtesy to whoever comes second; a full disk may take it away.
            with contextlib.suppress(OSError):
                write_text(holder_path, json.dumps(holder) + "\n")
            try:
                yield
            finally:
                with contextlib.suppress(OSError):
                    holder_path.unlink()
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
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


def _is_attempt(entry: Path) -> bool:
    return entry.name.isascii() and entry.name.isdigit()


def _name(holder_path: Path) -> str:
    """Of the process that wrote it; empty where that cannot be read."""
    try:
        holder = json.loads(holder_path.read_text(encoding="utf-8"))
        return f"process {int(holder['pid'])} on {printable(str(holder['host']))[:60]}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
