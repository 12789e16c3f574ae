"""Lines for pipes and logs: one when a run starts, a few while it lasts, one when it ends."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

from orchestrator.display.words import duration, outcome_line
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.progress import Progress
from orchestrator.run_planner import PlannedRun

SECONDS_BETWEEN_LINES = 30.0


class PlainDisplay:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._total = 0
        self._number = 0
        self._run_began = 0.0
        self._last_line = 0.0

    def notice(self, text: str) -> None:
        self._say(text)

    def warn(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._say(f"warning: {problem}")

    def sweep_started(self, runs: Sequence[PlannedRun], skipped: Mapping[str, str]) -> None:
        for run_id, reason in skipped.items():
            self._say(f"skipped {run_id}: {reason}")
        self._total = len(runs)
        self._say(f"{len(runs)} runs to do, {len(skipped)} skipped")

    def run_started(self, run: PlannedRun, adopted: bool) -> None:
        self._number += 1
        self._run_began = self._last_line = time.monotonic()
        verb = "taking over" if adopted else "starting"
        self._say(f"[{self._number}/{self._total}] {verb} {run.run_id}")

    def run_progressed(self, run: PlannedRun, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        elapsed = now - self._run_began
        left = elapsed / max(progress.done, 1) * (progress.total - progress.done)
        self._say(
            f"[{self._number}/{self._total}] {run.run_id}: {progress.done} of {progress.total}"
            f" samples, {progress.step}, about {duration(left)} left"
        )

    def run_ended(self, run: PlannedRun, outcome: Outcome) -> None:
        took = duration(time.monotonic() - self._run_began)
        self._say(f"[{self._number}/{self._total}] {outcome_line(outcome)} ({took})")
        for line in outcome.log_tail:
            self._say(f"    | {line}")

    def close(self) -> None:
        self._stream.flush()

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
