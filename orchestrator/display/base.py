"""What the engine room tells the people in front. It never prints by itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.progress import Progress
from orchestrator.run_planner import PlannedRun


class Display(Protocol):
    def notice(self, text: str) -> None:
        """Something to know that stops nothing."""

    def warn(self, problems: Sequence[Problem]) -> None:
        """Things that will not go as the user may expect."""

    def sweep_started(self, runs: Sequence[PlannedRun], skipped: Mapping[str, str]) -> None:
        """`skipped` gives the reason for each run_id that is not measured again."""

    def run_started(self, run: PlannedRun, adopted: bool) -> None:
        """`adopted`: it was already running when this runner came."""

    def run_progressed(self, run: PlannedRun, progress: Progress) -> None:
        """Called often; cheap."""

    def run_ended(self, run: PlannedRun, outcome: Outcome) -> None: ...

    def close(self) -> None:
        """Give the terminal back; called once, also after an error."""
