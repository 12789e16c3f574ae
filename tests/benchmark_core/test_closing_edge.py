"""Where a window ends between two steps of its counter, against powers whose integral is known."""

import math
from collections.abc import Callable, Sequence
from random import Random

import pytest

from benchmark_core.meters import closing_edge
from benchmark_core.meters.closing_edge import Opening
from benchmark_core.meters.counter_edges import Course, Step
from benchmark_core.power_trace import TraceRow

PERIOD = 0.1
OPENED = 10.002
Joules = Callable[[float], float]


def powers(*changes: tuple[float, float]) -> Joules:
    """The energy until a time; `changes` are times from which on so many watts are drawn."""

    def joules(seconds: float) -> float:
        ends = [at for at, _ in changes[1:]] + [math.inf]
        return sum(
            watts * max(0.0, min(seconds, end) - begin)
            for (begin, watts), end in zip(changes, ends, strict=True)
        )

    return joules


def trace(joules: Joules, until: float) -> list[TraceRow]:
    """Rows every 50 ms, as the counter shows itself: renewed at whole multiples of the period."""
    times = [OPENED - 0.5 + n * 0.0501 for n in range(int((until - OPENED + 0.5) / 0.0501))]
    return [TraceRow(at, 0, "", counter_joules=joules(step_before(at))) for at in times]


def step_before(seconds: float) -> float:
    return math.floor(seconds / PERIOD + 1e-9) * PERIOD


def close(
    joules: Joules, closed_at: float, rows: Sequence[TraceRow] | None = None, late_steps: int = 0
) -> float:
    """The joules that are found for `closed_at`; the course begins `late_steps` after the first."""
    return find(joules, closed_at, rows, late_steps).millijoules / 1000


def doubt(joules: Joules, closed_at: float) -> float:
    return find(joules, closed_at, None, 0).doubt_millijoules / 1000


def find(
    joules: Joules, closed_at: float, rows: Sequence[TraceRow] | None, late_steps: int
) -> closing_edge.Close:
    first = step_before(closed_at) + PERIOD * (1 + late_steps)
    watts = (joules(first + PERIOD) - joules(first)) / PERIOD
    course = Course(Step(round(joules(first) * 1000), first, 0.0001), watts * 1000, PERIOD)
    opening = Opening(OPENED, joules(OPENED) * 1000)
    rows = trace(joules, first + PERIOD) if rows is None else rows
    return closing_edge.close(course, closed_at, opening, rows)


@pytest.mark.parametrize("closed_at", [10.25, 10.73, 11.0301, 11.0999])
@pytest.mark.parametrize("late_steps", [0, 1, 2])
def test_work_that_ends_with_the_window(closed_at: float, late_steps: int) -> None:
    joules = powers((0, 100), (OPENED, 600), (closed_at, 90))
    assert close(joules, closed_at, late_steps=late_steps) == pytest.approx(
        joules(closed_at), abs=0.01
    )


@pytest.mark.parametrize(("before", "after"), [(700, 100), (100, 700)])
@pytest.mark.parametrize("changed_at", [10.91, 10.95, 10.99])
@pytest.mark.parametrize("closed_at", [10.92, 10.97])
def test_power_that_changes_between_the_steps_around_the_end(
    before: float, after: float, changed_at: float, closed_at: float
) -> None:
    """Within the tenth that passes for the same power, the error stays within a tenth of a step."""
    joules = powers((0, before), (10.3, after), (10.6, before), (changed_at, after))
    error = abs(close(joules, closed_at) - joules(closed_at))
    assert error <= 0.1 * max(before, after) * (closed_at - 10.9) + 0.01
    if changed_at <= closed_at:
        assert error <= 0.01


@pytest.mark.parametrize("seed", range(40))
def test_work_whose_power_goes_up_and_down_until_it_ends_with_the_window(seed: int) -> None:
    """The device is synchronised at the edge, so no change can come after it."""
    random = Random(seed)
    closed_at = random.uniform(10.3, 11.5)
    changes, at = [(0.0, 100.0)], OPENED
    while at < closed_at:
        changes.append((at, random.choice((150.0, 350.0, 650.0))))
        at += random.uniform(0.015, 0.1)
    joules = powers(*changes, (closed_at, 95.0))
    assert close(joules, closed_at) == pytest.approx(joules(closed_at), abs=0.01)


def test_where_it_is_not_certain_what_happened_there_is_a_doubt() -> None:
    moving = powers((0, 700), (10.3, 100), (10.6, 700), (10.99, 100))
    working = powers((0, 100), (OPENED, 600), (10.92, 90))
    assert doubt(moving, 10.92) == pytest.approx(600 * 0.07, abs=0.1)
    assert doubt(working, 10.92) == 0


def test_without_a_trace_the_power_after_the_window_is_all_there_is() -> None:
    joules = powers((0, 700), (10.99, 100))
    found = close(joules, 10.92, rows=[])
    assert found == pytest.approx(joules(11.0) - 100 * 0.08, abs=0.01)


def test_a_trace_whose_steps_lie_elsewhere_is_not_used() -> None:
    """Two values within what should be one step: the counter is not as regular as it seemed."""
    joules = powers((0, 700), (10.99, 100))
    shifted = [
        TraceRow(row.seconds + 0.066, 0, "", counter_joules=row.counter_joules)
        for row in trace(joules, 11.1)
    ]
    found = close(joules, 10.92, rows=shifted)
    assert found == pytest.approx(joules(11.0) - 100 * 0.08, abs=0.01)


def test_two_changes_within_one_step_give_its_mean() -> None:
    joules = powers((0, 300), (10.93, 900), (10.96, 300), (11.0, 290))
    found = close(joules, 10.95)
    mean_watts = (joules(11.0) - joules(10.9)) / PERIOD
    assert found == pytest.approx(joules(11.0) - mean_watts * 0.05, abs=0.01)


def test_a_window_shorter_than_a_step_has_only_what_came_after_it() -> None:
    joules = powers((0, 100), (OPENED, 600), (10.05, 90))
    assert close(joules, 10.05) == pytest.approx(joules(10.05), abs=0.01)


def test_a_counter_renewed_all_the_time_needs_no_trace() -> None:
    course = Course(Step(5_000_000, 20.0002, 0.0001), 350_000, 0.001)
    found = closing_edge.close(course, 20.0, Opening(19.0, 0.0), [])
    assert found.millijoules == pytest.approx(5_000_000 - 70)
