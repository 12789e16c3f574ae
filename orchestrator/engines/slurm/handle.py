"""One job of ours: its own word first, the controller's only for whether it lives and where."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from benchmark_core.contract import Launch
from orchestrator.engines.base import Order
from orchestrator.engines.slurm.commands import SlurmRefusal, ask
from orchestrator.engines.slurm.job_record import JobRecord
from orchestrator.engines.slurm.queue import Queue, QueuedJob
from orchestrator.exit import Exit, ExitCause
from orchestrator.lease import Lease, read_lease
from orchestrator.outcome import log_tail

LOOK_SECONDS = 0.5
CANCEL_SECONDS = 90.0
"""Longer than Slurm waits between asking a job to end and killing it."""
CAUSE_OF_STATE: dict[str, tuple[ExitCause, str]] = {
    "OUT_OF_MEMORY": ("out_of_memory", "Slurm killed it for using more memory than it had"),
    "TIMEOUT": ("timeout", "Slurm's time limit was over. Raise --timeout"),
    "DEADLINE": ("timeout", "Slurm's deadline for the job was over"),
    "CANCELLED": ("cancelled", "its job was cancelled in Slurm"),
}
OF_ITS_NODE = ("FAILED", "NODE_FAIL")
"""States of a job whose program or node died; a job that is forgotten or preempted blames none."""


class SlurmHandle:
    """Bears the controller's absence for ever: a job that ends says so in the folder."""

    def __init__(self, record: JobRecord, order: Order, queue: Queue) -> None:
        self._record = record
        self._order = order
        self._queue = queue
        self._lease: Lease | None = None
        self._exit: Exit | None = None
        self._next_look = 0.0
        self._gone_since: float | None = None
        self._is_cancelled = False
        self._is_pending = False

    @property
    def is_missing(self) -> bool:
        """Whether the controller knows of no such living job, though no end was seen yet."""
        return self._exit is None and self._gone_since is not None

    def waits(self) -> bool:
        """Whether the job has not begun, or not begun again since its node was lost."""
        return self._exit is None and (self._lease is None or self._is_pending)

    def poll(self) -> Exit | None:
        now = time.monotonic()
        if self._exit is None and now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._exit = self._look()
        return self._exit

    def stop(self) -> Exit:
        if self.poll() is not None:
            assert self._exit is not None
            return self._exit
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline:
            with suppress(SlurmRefusal):
                self._cancel()
                if self._is_out():
                    self._exit = self._stopped()
                    return self._exit
            time.sleep(LOOK_SECONDS)
        waited = f"for {CANCEL_SECONDS:.0f} s"
        detail = f"its job {self._record.job_id} was cancelled, and did not end {waited}"
        self._exit = Exit("vanished", None, detail)
        return self._exit

    def show_stacks(self) -> None:
        """Slurm reaches the job, and not the run within its container."""

    def is_gone(self) -> bool:
        with suppress(SlurmRefusal):
            return self._is_out()
        return False

    def release(self) -> None:
        """Cancel what may still wait in the queue; the record and the lease stay, as evidence.

        A job that told its end is on its way out.
        """
        if self._lease is None or self._lease.ended is None:
            with suppress(SlurmRefusal):
                self._cancel()
        with suppress(OSError):
            if self._record.slurm_log_path.stat().st_size == 0:
                self._record.slurm_log_path.unlink()

    def _look(self) -> Exit | None:
        self._lease = self._own_lease() or self._lease
        ended = self._lease.ended if self._lease else None
        if ended and not ended.by_signal:
            return self._ended_by_itself()
        try:
            job = self._own_job()
        except SlurmRefusal:
            return None
        if job is None or job.is_over:
            return self._out_of_queue(job)
        self._gone_since, self._is_pending = None, job.is_pending
        return self._held(job)

    def _own_lease(self) -> Lease | None:
        lease = read_lease(self._order.folder)
        return lease if lease and lease.job_id == self._record.job_id else None

    def _ended_by_itself(self) -> Exit:
        assert self._lease is not None and self._lease.ended is not None
        ended = self._lease.ended
        requeued = f"requeued {self._lease.restarts} time(s)" if self._lease.restarts else ""
        return Exit(
            cause=ended.cause,
            code=ended.code,
            detail="; ".join(part for part in (ended.detail, requeued) if part),
            started_at=ended.started_at or self._lease.started_at,
            finished_at=ended.finished_at,
            image_digest=ended.image_digest,
            launch=self._launch(),
            node=None if ended.code == 0 else self._node_of_failure(),
        )

    def _node(self, job: QueuedJob | None) -> str | None:
        """By the controller's word alone, because a run can write into its folder.

        A job that came to no GPU names none: requeued, it was lost to the one before.
        """
        return (job.node or None) if job and self._lease and self._lease.gpu_uuids else None

    def _node_of_failure(self) -> str | None:
        """Asked anew: a short run may have ended since the controller was asked last."""
        with suppress(SlurmRefusal):
            return self._node(self._own_job(LOOK_SECONDS))
        return None

    def _launch(self) -> Launch | None:
        """As the job completed it: the GPUs that Slurm gave, and when it really began."""
        if self._lease is None:
            return None
        launch = self._order.launch
        return launch.model_copy(
            update={
                "gpu_uuids": self._lease.gpu_uuids,
                "runs_beside": self._lease.runs_beside,
                "launched_at": self._lease.started_at,
                "rehearsal": self._lease.simulated_gpus or launch.rehearsal,
            }
        )

    def _out_of_queue(self, job: QueuedJob | None) -> Exit | None:
        """Over for Slurm. What the job wrote last may take a moment to be seen from here."""
        if self._lease and self._lease.ended:
            return self._ended_by_itself()
        now = time.monotonic()
        self._gone_since = self._gone_since or now
        if now - self._gone_since < self._record.lost_after_seconds:
            return None
        usual: tuple[ExitCause, str] = ("lost", "Slurm knows nothing of it")
        if job:
            usual = ("lost" if self._lease else "not_started", "it ended without saying how")
        cause, why = CAUSE_OF_STATE.get(job.state if job else "", usual)
        state = f" ({job.state})" if job else ""
        detail = f"job {self._record.job_id}{state}: {why}{self._last_words()}"
        begun = self._lease.started_at if self._lease else None
        node = self._node(job) if job and job.state in OF_ITS_NODE else None
        return Exit(cause, None, detail, started_at=begun, launch=self._launch(), node=node)

    def _held(self, job: QueuedJob) -> Exit | None:
        """Slurm tells no moment, so the first look that found it held is kept beside the run."""
        now = datetime.now(UTC)
        since = (self._record.held_since or now) if job.is_held else None
        if since != self._record.held_since:
            self._record = self._record.model_copy(update={"held_since": since})
            with suppress(OSError):
                self._record.write(self._order.folder)
        if since is None:
            return None
        if (now - since).total_seconds() < self._record.held_after_seconds:
            return None
        waited = f"for {self._record.held_after_seconds:g} s"
        with suppress(SlurmRefusal):
            self._cancel()
        detail = f"job {self._record.job_id} was held {waited} ({job.reason})"
        return Exit("not_started", None, f"{detail}{self._last_words()}", launch=self._launch())

    def _last_words(self) -> str:
        lines = [line for line in log_tail(self._record.slurm_log_path) if line.strip()]
        return f". Its log ends: {lines[-1]}" if lines else ""

    def _is_out(self) -> bool:
        """Whether nothing of the job can run on; raises SlurmRefusal when nobody knows."""
        job = self._own_job(LOOK_SECONDS)
        return job is None or job.is_over

    def _own_job(self, patience_seconds: float | None = None) -> QueuedJob | None:
        """A stranger under that id, which Slurm gives again one day, is no job of ours."""
        job = self._queue.find(self._record.job_id, patience_seconds)
        known = (self._record.name, self._record.comment)
        return job if job and (job.name, job.comment) == known else None

    def _cancel(self) -> None:
        """Once, and ours alone."""
        if self._is_cancelled or self._is_out():
            return
        ask("scancel", self._record.job_id)
        self._is_cancelled = True
        self._queue.forget()

    def _stopped(self) -> Exit:
        self._lease = self._own_lease() or self._lease
        ended = self._lease.ended if self._lease else None
        if ended and not ended.by_signal:
            return self._ended_by_itself()
        return Exit(
            cause="stopped",
            code=ended.code if ended else None,
            detail="stopped by the runner",
            started_at=self._lease.started_at if self._lease else None,
            finished_at=ended.finished_at if ended else None,
            image_digest=ended.image_digest if ended else None,
            launch=self._launch(),
        )
