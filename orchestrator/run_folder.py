"""One run on disk: what was asked, what came out, how it ended; and its earlier attempts.

The state of a run is read from its folder, never remembered. A folder without an outcome is one
whose run was cut off, so a crash reads as a crash. The names in it are the contract's; of what one
part of the host keeps there (a job and its lease, a process, a picture), they are that part's.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
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
from orchestrator.disk_errors import disk_errors
from orchestrator.folder_lock import is_locked, locked
from orchestrator.lease import JOB_FILE, read_lease
from orchestrator.outcome import Outcome

ARCHIVING_SUFFIX = ".archiving"
"""Ends the name of what is on its way to the earlier attempts, beside the folder that it left."""

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
            if not self._has(self.spec_path):
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
        return "running" if is_locked(self.path) else "interrupted"

    def outcome(self) -> Outcome | None:
        """How the run ended; None when it did not.

        Raises:
            ContractError: its record is damaged, too new, or closed to this user.
        """
        return Outcome.read(self.outcome_path) if self._has(self.outcome_path) else None

    def _has(self, path: Path) -> bool:
        try:
            return path.exists()
        except OSError as closed:
            raise ContractError(f"{self.path} cannot be read: {closed.strerror}") from closed

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

        Nobody else writes there any more. Where the user's samples lie is left out now: nobody
        reads it again, and it may say who the user is.
        """
        launch = launch.model_copy(update={"samples_path": None})
        remove_leftovers(self.path)
        write_text(self.launch_path, launch.to_json())
        write_text(self.spec_path, spec.to_json())
        write_text(self.outcome_path, outcome.to_json())

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder while its run lives; the kernel lets go when this process dies."""
        with locked(self.path):
            yield

    @contextlib.contextmanager
    def disk_errors(self) -> Iterator[None]:
        """Turns what the disk refuses within into HostError."""
        with disk_errors(self.path):
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


def half_archived(runs_path: Path) -> Iterator[RunFolder]:
    """Those below it whose archiving was cut off; `archive` completes it."""
    for aside in runs_path.glob(f".*{ARCHIVING_SUFFIX}"):
        yield RunFolder(runs_path / aside.name[1 : -len(ARCHIVING_SUFFIX)])


def _is_attempt(entry: Path) -> bool:
    return entry.name.isascii() and entry.name.isdigit()
