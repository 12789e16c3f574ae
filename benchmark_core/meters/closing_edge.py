"""What a counter held at the end of a window, when the power changed between two of its steps.

After the window the counter is watched: its first step, and the power after that. Going back from
the step to the edge with that power is right when nothing changed in between. So it is when the
work ended at the edge: the device was synchronised there and has nothing left to do, and the power
after it is lower than any the window had.

Power that comes and goes on its own accord can change there too: then the power after the window is
one that the window has had before, or a higher one. The trace tells what the counter held at the
steps before; if the powers say that a change must have come after the edge, it is put where they
agree with it. Which of the two it was is not certain, and the difference is the doubt.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmark_core.meters.counter_edges import Course
from benchmark_core.power_trace import TraceRow

# The power from the last step inside the window up to its end may differ so much from that of the
# step before and still count as the same work, which ended at the edge.
SAME_POWER = 0.1
# A step may lie so far, as a share of the period, from where the period puts it.
GUARD_SHARE = 0.08
# No power is taken over less than this, and a counter with such steps needs no help.
LEAST_PERIOD_SECONDS = 0.02


@dataclass(frozen=True)
class Close:
    """What the counter held at the end of a window, and how far that may be off."""

    millijoules: float
    doubt_millijoules: float = 0.0


@dataclass(frozen=True)
class Opening:
    """Where the window began, and what the counter held there."""

    at_seconds: float
    millijoules: float


def close(course: Course, closed_at: float, opening: Opening, rows: Sequence[TraceRow]) -> Close:
    """The counter at `closed_at`, from its course after that and the rows of this GPU before."""
    extrapolated = course.millijoules_at(closed_at)
    period = course.period_seconds
    if period < LEAST_PERIOD_SECONDS:
        return Close(extrapolated)
    values = _values_by_step(course, rows)
    # The number of the first step after the window; that of the course is 0.
    first = min(0, 1 - math.ceil((course.step.at_seconds - closed_at) / period))
    after, before, following = (values.get(first + number) for number in (0, -1, 1))
    after_at = course.step.at_seconds + first * period
    if after is None or before is None or following is None or closed_at <= after_at - period:
        return Close(extrapolated)
    powers = _powers_within(values, first - 1, after_at - period, period, opening)
    milliwatts_after = (following - after) / period
    if not powers or not _may_go_on(milliwatts_after, powers):
        return Close(extrapolated)
    placed = _place_change(
        after_millijoules=after,
        after_at=after_at,
        step_milliwatts=(after - before) / period,
        milliwatts_before=powers[0],
        milliwatts_after=milliwatts_after,
        period=period,
        closed_at=closed_at,
    )
    return Close(placed, abs(placed - extrapolated))


def _may_go_on(milliwatts_after: float, powers: Sequence[float]) -> bool:
    """Whether the power after the window is none that only the end of the work explains."""
    return milliwatts_after >= min(powers) * (1 - SAME_POWER)


def _values_by_step(course: Course, rows: Sequence[TraceRow]) -> dict[int, float]:
    """Millijoules after each step that the rows show; the step of the course is number 0.

    Empty where a step lies elsewhere than the period says: such a counter is not regular enough.
    """
    origin, period = course.step.at_seconds, course.period_seconds
    values = {}
    for earlier, later in pairwise(row for row in rows if row.counter_joules is not None):
        if earlier.counter_joules == later.counter_joules or later.seconds > origin + period:
            continue
        since = math.ceil((earlier.seconds - origin) / period - GUARD_SHARE)
        until = math.floor((later.seconds - origin) / period + GUARD_SHARE)
        if since > until:
            return {}
        if since == until:
            values[since - 1] = 1000 * (earlier.counter_joules or 0.0)
            values[since] = 1000 * (later.counter_joules or 0.0)
    values[0] = course.step.millijoules
    values[1] = course.step.millijoules + course.milliwatts * period
    return values


def _powers_within(
    values: Mapping[int, float], number: int, at_seconds: float, period: float, opening: Opening
) -> list[float]:
    """Milliwatts of the steps of the window, from that which ends with step `number` backwards.

    The first step of the window counts from its opening, where that is long enough.
    """
    powers = []
    while number in values:
        seconds = min(period, at_seconds - opening.at_seconds)
        if seconds < LEAST_PERIOD_SECONDS:
            break
        whole = seconds == period
        if whole and number - 1 not in values:
            break
        earlier = values[number - 1] if whole else opening.millijoules
        powers.append((values[number] - earlier) / seconds)
        number, at_seconds = number - 1, at_seconds - period
    return powers


def _place_change(
    *,
    after_millijoules: float,
    after_at: float,
    step_milliwatts: float,
    milliwatts_before: float,
    milliwatts_after: float,
    period: float,
    closed_at: float,
) -> float:
    tail_seconds = after_at - closed_at
    extrapolated = after_millijoules - milliwatts_after * tail_seconds
    step_millijoules = step_milliwatts * period
    inside = (step_millijoules - milliwatts_after * tail_seconds) / (period - tail_seconds)
    if abs(inside - milliwatts_before) <= SAME_POWER * abs(milliwatts_before):
        return extrapolated
    change = milliwatts_before - milliwatts_after
    share = (step_milliwatts - milliwatts_after) / change if change else math.inf
    if not 0 <= share <= 1:
        # More than one change within the step: the mean over it is the best that is known.
        return after_millijoules - step_milliwatts * tail_seconds
    changed_at = after_at - period * (1 - share)
    if changed_at <= closed_at:
        return extrapolated
    return (
        after_millijoules
        - milliwatts_after * (after_at - changed_at)
        - milliwatts_before * (changed_at - closed_at)
    )
