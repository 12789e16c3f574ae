"""The program of a job on its node: `python -m orchestrator.engines.slurm.job RUN_DIR`.

It starts the run, keeps the lease of the run folder, and stops the run when Slurm says so. The
folder is all that it knows of its submitter and all that it answers to.
"""

import os
import sys
import time
from pathlib import Path

from benchmark_core.atomic_file import write_text
from benchmark_core.contract import LAUNCH_FILE, OUTCOME_FILE, SPEC_FILE, RunSpec
from benchmark_core.documents import ContractError, timestamp
from orchestrator.engines.base import Handle, Order
from orchestrator.engines.slurm.given_gpus import GivenGpu, driver_gpus, given_indices, made_up_gpus
from orchestrator.engines.slurm.held_lease import HeldLease, put_away
from orchestrator.engines.slurm.job_record import JobRecord, read_job
from orchestrator.engines.slurm.place import Place, StopSignal
from orchestrator.engines.slurm.runtimes.base import RuntimeSettings
from orchestrator.engines.slurm.runtimes.registry import RUNTIMES
from orchestrator.engines.slurm.submission import TERM_SECONDS
from orchestrator.errors import BatchRunnerError, HostError, Problem
from orchestrator.exit import Exit, ExitCause
from orchestrator.host_runs import runs_beside
from orchestrator.hub_token import find_token
from orchestrator.lease import Lease, LeaseEnd, read_lease
from orchestrator.passed_variables import leads_to_hub

RECORD_SECONDS = 60.0
"""How long the job's record may take to be seen on the node."""
LOOK_SECONDS = 0.1
NEWS_SECONDS = 0.5
"""How long Slurm's signal may come after that to the run's own processes."""
MOST_RESTARTS = 1
SIGNAL_CODES = (130, 137, 143)


def main(arguments: list[str]) -> int:
    stop = StopSignal()
    stop.listen()
    folder, place = Path(arguments[0]), Place.of(os.environ)
    record = _own_record(folder, place, stop)
    if record is None:
        sys.stderr.write(f"{folder} is not the folder of job {place.job_id}; nothing was run\n")
    elif not _is_over(folder, place):
        JobStart(folder, record, place, stop).make()
    return 0


class JobStart:
    """One start of the job, which is one attempt of its run: the first, or the one after its node
    was lost."""

    def __init__(self, folder: Path, record: JobRecord, place: Place, stop: StopSignal) -> None:
        self._folder = folder
        self._record = record
        self._place = place
        self._stop = stop
        self._began = time.monotonic()

    def make(self) -> None:
        """From what a lost attempt left to the end of this one. Raises OSError on a full disk."""
        lease = self._lease()
        try:
            runtime = RUNTIMES[self._record.runtime](self._runtime_settings())
            runtime.remove_orphans()
            if read_lease(self._folder) is not None:
                put_away(self._folder)
            if self._place.restarts > MOST_RESTARTS:
                what = f"was requeued {self._place.restarts} times, and {MOST_RESTARTS} is allowed"
                raise Lost(Problem(f"job {self._place.job_id}", what, "Start the run again."))
            lease = self._lease(self._given_gpus())
            held = HeldLease(self._folder, lease)
            held.take()
            handle = runtime.start(self._complete_order(lease))
        except BatchRunnerError as error:
            cause: ExitCause = "lost" if isinstance(error, Lost) else "not_started"
            HeldLease(self._folder, lease).end(LeaseEnd(cause=cause, detail=str(error)))
            return
        ended = self._watch(handle, held)
        handle.release()
        if ended is not None:
            held.end(ended)

    def _lease(self, gpus: tuple[GivenGpu, ...] = ()) -> Lease:
        now = timestamp()
        return Lease(
            job_id=self._place.job_id,
            restarts=self._place.restarts,
            node=self._place.node,
            gpu_uuids=tuple(gpu.uuid for gpu in gpus),
            simulated_gpus=any(gpu.simulated for gpu in gpus),
            runs_beside=runs_beside(),
            started_at=now,
            heartbeat_at=now,
        )

    def _runtime_settings(self) -> RuntimeSettings:
        home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
        return RuntimeSettings(
            record=self._record,
            node=self._place.node,
            token=find_token(os.environ, home),
            environment={name: text for name, text in os.environ.items() if leads_to_hub(name)},
        )

    def _given_gpus(self) -> tuple[GivenGpu, ...]:
        wanted = self._record.gpu_count
        if not wanted:
            return ()
        indices = given_indices(os.environ)
        if not indices and self._place.restarts:
            # Seen with jobs whose node was lost while they began; a new job gets its GPUs.
            what = "started the job again after its node was lost, without its GPUs"
            raise Lost(Problem(f"Slurm, node {self._place.node}", what, "Run the row again."))
        if len(indices) != wanted:
            what = f"gave {len(indices)} GPUs, and the run needs {wanted}"
            remedy = "See that gres.conf names the device files of the GPUs."
            raise HostError(Problem(f"Slurm, node {self._place.node}", what, remedy))
        spec = _read_spec(self._folder)
        if spec.device.kind == "simulated":
            return made_up_gpus(self._place.node, indices)
        return driver_gpus(indices)

    def _complete_order(self, lease: Lease) -> Order:
        """With the GPUs in the launch, which the run and everybody else reads them from."""
        order = self._record.order(self._folder)
        launch = order.launch.model_copy(
            update={
                "gpu_uuids": lease.gpu_uuids,
                "runs_beside": lease.runs_beside,
                "launched_at": lease.started_at,
                "rehearsal": lease.simulated_gpus or order.launch.rehearsal,
            }
        )
        write_text(self._folder / LAUNCH_FILE, launch.to_json())
        return self._record.order(self._folder)

    def _watch(self, handle: Handle, held: HeldLease) -> LeaseEnd | None:
        """How the run ended; None when a later attempt has taken the folder meanwhile."""
        limit = self._record.order(self._folder).launch.timeout_seconds
        while (ended := handle.poll()) is None:
            if self._stop.came:
                return self._told_to_stop(handle.stop())
            if limit is not None and time.monotonic() - self._began > limit:
                why = f"stopped after {limit:g} s. Raise --timeout, or lower --num-prompts."
                return _end(handle.stop(), "timeout", why)
            if not held.renew():
                handle.stop()
                return None
            time.sleep(LOOK_SECONDS)
        if ended.code in SIGNAL_CODES and self._stop.wait(NEWS_SECONDS):
            return self._told_to_stop(ended)
        # An engine that stayed away loses this run alone: the next one may get another node.
        return _end(ended, "lost" if ended.cause == "vanished" else ended.cause, ended.detail)

    def _told_to_stop(self, ended: Exit) -> LeaseEnd:
        minutes = self._record.time_limit_minutes
        warned = minutes * 60 - 2 * TERM_SECONDS if minutes else float("inf")
        if time.monotonic() - self._began > warned:
            why = f"Slurm's time limit of {minutes} min was over. Raise --timeout."
            return _end(ended, "timeout", why)
        why = "its job was cancelled in Slurm, or preempted"
        return _end(ended, "cancelled", why).model_copy(update={"by_signal": True})


class Lost(HostError):
    """Nothing comes of this job any more, and another one may do better."""


def _own_record(folder: Path, place: Place, stop: StopSignal) -> JobRecord | None:
    """None unless the folder names this job: a submitter that was killed wrote no name."""
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        record = read_job(folder)
        if record is not None:
            return record if record.job_id == place.job_id else None
        if time.monotonic() > deadline or stop.wait(LOOK_SECONDS):
            return None


def _is_over(folder: Path, place: Place) -> bool:
    """Whether this job did its work before it was started again, or nobody waits for it."""
    if (folder / OUTCOME_FILE).exists():
        return True
    lease = read_lease(folder)
    if lease is None or lease.job_id != place.job_id or lease.ended is None:
        return False
    return not lease.ended.by_signal


def _end(ended: Exit, cause: ExitCause, detail: str) -> LeaseEnd:
    return LeaseEnd(
        cause=cause,
        code=ended.code,
        detail=detail,
        started_at=ended.started_at,
        finished_at=ended.finished_at,
        image_digest=ended.image_digest,
    )


def _read_spec(folder: Path) -> RunSpec:
    try:
        return RunSpec.read(folder / SPEC_FILE)
    except ContractError as error:
        raise HostError(Problem(str(folder), str(error), "Start the run anew.")) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
