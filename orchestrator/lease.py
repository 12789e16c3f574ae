"""`lease.json`: what the job of a run says of itself, in a folder that several machines share.

A lock of the kernel is not seen across machines; a heartbeat in a file is.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.documents import ContractError, Document, Frozen
from orchestrator.exit import ExitCause

JOB_FILE = "job.json"
"""What was submitted; written by whoever submitted it."""
LEASE_FILE = "lease.json"
HEARTBEAT_SECONDS = 5.0
FRESH_SECONDS = 120.0
"""Of a heartbeat: shared file systems may show a file as it was a minute ago."""


class LeaseEnd(Frozen):
    """How the attempt ended. `by_signal`: it was told to, so it may be started again elsewhere."""

    cause: ExitCause
    code: int | None = None
    detail: str = ""
    by_signal: bool = False
    started_at: str | None = None
    finished_at: str | None = None
    image_digest: str | None = None


class Lease(Document):
    """One attempt of one job. `restarts` counts how often the job was requeued before it.

    `simulated_gpus`: one of its GPUs is.
    """

    job_id: str
    restarts: int
    node: str
    gpu_uuids: tuple[str, ...] = ()
    simulated_gpus: bool = False
    runs_beside: tuple[str, ...] = ()
    started_at: str
    heartbeat_at: str
    ended: LeaseEnd | None = None

    def is_fresh(self) -> bool:
        """Whether its job was at work a moment ago, by the clocks of both machines."""
        if self.ended:
            return False
        try:
            age = datetime.now(UTC) - datetime.fromisoformat(self.heartbeat_at)
        except (ValueError, TypeError):
            return False
        return abs(age) < timedelta(seconds=FRESH_SECONDS)

    def write(self, folder: Path) -> None:
        """Raises OSError."""
        write_text(folder / LEASE_FILE, self.to_json())


def read_lease(folder: Path) -> Lease | None:
    """The lease of the newest attempt; None before the first, and where it cannot be read."""
    try:
        return Lease.read(folder / LEASE_FILE)
    except ContractError:
        return None
