"""The last sweep of a directory, followed in its folders from outside."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from benchmark_core.documents import ContractError
from orchestrator.outcome import Outcome
from orchestrator.pulse import PulseReader
from orchestrator.rehearsal import is_rehearsal
from orchestrator.run_directory import RunDirectory
from orchestrator.run_folder import RunFolder
from orchestrator.run_record import read_record
from orchestrator.spent_energy import of_ended
from orchestrator.sweep_picture.picture import SweepPicture
from orchestrator.sweep_picture.tally import SweepTally
from orchestrator.sweep_record import SweepRecord

CLOCK_STEP_SECONDS = 0.1
"""How far the time of a file may lie before that of the program that wrote it."""


class SweepWatch:
    """Tells a tally what it finds. A finished run is read once, and never looked at again."""

    def __init__(self, directory: RunDirectory, record: SweepRecord) -> None:
        self._directory = directory
        self._ended_at: float | None = None
        self._began = datetime.fromisoformat(record.started_at)
        self._tally = SweepTally(record, time.monotonic() - _age_seconds(self._began))
        folders = (directory.folder(run.run_id) for run in record.runs)
        self._open = {folder.run_id: _Open(folder) for folder in folders}

    def look(self) -> None:
        """What has changed since the last look."""
        finished = [run_id for run_id, run in self._open.items() if self._look_at(run)]
        for run_id in finished:
            del self._open[run_id]

    def end(self) -> None:
        """No sweep is at work any more: what has no outcome does not run."""
        self.look()
        for run in self._open.values():
            if run.reader:
                run.reader = None
                self._tally.lost(run.folder.run_id)
        with suppress(ContractError, ValueError):
            record = SweepRecord.read(self._directory.sweep_path)
            if record.finished_at:
                age = _age_seconds(datetime.fromisoformat(record.finished_at))
                self._ended_at = time.monotonic() - age

    def picture(self) -> SweepPicture:
        """As it was when it had ended; else now."""
        return self._tally.picture(self._ended_at or time.monotonic())

    def _look_at(self, run: "_Open") -> bool:
        """Whether it is finished for good."""
        try:
            written_at = run.folder.outcome_path.stat().st_mtime
        except OSError:
            written_at = None
        if written_at is None:
            self._forget_outcome(run)
            self._follow(run)
            return False
        if written_at == run.ended_at or written_at < self._began.timestamp() - CLOCK_STEP_SECONDS:
            return False
        self._forget_outcome(run)
        return self._enter(run, written_at)

    def _forget_outcome(self, run: "_Open") -> None:
        """A run that had failed is tried again."""
        if run.ended_at is not None:
            run.ended_at = None
            self._tally.requeued(run.folder.run_id, run.outcome)

    def _follow(self, run: "_Open") -> None:
        """One that runs, since the last look or for longer."""
        folder = run.folder
        try:
            launch = folder.launch() if folder.state().name == "running" else None
        except OSError:
            return
        if launch is None:
            return
        now = time.monotonic()
        if run.reader is None or run.launched_at != launch.launched_at:
            age = _age_seconds(datetime.fromisoformat(launch.launched_at))
            run.reader, run.launched_at = PulseReader(folder), launch.launched_at
            rehearsal = bool(is_rehearsal(folder))
            self._tally.started(folder.run_id, launch.gpu_uuids, now - age, rehearsal)
        self._tally.progressed(folder.run_id, run.reader.read(), now)

    def _enter(self, run: "_Open", written_at: float) -> bool:
        """It has ended. What cannot be read yet, or ever, is tried again with the next look."""
        folder = run.folder
        try:
            record = read_record(folder)
        except (ContractError, OSError):
            return False
        if record is None or record.outcome is None:
            return False
        outcome = record.outcome
        joules = of_ended(folder, record, self._is_new).all_joules
        new = joules if joules is None else joules - run.counted
        seconds = _seconds(outcome)
        self._tally.ended(
            folder.run_id,
            outcome.outcome,
            outcome.error_message,
            seconds=seconds,
            joules=new,
            rehearsal=bool(record.rehearsal),
        )
        run.reader, run.ended_at, run.outcome = None, written_at, outcome.outcome
        run.counted += new or 0.0
        return outcome.outcome == "finished"

    def _is_new(self, attempt: RunFolder) -> bool:
        """Whether an attempt is of this sweep."""
        launch = attempt.launch()
        return launch is not None and datetime.fromisoformat(launch.launched_at) >= self._began


class _Open:
    """A run that may still change. `counted` joules are in the tally already."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.reader: PulseReader | None = None
        self.launched_at = ""
        self.ended_at: float | None = None
        self.outcome = ""
        self.counted = 0.0


def _age_seconds(moment: datetime) -> float:
    return max((datetime.now(UTC) - moment).total_seconds(), 0.0)


def _seconds(outcome: Outcome) -> float | None:
    if outcome.started_at is None:
        return None
    try:
        began = datetime.fromisoformat(outcome.started_at)
        return (datetime.fromisoformat(outcome.finished_at) - began).total_seconds()
    except (ValueError, TypeError):
        return None
