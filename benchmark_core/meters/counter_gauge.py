"""The energy of windows by the driver's counters, both edges aligned to their steps."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark_core.faults import MeterFault
from benchmark_core.meters.closing_edge import Opening, close
from benchmark_core.meters.counter_edges import CHECK_GPU, Course, SteppingCounter
from benchmark_core.meters.edge_rules import MISUSE, Edge, refuse_gap, summed
from benchmark_core.meters.nvml_devices import driver_faults
from benchmark_core.power_trace import TraceRow, tail
from benchmark_core.report.energy import Reading

# What the driver answers for an unsigned 64-bit value that it does not have.
NO_VALUE = 2**64 - 1

# Between two rounds of readings. A loop without a pause is not faster where it counts: the system
# stops a process that never rests for milliseconds at a time, and a step there is not sharp.
POLL_SECONDS = 0.0001
# So long before the next step may come the counters are read again; until then nothing is.
WAKE_SECONDS = 0.004
# For so long an edge waits for steps that are sharp: for three of the slowest counters, so that one
# may fall onto a slow answer. More would not help where every step does.
SHARP_PATIENCE_SECONDS = 0.3
# And for so much longer for any two.
LONGEST_SEARCH_SECONDS = 10.0
# How much of the trace before the end of a window is looked at, in steps of the counter.
STEPS_BEFORE_CLOSE = 12


class CounterGauge:
    """One counter for each device of `handles`, by UUID.

    A counter advances in steps, so `approach` waits for two steps of every device before the
    window, and `read` for two after it: 0.1 to 0.2 s each with steps of 100 ms. From the step
    nearest to the edge a constant power is assumed up to the edge, that between the two steps. At
    the end of a window the trace at `trace_path` tells whether the power changed in between, see
    `closing_edge`. An edge a second or more from the watching is a fault.

    A window that comes out at zero or less on any device was too short for that: its GPU energy is
    None, because 0 would be wrong and the other devices alone would understate it. Windows of 2 ms
    are measured where the power is steady around them.
    """

    method = "energy counter, both edges aligned to its steps"
    integrated = False

    def __init__(self, handles: Mapping[str, Any], trace_path: Path | None) -> None:
        self._handles = dict(handles)
        self._trace_path = trace_path
        self._counters = {uuid: SteppingCounter(uuid, len(handles)) for uuid in handles}
        self._approached: Edge[Course] | None = None
        self._opened: Edge[Course] | None = None
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._read_counters()

    def approach(self) -> None:
        self._opened = None
        courses = self._await_courses(SteppingCounter.course_until_now)
        self._approached = Edge(courses, time.monotonic())

    def open(self, at_seconds: float) -> None:
        approached, self._approached = self._approached, None
        if approached is None:
            raise MeterFault("a GPU energy window was opened without an approach", MISUSE)
        refuse_gap(at_seconds - approached.at_seconds, "before")
        self._opened = Edge(approached.courses, at_seconds)

    def read(self, closed_at: float) -> Reading:
        opened, self._opened = self._opened, None
        if opened is None:
            raise MeterFault("a GPU energy window was read that was never open", MISUSE)
        refuse_gap(time.monotonic() - closed_at, "after")
        closed = Edge(self._await_courses(SteppingCounter.course_from_start), closed_at)
        openings = {
            uuid: Opening(opened.at_seconds, course.millijoules_at(opened.at_seconds))
            for uuid, course in opened.courses.items()
        }
        rows = self._rows_before(closed)
        ends = {
            uuid: close(course, closed_at, openings[uuid], rows[number])
            for number, (uuid, course) in enumerate(closed.courses.items())
        }
        self._last = {uuid: end.millijoules / 1000 for uuid, end in ends.items()}
        if not self._first:
            self._first = {uuid: edge.millijoules / 1000 for uuid, edge in openings.items()}
        return summed(
            {
                uuid: (end.millijoules - openings[uuid].millijoules) / 1000
                for uuid, end in ends.items()
            },
            _doubt_joules(opened)
            + _doubt_joules(closed)
            + sum(end.doubt_millijoules for end in ends.values()) / 1000,
        )

    def total(self) -> Reading:
        """From the first opening to the last close."""
        return summed({uuid: self._last[uuid] - self._first[uuid] for uuid in self._last}, None)

    def _rows_before(self, closed: Edge[Course]) -> Sequence[Sequence[TraceRow]]:
        """What the trace holds of the end of the window, for each device."""
        rows: list[list[TraceRow]] = [[] for _ in self._counters]
        longest = max(course.period_seconds for course in closed.courses.values())
        if self._trace_path is None:
            return rows
        for row in tail(self._trace_path, closed.at_seconds - STEPS_BEFORE_CLOSE * longest):
            if row.gpu < len(rows):
                rows[row.gpu].append(row)
        return rows

    def _await_courses(
        self, course: Callable[[SteppingCounter, bool], Course | None]
    ) -> dict[str, Course]:
        """Read all counters until each has stepped often enough to have a course."""
        for counter in self._counters.values():
            counter.watch()
        patient_until = time.monotonic() + SHARP_PATIENCE_SECONDS
        while True:
            self._read_counters()
            content = time.monotonic() > patient_until
            courses = {
                uuid: found
                for uuid, counter in self._counters.items()
                if (found := course(counter, content))
            }
            if len(courses) == len(self._counters):
                return courses
            if time.monotonic() > patient_until + LONGEST_SEARCH_SECONDS:
                raise MeterFault(
                    "no two steps of the energy counters could be told apart within"
                    f" {LONGEST_SEARCH_SECONDS:g} s",
                    "The machine is overloaded: run the row again with nothing else on it.",
                    "edges_not_found",
                )
            time.sleep(self._pause_seconds(patient_until))

    def _pause_seconds(self, patient_until: float) -> float:
        """Until shortly before the next step of any device, where all are known.

        Not beyond the end of the patience: what there is then will do.
        """
        due = [counter.next_step_from() for counter in self._counters.values()]
        known = [at for at in due if at is not None]
        if len(known) < len(due):
            return POLL_SECONDS
        now = time.monotonic()
        pause = min(known) - WAKE_SECONDS - now
        return max(POLL_SECONDS, min(pause, patient_until - now) if now < patient_until else pause)

    def _read_counters(self) -> None:
        import pynvml

        for uuid, counter in self._counters.items():
            with driver_faults(f"the energy counter of {uuid} cannot be read"):
                asked_at = time.monotonic()
                millijoules = pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handles[uuid])
                answered_at = time.monotonic()
            if not 0 <= millijoules < NO_VALUE:
                raise MeterFault(
                    f"the energy counter of {uuid} holds no value",
                    CHECK_GPU,
                    "counter_without_value",
                )
            counter.see(millijoules, asked_at, answered_at)


def _doubt_joules(edge: Edge[Course]) -> float:
    """What the uncertain times of the steps make of the energy, all devices together."""
    courses = edge.courses.values()
    return sum(course.doubt_millijoules_at(edge.at_seconds) for course in courses) / 1000
