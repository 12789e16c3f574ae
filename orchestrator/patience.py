"""How long a run may still take, and how long it may say nothing."""

import time
from datetime import UTC, datetime

from orchestrator.outcome import StopReason


class Patience:
    """Of one run. `hang_seconds` None: its silence means nothing, because it writes no lines.

    A run that was taken over has used some of its time already, by the wall clock; from then on
    the monotonic clock counts, which nobody sets.
    """

    def __init__(
        self, timeout_seconds: float | None, hang_seconds: float | None, launched_at: str
    ) -> None:
        self._deadline: float | None = None
        if timeout_seconds is not None:
            used = min(max(_seconds_since(launched_at), 0.0), timeout_seconds)
            self._deadline = time.monotonic() + timeout_seconds - used
        self._hang_seconds = hang_seconds
        self._heard_at = time.monotonic()
        self._sign: int | None = None

    def hear(self, sign: int) -> None:
        """A number that changes while the run is alive."""
        if sign != self._sign:
            self._sign = sign
            self._heard_at = time.monotonic()

    def over(self) -> StopReason | None:
        """Why the run is to be stopped now."""
        now = time.monotonic()
        if self._deadline is not None and now > self._deadline:
            return "timeout"
        if self._hang_seconds is not None and now > self._heard_at + self._hang_seconds:
            return "hang"
        return None


def _seconds_since(moment: str) -> float:
    """0 for what is no moment: a run can write into the file that says it."""
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
