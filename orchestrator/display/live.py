"""The live view of a terminal: runs at work, queue, failures, energy; ended runs scroll above."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice

from rich.console import Console
from rich.text import Text

from benchmark_core.contract import Launch
from orchestrator.display.console import PlainSpokenConsole
from orchestrator.display.live_view import LiveView
from orchestrator.display.sweep_drawing import COLOURS
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.pulse import Pulse
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_picture.tally import SweepTally
from orchestrator.sweep_record import SweepRecord
from orchestrator.words import duration, outcome_line

MOST_SKIPPED = 20
"""Named at the start; nobody reads thousands of lines that scroll away."""
MOST_KEPT = 200
"""Lines that are shown again when the terminal was resized; more than most are high."""


class LiveDisplay:
    """Progress is only counted where it is told; drawing is the work of a thread of its own."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or PlainSpokenConsole()
        self._said: deque[Text] = deque(maxlen=MOST_KEPT)
        self._began: dict[str, float] = {}
        self._tally: SweepTally | None = None
        self._view: LiveView | None = None

    def notice(self, text: str) -> None:
        self._say(Text(text))

    def warn(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._say(Text.assemble(("warning:", "yellow"), f" {problem}"))

    def sweep_started(self, record: SweepRecord, skipped: Mapping[str, str]) -> None:
        for run_id, reason in islice(skipped.items(), MOST_SKIPPED):
            self._say(Text.assemble(("skipped", "dim"), f" {run_id}: {reason}"))
        if len(skipped) > MOST_SKIPPED:
            self._say(Text.assemble(("skipped", "dim"), f" {len(skipped) - MOST_SKIPPED} more"))
        if record.runs:
            self._tally = tally = SweepTally(record, time.monotonic())
            self._view = LiveView(
                self._console, lambda: tally.picture(time.monotonic()), self._said
            )

    def run_started(self, run: PlannedRun, launch: Launch, adopted: bool) -> None:
        now = time.monotonic()
        began = now - _age_seconds(launch) if adopted else now
        self._began[run.run_id] = began
        if self._tally:
            self._tally.started(run.run_id, launch.gpu_uuids, began, bool(launch.rehearsal))
        if adopted:
            self._say(Text.assemble(("taking over", "dim"), f" {run.run_id}"))

    def run_progressed(self, run: PlannedRun, pulse: Pulse) -> None:
        if self._tally:
            self._tally.progressed(run.run_id, pulse, time.monotonic())

    def run_ended(self, run: PlannedRun, outcome: Outcome, retry_seconds: float | None) -> None:
        now = time.monotonic()
        seconds = now - self._began.pop(run.run_id, now)
        if self._tally:
            why = outcome.error_message
            self._tally.ended(run.run_id, outcome.outcome, why, retry_seconds, seconds)
        line = Text.assemble(
            ("● ", COLOURS[outcome.outcome]),
            outcome_line(outcome, retry_seconds),
            (f" {duration(seconds)}", "dim"),
        )
        self._say(line, *(Text(f"    │ {words}", "dim") for words in outcome.log_tail))

    def close(self) -> None:
        if self._view:
            self._view.close()

    def _say(self, *lines: Text) -> None:
        self._said.extend(lines)
        if self._view:
            self._view.say(lines)
        else:
            for line in lines:
                self._console.print(line, highlight=False)


def _age_seconds(launch: Launch) -> float:
    launched_at = datetime.fromisoformat(launch.launched_at)
    return max((datetime.now(UTC) - launched_at).total_seconds(), 0.0)
