"""What the engine room tells the people in front. It never prints by itself."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from benchmark_core.contract import Launch
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.pulse import Pulse
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_record import SweepRecord


class Display(Protocol):
    """Whatever is told may be told by any thread."""

    def notice(self, text: str) -> None:
        """Something to know that stops nothing."""

    def warn(self, problems: Sequence[Problem]) -> None:
        """Things that will not go as the user may expect."""

    def sweep_started(self, record: SweepRecord, skipped: Mapping[str, str]) -> None:
        """`skipped` gives the reason for each run_id that is not measured again."""

    def run_started(self, run: PlannedRun, launch: Launch, adopted: bool) -> None:
        """`adopted`: it was already running when this runner came."""

    def run_progressed(self, run: PlannedRun, pulse: Pulse) -> None:
        """Called often; cheap."""

    def run_ended(self, run: PlannedRun, outcome: Outcome, retry_seconds: float | None) -> None:
        """It is tried again in `retry_seconds`; None: it is not."""

    def close(self) -> None:
        """Give the terminal back; called once, also after an error."""
