"""A process and all it started: found by a mark in their environment, killed whole."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError, read_bounded
from orchestrator.engines.owner import Owner, process_start

RECORD_FILE = "process.json"
MARK_VARIABLE = "AI_ENERGY_SCORE_RUN"
LOOK_SECONDS = 0.02
HELD_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessGroup:
    """The leader by number and start, its descendants by the mark they inherited."""

    pid: int
    started: str
    mark: str

    def leader_lives(self) -> bool:
        return process_start(self.pid) == self.started

    def tell_leader(self, number: signal.Signals) -> None:
        if self.leader_lives():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def members(self) -> list[int]:
        """Every living process with the mark; a recycled number does not carry it."""
        wanted = f"{MARK_VARIABLE}={self.mark}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if wanted in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def terminate(self, grace_seconds: float) -> None:
        """Ask all to end, wait for the leader, then kill whoever is left."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while self.leader_lives() and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill until none is left; one that is being born meanwhile is met the next time.

        One that the kernel holds, in a driver for example, dies when it is let go.
        """
        deadline = time.monotonic() + HELD_SECONDS
        while self._signal(signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _signal(self, number: signal.Signals) -> bool:
        members = self.members()
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return bool(members)


class ProcessRecord(BaseModel):
    """What a run folder says of the process that fills it, for a runner that comes later.

    `also` are further runs of the same process; only the folder of the first has the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    spec_hash: str
    also: tuple[str, ...] = ()
    mark: str
    pid: int
    started: str
    launched_at: str
    owner_host: str
    owner_pid: int
    owner_started: str

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        try:
            record = cls.model_validate_json(read_bounded(folder / RECORD_FILE))
        except (OSError, ValidationError, ContractError):
            return None
        return record if record.run_id == folder.name else None

    def write(self, folder: Path) -> None:
        write_text(folder / RECORD_FILE, self.model_dump_json(indent=2) + "\n")

    @property
    def owner(self) -> Owner:
        return Owner(self.owner_host, self.owner_pid, self.owner_started)

    @property
    def group(self) -> ProcessGroup:
        return ProcessGroup(self.pid, self.started, self.mark)
