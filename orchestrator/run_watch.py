"""One run while it lasts: watched until it ends, or until time or the user says so."""

import time
from collections.abc import Callable
from pathlib import Path

from benchmark_core.documents import timestamp
from orchestrator.engines.base import Handle
from orchestrator.exit import Exit
from orchestrator.outcome import StopReason, read_report
from orchestrator.patience import Patience
from orchestrator.pulse import Pulse, PulseReader
from orchestrator.run_folder import RunFolder
from orchestrator.shared_loads import end_of_one
from orchestrator.stop_request import StopRequest

POLL_SECONDS = 0.05
PULSE_SECONDS = 0.5
STACKS_SECONDS = 2.0
"""How long a run that hangs has for writing down where it is."""


class RunWatch:
    """`new_patience` makes that of a run from when it began, a time with a zone; `tell` gets the
    pulse, now and then.

    With `shares_program` other runs are made by the same program, so the run's own report is its
    end, and not the program's.
    """

    def __init__(
        self,
        folder: RunFolder,
        log_path: Path,
        new_patience: Callable[[str], Patience],
        tell: Callable[[Pulse], None],
        stop: StopRequest,
        shares_program: bool,
    ) -> None:
        self._folder = folder
        self._log_path = log_path
        self._new_patience = new_patience
        self._tell = tell
        self._stop = stop
        self._shares_program = shares_program

    def follow(self, handle: Handle, began_at: str) -> tuple[Exit, StopReason | None]:
        """How it ended, and who ended it, where it was stopped from here."""
        patience: Patience | None = None
        pulse, next_pulse = PulseReader(self._folder), 0.0
        while True:
            if ended := self._end(handle):
                return ended, None
            if self._stop.level == "now":
                return handle.stop(), "user"
            if handle.waits():
                # No limit of time holds before it begins, whenever that is, or begins again.
                patience, pulse = self._new_patience(timestamp()), PulseReader(self._folder)
            else:
                patience = patience or self._new_patience(began_at)
                if time.monotonic() >= next_pulse:
                    next_pulse = time.monotonic() + PULSE_SECONDS
                    beat = pulse.read()
                    patience.hear(beat.progress.done if beat.progress else self._log_bytes())
                    self._tell(beat)
                if reason := patience.over():
                    return self._stop_late(handle, reason), reason
            time.sleep(POLL_SECONDS)

    def _end(self, handle: Handle) -> Exit | None:
        """None while it goes on."""
        # Looked at last, because a program that is over may have written it just before.
        ended = handle.poll()
        if self._shares_program and (report := read_report(self._folder.report_path).report):
            # The exit code of a program of several runs is that of its worst.
            return end_of_one(report)
        return ended

    def _log_bytes(self) -> int:
        """A run that downloads and loads has no samples yet, and says in its log how far it is."""
        try:
            return -self._log_path.stat().st_size
        except OSError:
            return 0

    def _stop_late(self, handle: Handle, reason: StopReason) -> Exit:
        if reason == "hang":
            handle.show_stacks()
            time.sleep(STACKS_SECONDS)
        return handle.stop()
