"""The jobs of runs that were left alone: found by their folders, asked for at once."""

from collections.abc import Iterable
from pathlib import Path

from orchestrator.engines.base import LeftRun
from orchestrator.engines.slurm.commands import SlurmRefusal, refused
from orchestrator.engines.slurm.handle import SlurmHandle
from orchestrator.engines.slurm.job_record import JobRecord, read_job
from orchestrator.engines.slurm.queue import Queue, QueuedJob

POLL_SECONDS = 5.0


def find_left_jobs(folders: Iterable[Path]) -> list[LeftRun]:
    """Of run folders without an outcome; those that have no job are left out.

    Raises:
        HostError: the controller does not answer.
    """
    records = [(folder, record) for folder in folders if (record := read_job(folder))]
    queue = Queue(POLL_SECONDS)
    try:
        jobs = queue.all() if records else {}
    except SlurmRefusal as refusal:
        raise refused("Slurm", refusal, "Try again once the controller answers.") from refusal
    return [
        LeftRun(
            order=(order := record.order(folder)),
            handle=SlurmHandle(record, order, queue),
            where=_where(record, jobs.get(record.job_id)),
        )
        for folder, record in records
    ]


def _where(record: JobRecord, job: QueuedJob | None) -> str:
    waits = f" ({job.reason})" if job and job.is_pending else ""
    return f"job {record.job_id} is {job.state.lower() if job else 'unknown'}{waits}"
