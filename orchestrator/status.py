"""How an output directory stands, read from its folders: no sweep is asked, none remembered."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from benchmark_core.collector import without_collector
from benchmark_core.documents import ContractError
from benchmark_core.report.judgement import Verdict
from orchestrator.errors import Problem, UsageError
from orchestrator.lease import read_lease
from orchestrator.progress import Progress
from orchestrator.pulse import PulseReader
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import Record, read_record
from orchestrator.spent_energy import (
    NOTHING,
    SpentEnergy,
    of_ended,
    of_under_way,
    of_unreadable,
    total,
)

Name = Literal["queued", "running", "finished", "failed", "interrupted", "unreadable"]
NAMES: tuple[Name, ...] = get_args(Name)

WITHOUT_JOB = "its job has ended or gives no sign of life; collect, or the same command, settles it"
WITHOUT_RUNNER = "its runner is gone; the same command again takes it over or starts it anew"


@dataclass(frozen=True)
class RunStatus:
    """One run. `started_at` has a zone; `seconds` is how long it ran, or has run.

    `error` says why it failed, was interrupted or cannot be read. `spent` is of all its attempts.
    """

    run_id: str
    state: Name
    started_at: datetime | None = None
    seconds: float | None = None
    progress: Progress | None = None
    verdict: Verdict | None = None
    error: str = ""
    spent: SpentEnergy = NOTHING


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
    def spent(self) -> SpentEnergy:
        """On all runs, so far."""
        return total(run.spent for run in self.runs)


@without_collector()
def read_status(directory: RunDirectory) -> Status:
    """The state of every run folder.

    Raises:
        UsageError: there are no run folders.
    """
    refuse_without_runs(directory)
    runs = read_runs(directory, directory.folders())
    return Status(directory, directory.holder(), tuple(runs))


def read_runs(directory: RunDirectory, folders: Iterable[RunFolder]) -> list[RunStatus]:
    """Those of `folders` in which something was asked."""
    now = datetime.now(UTC)
    return [run for folder in folders if (run := _read_run(folder, now))]


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
                return RunStatus(folder.run_id, "queued", spent=of_under_way(folder, None))
            if name == "running":
                return _running(folder, now)
            if name == "planned":
                return None
        record = read_record(folder)
    except ContractError as damage:
        return _unreadable(folder, str(damage))
    except FileNotFoundError:
        return None
    except OSError as closed:
        return _unreadable(folder, f"cannot be read: {closed.strerror}")
    return _over(folder, record, of_ended(folder, record)) if record else None


def _unreadable(folder: RunFolder, error: str) -> RunStatus:
    spent = of_unreadable(folder)
    return RunStatus(folder.run_id, "unreadable", error=error, spent=spent)


def _over(folder: RunFolder, record: Record, spent: SpentEnergy) -> RunStatus:
    outcome, launch = record.outcome, record.launch
    if outcome is None:
        launched_at = _time(launch.launched_at if launch else None)
        why = WITHOUT_JOB if read_lease(folder.path) else WITHOUT_RUNNER
        return RunStatus(folder.run_id, "interrupted", launched_at, error=why, spent=spent)
    started_at = _time(outcome.started_at)
    return RunStatus(
        run_id=folder.run_id,
        state=outcome.outcome,
        started_at=started_at,
        seconds=_seconds(started_at, _time(outcome.finished_at)),
        verdict=record.verdict,
        error=outcome.error_message,
        spent=spent,
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
        spent=of_under_way(folder, pulse.gpu_joules),
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
