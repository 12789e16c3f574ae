"""A display whose output may go away: a closed pipe or terminal must not end a sweep."""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.display.base import Display
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.progress import Progress
from orchestrator.run_planner import PlannedRun


class PatientDisplay:
    """Passes everything on to another display until that fails to write; then it is silent."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._gone = False

    def notice(self, text: str) -> None:
        self._tell(lambda: self._display.notice(text))

    def warn(self, problems: Sequence[Problem]) -> None:
        self._tell(lambda: self._display.warn(problems))

    def sweep_started(self, runs: Sequence[PlannedRun], skipped: Mapping[str, str]) -> None:
        self._tell(lambda: self._display.sweep_started(runs, skipped))

    def run_started(self, run: PlannedRun, adopted: bool) -> None:
        self._tell(lambda: self._display.run_started(run, adopted))

    def run_progressed(self, run: PlannedRun, progress: Progress) -> None:
        self._tell(lambda: self._display.run_progressed(run, progress))

    def run_ended(self, run: PlannedRun, outcome: Outcome) -> None:
        self._tell(lambda: self._display.run_ended(run, outcome))

    def close(self) -> None:
        self._tell(self._display.close)

    def _tell(self, say: Callable[[], None]) -> None:
        if self._gone:
            return
        try:
            say()
        except OSError:
            self._gone = True
