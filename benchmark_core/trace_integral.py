"""Joules under power samples that come one by one, in constant memory. Pure."""

from collections.abc import Sequence

from benchmark_core.power_trace import LONGEST_EDGE_SECONDS, LONGEST_GAP_SECONDS

LARGEST_UNKNOWN_SHARE = 0.01
"""So much of the time may lie in gaps of the trace. Power in a gap is a guess, and at this size
even a guess that is half wrong changes the energy by less than the power readings are off."""


class TraceIntegral:
    """The energy of one GPU over `intervals` (start, end), in order of time and without overlap.

    Between samples the power is taken as a straight line; a sample more than a second after the
    one before leaves a gap of unknown power.
    """

    def __init__(self, intervals: Sequence[tuple[float, float]]) -> None:
        self._intervals = intervals
        self._next = 0
        self._seconds: float | None = None
        self._watts = 0.0
        self._joules = 0.0
        self._known_seconds = 0.0

    def see(self, seconds: float, watts: float) -> None:
        """Takes the next sample; one that is not later than the last is passed over."""
        earlier, earlier_watts = self._seconds, self._watts
        if earlier is None:
            earlier, earlier_watts = seconds - LONGEST_EDGE_SECONDS, watts
        elif seconds <= earlier:
            return
        self._seconds, self._watts = seconds, watts
        self._add(earlier, earlier_watts, seconds, watts)

    def joules(self) -> float | None:
        """What came together, None where too much of it is unknown. Ends the integral."""
        if self._seconds is not None:
            end = self._seconds + LONGEST_EDGE_SECONDS
            self._add(self._seconds, self._watts, end, self._watts)
            self._seconds = None
        whole = sum(end - start for start, end in self._intervals)
        unknown = whole - self._known_seconds
        return self._joules if unknown <= LARGEST_UNKNOWN_SHARE * whole else None

    def _add(self, start: float, start_watts: float, end: float, end_watts: float) -> None:
        intervals = self._intervals
        while self._next < len(intervals) and intervals[self._next][1] <= start:
            self._next += 1
        position = self._next
        while position < len(intervals) and intervals[position][0] < end:
            opened = max(start, intervals[position][0])
            closed = min(end, intervals[position][1])
            slope = (end_watts - start_watts) / (end - start)
            middle_watts = start_watts + slope * ((opened + closed) / 2 - start)
            self._joules += (closed - opened) * middle_watts
            if end - start <= LONGEST_GAP_SECONDS:
                self._known_seconds += closed - opened
            position += 1
