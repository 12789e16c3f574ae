"""What a GPU's energy counter read at an instant, where only an exporter's page shows it.

An exporter renews its text every collection interval T, and a value may be as old as T by then. So
three things are uncertain that are not with a driver's own counter: the first value that is renewed
after an instant may be from before it, so it is the second that counts; the steps are far apart, so
the power beside an edge matters; and whatever the age of the values is, the window is seen shifted
by it, which cancels out as far as the power before the window is that after it.
"""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_edges import Step

# The drivers of all GPUs known to have a counter renew it at least so often.
DRIVER_STEP_SECONDS = 0.1
# A power between steps is taken over at least this time; closer ones would show the driver's steps.
LEAST_POWER_SECONDS = 0.5
# Beyond this interval the exporter's power reading stands in for a third step: it costs no wait.
LONGEST_INTERVAL_FOR_STEPS_SECONDS = 2.0
# How far power readings of a GPU may be from its true power.
POWER_READING_DOUBT = 0.05

EXPORTER_REMEDY = (
    "Start the dcgm-exporter with a short collection interval: -c 100 to -c 1000 (milliseconds)."
)


@dataclass(frozen=True)
class ScrapedStep:
    """A renewal of the counter, and the power reading that came with it."""

    step: Step
    watts: float | None


@dataclass(frozen=True)
class ScrapedCourse:
    """The straight line that a counter follows beside an edge, and how sure its slope is."""

    step: Step
    milliwatts: float
    doubt_milliwatts: float

    def millijoules_at(self, seconds: float) -> float:
        return self.step.millijoules + self.milliwatts * (seconds - self.step.at_seconds)

    def doubt_millijoules_at(self, seconds: float) -> float:
        late_seconds = self.step.doubt_seconds + DRIVER_STEP_SECONDS / 2
        distance_seconds = abs(seconds - self.step.at_seconds)
        return late_seconds * self.milliwatts + distance_seconds * self.doubt_milliwatts


class ScrapedCounter:
    """The counter of one GPU, told of every answer of the exporter, and what its steps give.

    `longest_still_seconds` is how long it may stay the same before it counts as dead.
    """

    def __init__(self, uuid: str, longest_still_seconds: float) -> None:
        self.longest_still_seconds = longest_still_seconds
        self._uuid = uuid
        self._millijoules = 0
        self._asked_at: float | None = None
        self._still_since = 0.0
        self._steps: list[ScrapedStep] = []

    def watch(self) -> None:
        """Forget the steps. The next value is where the next step is counted from."""
        self._asked_at = None
        self._steps = []

    def see(
        self, millijoules: int, watts: float | None, asked_at: float, answered_at: float
    ) -> None:
        """Take what the exporter answered between two times of the monotonic clock.

        Raises:
            MeterFault: the counter went backwards, or stays the same for too long.
        """
        if millijoules < self._millijoules:
            lost = (self._millijoules - millijoules) / 1000
            raise MeterFault(
                f"the energy counter of {self._uuid} went backwards by {lost:g} J:"
                " the driver of the serving host was reloaded or the GPU reset",
                "Look at nvidia-smi and the kernel log of the serving host, and run the row again.",
                "counter_reset",
            )
        if self._asked_at is None:
            self._still_since = answered_at
        elif millijoules > self._millijoules:
            doubt = (answered_at - self._asked_at) / 2
            step = Step(millijoules, self._asked_at + doubt, doubt)
            self._steps.append(ScrapedStep(step, watts))
            self._still_since = answered_at
        elif asked_at - self._still_since > self.longest_still_seconds:
            raise MeterFault(
                f"the exporter has shown the same energy of {self._uuid} for"
                f" {asked_at - self._still_since:.1f} s",
                EXPORTER_REMEDY,
                "counter_stuck",
            )
        self._millijoules, self._asked_at = millijoules, asked_at

    @property
    def last_step_at(self) -> float | None:
        return self._steps[-1].step.at_seconds if self._steps else None

    def interval_seconds(self, wanted: int) -> float | None:
        """The usual time between steps; None while fewer than `wanted` of them have passed."""
        if len(self._steps) <= wanted:
            return None
        times = [seen.step.at_seconds for seen in self._steps]
        return statistics.median(b - a for a, b in itertools.pairwise(times))

    def course_until_now(self, interval_seconds: float) -> ScrapedCourse | None:
        """Through the last step, with the power up to it; None while too little was seen."""
        course = self._course(interval_seconds)
        return course and ScrapedCourse(
            self._steps[-1].step, course.milliwatts, course.doubt_milliwatts
        )

    def course_from_start(self, interval_seconds: float) -> ScrapedCourse | None:
        """Through the first step that is surely from after `watch`, with the power after it."""
        return self._course(interval_seconds)

    def _course(self, interval_seconds: float) -> ScrapedCourse | None:
        """Through the second step: the value of the first may be from before `watch`."""
        if len(self._steps) < 2:
            return None
        second = self._steps[1]
        if interval_seconds > LONGEST_INTERVAL_FOR_STEPS_SECONDS and second.watts is not None:
            milliwatts = second.watts * 1000
            return ScrapedCourse(second.step, milliwatts, milliwatts * POWER_READING_DOUBT)
        return _course_through([seen.step for seen in self._steps[1:]])


def _course_through(steps: Sequence[Step]) -> ScrapedCourse | None:
    first = steps[0]
    for step in steps[1:]:
        seconds = step.at_seconds - first.at_seconds
        if seconds >= LEAST_POWER_SECONDS:
            milliwatts = (step.millijoules - first.millijoules) / seconds
            late_seconds = first.doubt_seconds + step.doubt_seconds + DRIVER_STEP_SECONDS
            return ScrapedCourse(first, milliwatts, milliwatts * late_seconds / seconds)
    return None
