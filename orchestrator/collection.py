"""Runs that were submitted and left alone: those that have ended get their outcome, later."""

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark_core.contract import RunSpec
from benchmark_core.documents import ContractError, timestamp
from orchestrator.engines.base import LeftRun
from orchestrator.engines.registry import ENGINES
from orchestrator.errors import Problem
from orchestrator.exit import Exit
from orchestrator.master_table import MasterTable
from orchestrator.outcome import Outcome, conclude, read_report
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.status import refuse_without_runs

LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Collection:
    """`concluded` are new. `under_way` says of each other run, by run_id, where it stands."""

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
    left: LeftRun


def collect(directory: RunDirectory) -> Collection:
    """Look at every run once; one that is gone is waited for, as long as its files may take.

    Raises:
        UsageError: there are no run folders.
        HostError: a sweep is at work there, a scheduler does not answer, or the disk refuses.
    """
    refuse_without_runs(directory)
    with directory.lock():
        directory.recover()
        runs = _open(directory)
        ended = _ends(runs)
        concluded = [
            _conclude(directory, run, ended[run.folder.run_id])
            for run in runs
            if run.folder.run_id in ended
        ]
        under_way = {
            run.folder.run_id: run.left.where for run in runs if run.folder.run_id not in ended
        }
        table = MasterTable(directory)
        problems = table.read_folders()
        path = table.write()
    return Collection(tuple(concluded), under_way, path, tuple(problems.values()))


def _open(directory: RunDirectory) -> list[_Open]:
    """Runs that were left alone and have no outcome. Raises HostError."""
    open_runs = {}
    for folder in directory.folders():
        if not folder.outcome_path.exists():
            with suppress(ContractError):
                open_runs[folder.path] = folder, RunSpec.read(folder.spec_path)
    found = (left for kind in ENGINES.values() for left in kind.left_runs(open_runs))
    return [_Open(*open_runs[left.order.folder], left) for left in found]


def _ends(runs: list[_Open]) -> dict[str, Exit]:
    ended: dict[str, Exit] = {}
    while True:
        for run in runs:
            if run.folder.run_id not in ended and (found := run.left.handle.poll()):
                ended[run.folder.run_id] = found
        if not any(run.left.handle.is_missing for run in runs):
            return ended
        time.sleep(LOOK_SECONDS)


def _conclude(directory: RunDirectory, run: _Open, ended: Exit) -> Outcome:
    launch = ended.launch or run.left.order.launch
    log_path = directory.logs_path / run.left.order.log_path.name
    returned = read_report(run.folder.report_path)
    outcome = conclude(run.spec, launch, returned, log_path, ended, None, timestamp())
    with run.folder.disk_errors():
        run.folder.record(run.spec, launch, outcome)
    run.left.handle.release()
    return outcome
