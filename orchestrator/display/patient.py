"""A display whose output may go away or stop moving: neither may end or hold up a sweep."""

import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from queue import SimpleQueue

from benchmark_core.contract import Launch
from orchestrator.display.base import Display
from orchestrator.errors import Problem
from orchestrator.outcome import Outcome
from orchestrator.pulse import Pulse
from orchestrator.run_planner import PlannedRun
from orchestrator.sweep_record import SweepRecord

MOST_WAITING = 1000
"""Words that wait to be shown, beyond which progress is not worth keeping."""
CLOSING_SECONDS = 5.0


class PatientDisplay:
    """Passes everything on to another display, in order, by a thread of its own.

    So one display at a time is told one thing, and nobody waits for a terminal that was halted with
    Ctrl-S. Once the other one fails to write, this one is silent.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self._gone = False
        self._words: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._speaker = threading.Thread(target=self._speak, name="display", daemon=True)
        self._speaker.start()

    def notice(self, text: str) -> None:
        self._tell(lambda: self._display.notice(text))

    def warn(self, problems: Sequence[Problem]) -> None:
        self._tell(lambda: self._display.warn(problems))

    def sweep_started(self, record: SweepRecord, skipped: Mapping[str, str]) -> None:
        self._tell(lambda: self._display.sweep_started(record, skipped))

    def run_started(self, run: PlannedRun, launch: Launch, adopted: bool) -> None:
        self._tell(lambda: self._display.run_started(run, launch, adopted))

    def run_progressed(self, run: PlannedRun, pulse: Pulse) -> None:
        if self._words.qsize() < MOST_WAITING:
            self._tell(lambda: self._display.run_progressed(run, pulse))

    def run_ended(self, run: PlannedRun, outcome: Outcome, retry_seconds: float | None) -> None:
        self._tell(lambda: self._display.run_ended(run, outcome, retry_seconds))

    def close(self) -> None:
        """Also where the output stands still; what was not shown by then is not shown."""
        self._tell(self._display.close)
        self._words.put(None)
        self._speaker.join(CLOSING_SECONDS)

    def _tell(self, say: Callable[[], None]) -> None:
        if not self._gone:
            self._words.put(say)

    def _speak(self) -> None:
        while say := self._words.get():
            try:
                if not self._gone:
                    say()
            except OSError:
                self._gone = True
            except Exception:  # noqa: BLE001 - a word that cannot be shown may not cost the next
                with suppress(OSError):
                    traceback.print_exc(file=sys.stderr)
