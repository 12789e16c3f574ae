"""Bars for a terminal: the sweep, the present run, its samples, each with time left."""

import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress as Bars,
    TextColumn,
    TimeRemainingColumn,
)

from orchestrator.display.console import PlainSpokenConsole
from orchestrator.display.words import duration, outcome_line
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.progress import Progress
from orchestrator.run_planner import PlannedRun

LONGEST_NAME = 34
COLOURS = {"finished": "green", "failed": "red", "interrupted": "yellow"}


class LiveDisplay:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or PlainSpokenConsole()
        self._bars = Bars(
            TextColumn("{task.description}", markup=True),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            refresh_per_second=5,
        )
        self._sweep = self._bars.add_task("sweep", total=None, visible=False)
        self._run = self._bars.add_task("run", total=None, visible=False)
        self._pass = self._bars.add_task("pass", total=None, visible=False)
        self._began = 0.0

    def notice(self, text: str) -> None:
        self._console.print(escape(text), highlight=False)

    def warn(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._console.print(f"[yellow]warning:[/] {escape(str(problem))}", highlight=False)

    def sweep_started(self, runs: Sequence[PlannedRun], skipped: Mapping[str, str]) -> None:
        for run_id, reason in skipped.items():
            self._console.print(
                f"[dim]skipped[/] {escape(run_id)}: {escape(reason)}", highlight=False
            )
        if runs:
            self._bars.update(self._sweep, total=len(runs), visible=True)
            self._bars.start()

    def run_started(self, run: PlannedRun, adopted: bool) -> None:
        self._began = time.monotonic()
        verb = "taking over" if adopted else "loading"
        description = f"{escape(_short(run.run_id))} [dim]{verb}[/]"
        self._bars.reset(self._run, total=None, visible=True, description=description)

    def run_progressed(self, run: PlannedRun, progress: Progress) -> None:
        self._bars.update(
            self._run,
            completed=progress.done,
            total=progress.total,
            description=escape(_short(run.run_id)),
        )
        repetition = f"{progress.repetition}/{progress.repetitions}"
        self._bars.update(
            self._pass,
            completed=progress.sample,
            total=progress.samples,
            visible=True,
            description=f"  prompts [dim]{escape(progress.step)}, repetition {repetition}[/]",
        )

    def run_ended(self, run: PlannedRun, outcome: Outcome) -> None:
        colour = COLOURS[outcome.outcome]
        took = duration(time.monotonic() - self._began)
        self._console.print(
            f"[{colour}]●[/] {escape(outcome_line(outcome))} [dim]{took}[/]", highlight=False
        )
        for line in outcome.log_tail:
            self._console.print(f"    [dim]│ {escape(line)}[/]", highlight=False)
        self._bars.update(self._run, visible=False)
        self._bars.reset(self._pass, visible=False)
        self._bars.advance(self._sweep)

    def close(self) -> None:
        self._bars.stop()


def _short(run_id: str) -> str:
    """A name that leaves room for its bar on 80 columns; its beginning and end tell runs apart."""
    if len(run_id) <= LONGEST_NAME:
        return run_id
    half = (LONGEST_NAME - 1) // 2
    return f"{run_id[:half]}…{run_id[-half:]}"
