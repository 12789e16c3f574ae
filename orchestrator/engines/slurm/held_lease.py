"""The lease of the attempt at work, kept by its job: taken, renewed, and given up."""

import time
from contextlib import suppress
from pathlib import Path

from benchmark_core.contract import ATTEMPTS_DIR, LAUNCH_FILE, RUN_ENTRIES, SPEC_FILE
from benchmark_core.documents import timestamp
from orchestrator.engines.slurm.job_record import read_job
from orchestrator.lease import HEARTBEAT_SECONDS, JOB_FILE, LEASE_FILE, Lease, LeaseEnd, read_lease

KEPT = (SPEC_FILE, LAUNCH_FILE, JOB_FILE, LEASE_FILE)
STAGING = ".requeued"
TRIES = 10
TRY_SECONDS = 1.0


class HeldLease:
    """Of one attempt in one folder."""

    def __init__(self, folder: Path, lease: Lease) -> None:
        self._folder = folder
        self._lease = lease
        self._beat_at = float("-inf")

    def take(self) -> None:
        """From now on the attempt is this one; raises OSError."""
        self._lease.write(self._folder)
        self._beat_at = time.monotonic()

    def renew(self) -> bool:
        """A heartbeat, when one is due. False once a later attempt has taken the folder."""
        if time.monotonic() - self._beat_at < HEARTBEAT_SECONDS:
            return True
        self._beat_at = time.monotonic()
        if self._is_superseded():
            return False
        self._lease = self._lease.model_copy(update={"heartbeat_at": timestamp()})
        # A full disk costs a heartbeat; the next one may find room.
        with suppress(OSError):
            self._lease.write(self._folder)
        return True

    def end(self, ended: LeaseEnd) -> None:
        """Say how it ended, unless a later attempt has the folder. Raises OSError in the end."""
        lease = self._lease.model_copy(update={"ended": ended, "heartbeat_at": timestamp()})
        for number in range(1, TRIES + 1):
            if self._is_superseded():
                return
            try:
                lease.write(self._folder)
                return
            except OSError:
                if number == TRIES:
                    raise
                time.sleep(TRY_SECONDS)

    def _is_superseded(self) -> bool:
        """Whether the folder is that of a later attempt, or of another job."""
        record = read_job(self._folder)
        if record is not None and record.job_id != self._lease.job_id:
            return True
        found = read_lease(self._folder)
        if found is None:
            return False
        return found.job_id != self._lease.job_id or found.restarts > self._lease.restarts


def put_away(folder: Path) -> None:
    """Move what a lost attempt left to `attempts/N`, with copies of what the next one goes on with.

    The folder itself stays, because its job and its runner know it by its path. Each step can be
    repeated after a crash. Raises OSError.
    """
    attempts = folder / ATTEMPTS_DIR
    staging = attempts / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (folder / name).is_file() and not (staging / name).exists():
            (staging / name).write_bytes((folder / name).read_bytes())
    for name in RUN_ENTRIES:
        if name not in KEPT and ((folder / name).exists() or (folder / name).is_symlink()):
            (folder / name).rename(staging / name)
    numbers = [int(entry.name) for entry in attempts.iterdir() if entry.name.isdigit()]
    staging.rename(attempts / str(max(numbers, default=0) + 1))
