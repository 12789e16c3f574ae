"""Lines for pipes and logs: one when a run starts, a few while it lasts, one when it ends."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from benchmark_core.contract import Launch
from orchestrator.errors import Problem
from orchestrator.estimate import Estimate
from orchestrator.outcome import Outcome
from orchestrator.pulse import Pulse
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_picture.gpu_places import on_gpus
from orchestrator.sweep_picture.running import Running
from orchestrator.sweep_record import SweepRecord
from orchestrator.words import duration, outcome_line

SECONDS_BETWEEN_LINES = 30.0


@dataclass
class _Told:
    """A run at work, and when it had its last line, on the monotonic clock."""

    running: Running
    last_line: float


class PlainDisplay:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._record: SweepRecord | None = None
        self._forecasts: dict[str, Estimate | None] = {}
        self._numbers: dict[str, int] = {}
        self._at_work: dict[str, _Told] = {}

    def notice(self, text: str) -> None:
        self._say(text)

    def warn(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._say(f"warning: {problem}")

    def sweep_started(self, record: SweepRecord, skipped: Mapping[str, str]) -> None:
        for run_id, reason in skipped.items():
            self._say(f"skipped {run_id}: {reason}")
        self._record = record
        self._forecasts = {one.run_id: one.seconds for one in record.runs}
        at_a_time = f", up to {record.parallel} at a time" if record.parallel > 1 else ""
        self._say(f"{len(record.runs)} runs to do{at_a_time}, {len(skipped)} skipped")

    def run_started(self, run: PlannedRun, launch: Launch, adopted: bool) -> None:
        verb = "trying again" if run.run_id in self._numbers else "starting"
        self._numbers.setdefault(run.run_id, len(self._numbers) + 1)
        now = time.monotonic()
        expected = self._forecasts.get(run.run_id)
        self._at_work[run.run_id] = _Told(Running(run.run_id, (), now, expected), now)
        where = on_gpus(launch.gpu_uuids, self._record) if self._record else ""
        self._say_of(run, f"{'taking over' if adopted else verb} {run.run_id}{where}")

    def run_progressed(self, run: PlannedRun, pulse: Pulse) -> None:
        told, progress = self._at_work.get(run.run_id), pulse.progress
        now = time.monotonic()
        if not told:
            return
        told.running.feel(pulse, now)
        if not progress or now - told.last_line < SECONDS_BETWEEN_LINES:
            return
        told.last_line = now
        left = told.running.left_seconds(now)
        watts = "" if pulse.watts is None else f", {pulse.watts:,.0f} W"
        self._say_of(
            run,
            f"{run.run_id}: {progress.done} of {progress.total} samples, {progress.step}{watts}"
            + ("" if left is None else f", about {duration(left)} left"),
        )

    def run_ended(self, run: PlannedRun, outcome: Outcome, retry_seconds: float | None) -> None:
        told = self._at_work.pop(run.run_id, None)
        took = f" ({duration(time.monotonic() - told.running.began)})" if told else ""
        self._say_of(run, f"{outcome_line(outcome, retry_seconds)}{took}")
        for line in outcome.log_tail:
            self._say(f"    | {line}")

    def close(self) -> None:
        self._stream.flush()

    def _say_of(self, run: PlannedRun, text: str) -> None:
        total = len(self._record.runs) if self._record else 0
        self._say(f"[{self._numbers.get(run.run_id, 0)}/{total}] {text}")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)
