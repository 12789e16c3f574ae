"""What a counter that advances in steps would read at an instant between two of them.

A GPU's energy counter is renewed every 20 to 100 ms. Read once, it is wrong by up to a whole step,
which is more than a short window holds. At a step it is right. So an edge of a window is measured
from a step beside it and the power over the steps beyond that one, outside the window.
"""

import statistics
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmark_core.faults import MeterFault

# Counters are renewed at least every 100 ms on all GPUs known to have one, so one that stands
# still for longer than this is dead, not slow.
LONGEST_STILL_SECONDS = 1.0
# A power is taken between steps at least this far apart. Two steps of a counter that is renewed
# continuously are microseconds apart, and their difference would be noise.
LEAST_POWER_SECONDS = 0.01
# And the time between them may be doubted by no more than this share of it.
LARGEST_POWER_DOUBT = 0.5
# A step is sharp when it happened within this of the time it is given; or within what the driver
# allows, where it takes long to answer or is asked for many GPUs in turn. Twice that, because the
# sampling process asks too, and who comes second waits for both answers.
SHARP_SECONDS = 0.00025
SHARP_FACTOR = 2
# What answers usually take is the median of so many of the last ones: a tenth of a second's.
USUAL_ANSWERS = 32
# Of a counter that is renewed continuously, one step in this time is enough to keep.
LEAST_STEP_SECONDS = 0.001

CHECK_GPU = "Look at nvidia-smi and the kernel log, then run the row again."


@dataclass(frozen=True)
class Step:
    """A change of the counter to `millijoules`, at `at_seconds` give or take `doubt_seconds`."""

    millijoules: int
    at_seconds: float
    doubt_seconds: float


@dataclass(frozen=True)
class Course:
    """The straight line that a counter follows near an edge: through a step, with a power.

    `period_seconds` is the time from one step to the next there. `doubt_milliwatts` is what the
    uncertain times of both steps make of the power.
    """

    step: Step
    milliwatts: float
    period_seconds: float
    doubt_milliwatts: float = 0.0

    def millijoules_at(self, seconds: float) -> float:
        return self.step.millijoules + self.milliwatts * (seconds - self.step.at_seconds)

    def doubt_millijoules_at(self, seconds: float) -> float:
        distance_seconds = abs(seconds - self.step.at_seconds)
        return (
            self.step.doubt_seconds * (self.milliwatts + self.doubt_milliwatts)
            + distance_seconds * self.doubt_milliwatts
        )


class SteppingCounter:
    """The energy counter of one GPU, told of every reading, and what its steps give.

    Steps are those since `watch`; the last value is remembered for good, so that a counter which
    went backwards while nobody looked is found at the next reading.
    """

    def __init__(self, uuid: str, in_turn: int = 1) -> None:
        """`in_turn`: how many counters are read one after the other, this one included."""
        self._uuid = uuid
        self._in_turn = in_turn
        self._millijoules = 0
        self._asked_at: float | None = None
        self._still_since = 0.0
        self._answers: deque[float] = deque(maxlen=USUAL_ANSWERS)
        self._steps: list[Step] = []

    def watch(self) -> None:
        """Forget the steps. The next reading is where the next step is counted from."""
        self._asked_at = None
        self._steps = []

    def see(self, millijoules: int, asked_at: float, answered_at: float) -> None:
        """Take a reading, made between two times of the monotonic clock.

        Raises:
            MeterFault: the counter went backwards, or stands still for too long.
        """
        if millijoules < self._millijoules:
            lost = (self._millijoules - millijoules) / 1000
            raise MeterFault(
                f"the energy counter of {self._uuid} went backwards by {lost:g} J:"
                " the driver was reloaded or the GPU reset",
                CHECK_GPU,
                "counter_reset",
            )
        self._answers.append(answered_at - asked_at)
        if self._asked_at is None:
            self._still_since = answered_at
        elif millijoules > self._millijoules:
            doubt = (answered_at - self._asked_at) / 2
            self._keep(Step(millijoules, self._asked_at + doubt, doubt))
            self._still_since = answered_at
        elif asked_at - self._still_since > LONGEST_STILL_SECONDS:
            raise MeterFault(
                f"the energy counter of {self._uuid} stood still for"
                f" {asked_at - self._still_since:.1f} s",
                CHECK_GPU,
                "counter_stuck",
            )
        self._millijoules, self._asked_at = millijoules, asked_at

    def course_until_now(self, content: bool) -> Course | None:
        """Through the last sharp step, with the power before it; None while there is none.

        `content`: when there are none, the sharpest will do, however sharp they are.
        """
        return self._course(list(enumerate(self._steps))[::-1], content)

    def course_from_start(self, content: bool) -> Course | None:
        """Through the first sharp step since `watch`, with the power after it."""
        return self._course(list(enumerate(self._steps)), content)

    def next_step_from(self) -> float | None:
        """When the next step may come at the earliest, by the last two; None while not known."""
        if len(self._steps) < 2:
            return None
        last, before = self._steps[-1], self._steps[-2]
        due_at = last.at_seconds + (last.at_seconds - before.at_seconds)
        return due_at - 2 * last.doubt_seconds - before.doubt_seconds

    def _course(self, steps: Sequence[tuple[int, Step]], content: bool) -> Course | None:
        """From numbered steps that stand with the nearest to the edge first."""
        if len(steps) < 2:
            return None
        usual = statistics.median(self._answers) * (self._in_turn + 1) / 2
        limit = max(SHARP_SECONDS, SHARP_FACTOR * usual)
        dullest = max(step.doubt_seconds for _, step in steps) if content else limit
        while True:
            course = _course_through(pair for pair in steps if pair[1].doubt_seconds <= limit)
            if course or limit >= dullest:
                return course
            limit *= 2

    def _keep(self, step: Step) -> None:
        if self._steps and step.at_seconds - self._steps[-1].at_seconds < LEAST_STEP_SECONDS:
            return
        self._steps.append(step)


def _course_through(steps: Iterable[tuple[int, Step]]) -> Course | None:
    ordered = iter(steps)
    number, nearest = next(ordered, (0, None))
    if nearest is None:
        return None
    for other, step in ordered:
        seconds = abs(step.at_seconds - nearest.at_seconds)
        doubt_seconds = step.doubt_seconds + nearest.doubt_seconds
        if seconds < LEAST_POWER_SECONDS or doubt_seconds > LARGEST_POWER_DOUBT * seconds:
            continue
        milliwatts = abs(step.millijoules - nearest.millijoules) / seconds
        return Course(
            step=nearest,
            milliwatts=milliwatts,
            period_seconds=seconds / abs(other - number),
            doubt_milliwatts=milliwatts * doubt_seconds / (seconds - doubt_seconds),
        )
    return None
