"""What Slurm tells a job of itself: its variables, and its signal."""

import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Place:
    """`restarts` counts how often the job was requeued before this start."""

    job_id: str
    restarts: int
    node: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        return cls(
            job_id=environment.get("SLURM_JOB_ID", ""),
            restarts=int(environment.get("SLURM_RESTART_COUNT") or 0),
            node=environment.get("SLURMD_NODENAME") or socket.gethostname(),
        )


class StopSignal:
    """Slurm's word that the job is to end: cancelled, preempted, or at its time limit."""

    def __init__(self) -> None:
        self.came = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._note)

    def wait(self, seconds: float) -> bool:
        """Whether it has come, or comes within so long."""
        deadline = time.monotonic() + seconds
        while not self.came and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return self.came

    def _note(self, number: int, frame: object) -> None:
        self.came = True
