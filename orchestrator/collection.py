"""Runs that were submitted and left alone: those that have ended get their outcome, later."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError, timestamp
from orchestrator.engines.base import Exit
from orchestrator.engines.slurm.commands import SlurmRefusal, refused
from orchestrator.engines.slurm.handle import SlurmHandle
from orchestrator.engines.slurm.job_record import JobRecord, read_job
from orchestrator.engines.slurm.queue import Queue
from orchestrator.errors import Problem
from orchestrator.master_table import MasterTable
from orchestrator.outcome import Outcome, conclude, read_report
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.status import refuse_without_runs

LOOK_SECONDS, POLL_SECONDS = 0.5, 5.0


@dataclass(frozen=True)
class Collection:
    """`concluded` are new. `under_way` says of each other run, by run_id, where its job stands."""

    concluded: tuple[Outcome, ...]
    under_way: Mapping[str, str]
    master_path: Path
    problems: tuple[Problem, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(outcome.outcome for outcome in self.concluded)


@dataclass(frozen=True)
class _Open:
    folder: RunFolder
    spec: RunSpec
    record: JobRecord
    handle: SlurmHandle


def collect(directory: RunDirectory) -> Collection:
    """Look at every job once; one that is gone is waited for, as long as its files may take.

    Raises:
        UsageError: there are no run folders.
        HostError: a sweep is at work there, Slurm does not answer, or the disk refuses.
    """
    refuse_without_runs(directory)
    queue = Queue(POLL_SECONDS)
    with directory.lock():
        directory.recover()
        runs = [one for folder in directory.folders() if (one := _open(folder, queue))]
        try:
            jobs = queue.all() if runs else {}
        except SlurmRefusal as refusal:
            raise refused("Slurm", refusal, "Try again once the controller answers.") from refusal
        ended = _ends(runs)
        concluded = [
            _conclude(directory, run, ended[run.folder.run_id])
            for run in runs
            if run.folder.run_id in ended
        ]
        under_way = {}
        for run in runs:
            if run.folder.run_id not in ended:
                job = jobs.get(run.record.job_id)
                waits = f" ({job.reason})" if job and job.is_pending else ""
                state = job.state.lower() if job else "unknown"
                under_way[run.folder.run_id] = f"job {run.record.job_id} is {state}{waits}"
        table = MasterTable(directory)
        problems = table.read_folders()
        path = table.write()
    return Collection(tuple(concluded), under_way, path, tuple(problems.values()))


def _open(folder: RunFolder, queue: Queue) -> _Open | None:
    """None for a run that has its outcome, or no job."""
    if folder.outcome_path.exists() or (record := read_job(folder.path)) is None:
        return None
    try:
        spec = RunSpec.read(folder.spec_path)
    except ContractError:
        return None
    handle = SlurmHandle(record, record.order(folder.path), queue)
    return _Open(folder, spec, record, handle)


def _ends(runs: list[_Open]) -> dict[str, Exit]:
    ended: dict[str, Exit] = {}
    while True:
        for run in runs:
            if run.folder.run_id not in ended and (found := run.handle.poll()):
                ended[run.folder.run_id] = found
        if not any(run.handle.is_missing for run in runs):
            return ended
        time.sleep(LOOK_SECONDS)


def _conclude(directory: RunDirectory, run: _Open, ended: Exit) -> Outcome:
    launch = ended.launch or run.record.order(run.folder.path).launch
    log_path = directory.logs_path / run.record.log_path.name
    returned = read_report(run.folder.report_path)
    outcome = conclude(run.spec, launch, returned, log_path, ended, None, timestamp())
    with run.folder.disk_errors():
        run.folder.record(run.spec, launch, outcome)
    run.handle.release()
    return outcome
