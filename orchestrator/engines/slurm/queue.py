"""What the controller says of our jobs: asked for all of them at once, and seldom."""

import threading
import time
from dataclasses import dataclass

from orchestrator.engines.slurm.commands import SlurmRefusal, ask

# Every other word that squeue has for a state means that the job may still run.
OVER = frozenset(
    (
        *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT"),
    )
)
# Begins of the reasons for which a pending job waits for a person, not for its turn.
HELD = (
    *("JobHeld", "launch failed", "DependencyNeverSatisfied", "BadConstraints", "Invalid"),
    *("PartitionDown", "PartitionInactive", "PartitionNodeLimit", "PartitionTimeLimit"),
    *("AccountNotAllowed", "QOSNotAllowed", "JobHoldMaxRequeue", "ReservationDeleted"),
    *("InactiveLimit", "user env retrieval failed"),
)
COLUMNS = "%i|%T|%j|%k|%N|%r"


@dataclass(frozen=True)
class QueuedJob:
    """`reason` says why it waits. `comment` is what it was submitted with, `node` where it is or
    was, empty while it waits."""

    job_id: str
    state: str
    name: str
    comment: str
    node: str
    reason: str

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_pending(self) -> bool:
        return self.state in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT")

    @property
    def is_held(self) -> bool:
        held = self.state in ("REQUEUE_HOLD", "SPECIAL_EXIT") or self.reason.startswith(HELD)
        return self.is_pending and held


class Queue:
    """All jobs of this user as of at most `poll_seconds` ago. For any number of threads."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._jobs: dict[str, QueuedJob] | None = None

    def find(self, job_id: str, patience_seconds: float | None = None) -> QueuedJob | None:
        """The job; None where the controller does not know it, or has forgotten it.

        Raises:
            SlurmRefusal: the controller does not answer, so nothing is known.
        """
        return self.all(patience_seconds).get(job_id)

    def all(self, patience_seconds: float | None = None) -> dict[str, QueuedJob]:
        """By job id; as `find`."""
        age = self._poll_seconds if patience_seconds is None else patience_seconds
        with self._lock:
            if time.monotonic() - self._asked_at > age:
                # The time is noted first: a controller that is away is not asked by every thread.
                self._asked_at, self._jobs = time.monotonic(), None
                self._jobs = _read(
                    ask("squeue", "--me", "--states=all", "--noheader", f"--format={COLUMNS}")
                )
            if self._jobs is None:
                raise SlurmRefusal("the controller did not answer a moment ago")
            return self._jobs

    def forget(self) -> None:
        """Ask anew the next time: something was submitted or cancelled."""
        with self._lock:
            self._asked_at = float("-inf")


def _read(text: str) -> dict[str, QueuedJob]:
    rows = (line.split("|", 5) for line in text.splitlines())
    jobs = (QueuedJob(*(cell.strip() for cell in row)) for row in rows if len(row) == 6)
    return {job.job_id: job for job in jobs}
