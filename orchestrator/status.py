"""How an output directory stands, read from its folders: no sweep is asked, none remembered."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, get_args

from benchmark_core.contract import JOULES_PER_WH
from benchmark_core.documents import ContractError
from benchmark_core.report.judgement import Verdict
from orchestrator.collector import without_collector
from orchestrator.errors import Problem, UsageError
from orchestrator.lease import read_lease
from orchestrator.progress import Progress
from orchestrator.pulse import PulseReader
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Record, read_record
from orchestrator.spent import added, earlier_joules, joules_of
from orchestrator.sweep_record import SweepRecord

Name = Literal["queued", "running", "finished", "failed", "interrupted", "unreadable"]
NAMES: tuple[Name, ...] = get_args(Name)

WITHOUT_JOB = "its job has ended or gives no sign of life; collect, or the same command, settles it"
WITHOUT_RUNNER = "its runner is gone; the same command again takes it over or starts it anew"


@dataclass(frozen=True)
class RunStatus:
    """One run. `started_at` has a zone; `seconds` is how long it ran, or has run.

    `error` says why it failed, was interrupted or cannot be read. `gpu_joules` is what it has drawn
    so far, earlier attempts too, as far as that was measured here.
    """

    run_id: str
    state: Name
    started_at: datetime | None = None
    seconds: float | None = None
    progress: Progress | None = None
    verdict: Verdict | None = None
    error: str = ""
    gpu_joules: float | None = None
    is_rehearsal: bool = False


@dataclass(frozen=True)
class Status:
    """Of a whole directory; `holder` names the sweep that is at work in it, None where none is."""

    directory: RunDirectory
    holder: str | None
    runs: tuple[RunStatus, ...]

    @property
    def counts(self) -> Mapping[Name, int]:
        """How many runs are in each state that occurs."""
        found = Counter(run.state for run in self.runs)
        return {name: found[name] for name in NAMES if found[name]}

    @property
    def gpu_energy_wh(self) -> float | None:
        """What all runs have drawn so far, rehearsals apart; None where nothing was measured."""
        return self._wh(is_rehearsal=False)

    @property
    def simulated_gpu_energy_wh(self) -> float | None:
        """What rehearsals make believe they have."""
        return self._wh(is_rehearsal=True)

    def _wh(self, is_rehearsal: bool) -> float | None:
        runs = (run for run in self.runs if run.is_rehearsal == is_rehearsal)
        joules = [run.gpu_joules for run in runs if run.gpu_joules is not None]
        return sum(joules) / JOULES_PER_WH if joules else None


@without_collector()
def read_status(directory: RunDirectory) -> Status:
    """The state of every run folder.

    Raises:
        UsageError: there are no run folders.
    """
    refuse_without_runs(directory)
    now = datetime.now(UTC)
    runs = [run for folder in directory.folders() if (run := _read_run(folder, now))]
    if _is_rehearsal(directory):
        # Only a report says it of its run.
        runs = [run if run.verdict else replace(run, is_rehearsal=True) for run in runs]
    return Status(directory, directory.holder(), tuple(runs))


def _is_rehearsal(directory: RunDirectory) -> bool:
    """Whether the last sweep was one."""
    try:
        return SweepRecord.read(directory.sweep_path).is_simulated
    except ContractError:
        return False


def refuse_without_runs(directory: RunDirectory) -> None:
    """Raises UsageError where this is no output directory."""
    if not directory.runs_path.is_dir():
        raise UsageError(
            Problem(
                str(directory.root), "holds no individual_runs folder", "Name an output directory."
            )
        )


def _read_run(folder: RunFolder, now: datetime) -> RunStatus | None:
    """None for a folder in which nothing was asked yet, or that a sweep is moving just now."""
    try:
        if not folder.outcome_path.exists():
            name = folder.state().name
            if name == "queued":
                return RunStatus(folder.run_id, "queued")
            if name == "running":
                return _running(folder, now)
            if name == "planned":
                return None
        record = read_record(folder)
    except ContractError as damage:
        return RunStatus(folder.run_id, "unreadable", error=str(damage))
    except FileNotFoundError:
        return None
    except OSError as closed:
        return RunStatus(folder.run_id, "unreadable", error=f"cannot be read: {closed.strerror}")
    return _over(folder, record) if record else None


def _over(folder: RunFolder, record: Record) -> RunStatus:
    outcome, launch = record.outcome, record.launch
    joules = joules_of(folder, record)
    if outcome is None:
        launched_at = _time(launch.launched_at if launch else None)
        why = WITHOUT_JOB if read_lease(folder.path) else WITHOUT_RUNNER
        return RunStatus(folder.run_id, "interrupted", launched_at, error=why, gpu_joules=joules)
    started_at = _time(outcome.started_at)
    return RunStatus(
        run_id=folder.run_id,
        state=outcome.outcome,
        started_at=started_at,
        seconds=_seconds(started_at, _time(outcome.finished_at)),
        verdict=record.verdict,
        error=outcome.error_message,
        gpu_joules=joules,
        is_rehearsal=record.report is not None and record.report.rehearsal,
    )


def _running(folder: RunFolder, now: datetime) -> RunStatus:
    launch = folder.launch()
    launched_at = _time(launch.launched_at if launch else None)
    pulse = PulseReader(folder).read()
    return RunStatus(
        run_id=folder.run_id,
        state="running",
        started_at=launched_at,
        seconds=_seconds(launched_at, now),
        progress=pulse.progress,
        gpu_joules=added(pulse.gpu_joules, earlier_joules(folder)),
    )


def _time(text: str | None) -> datetime | None:
    """None for what is no moment; a run can write anything into its folder."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return max((end - begin).total_seconds(), 0.0) if begin and end else None
