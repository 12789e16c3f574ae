"""The rule by which runs are placed, tried on thousands of sweeps that only exist here."""

import random
import statistics
from dataclasses import dataclass, field

import pytest

from orchestrator.makespan import MOST_PLACED, makespan_seconds, shortest_makespan_seconds
from orchestrator.placement import Placed, Room, Waiting, never_fitting, next_run

GPUS = 8
CATALOG_WIDTHS = (8,) * 12 + (4,) * 4 + (3,) * 5 + (1,) * 39
"""The rows of models.csv on GPUs of 80 GB."""


@dataclass
class SweepClock:
    """A sweep as a clock: what runs, until when, and what is expected of it."""

    total: int
    parallel: int
    waiting: list[Waiting]
    now: float = 0.0
    under_way: list[tuple[float, Waiting, float]] = field(default_factory=list)
    started: dict[str, float] = field(default_factory=dict)

    def room(self):
        used = sum(run.gpu_count for _, run, _ in self.under_way)
        assert used <= self.total and len(self.under_way) <= self.parallel
        running = [Placed(run.gpu_count, expected) for _, run, expected in self.under_way]
        return Room(self.total, self.total - used, running, self.parallel)

    def start_all(self, truth):
        while (index := next_run(self.waiting, self.room(), self.now)) is not None:
            run = self.waiting.pop(index)
            assert run.run_id not in self.started
            self.started[run.run_id] = self.now
            expected = None if run.seconds is None else self.now + run.seconds
            self.under_way.append((self.now + truth[run.run_id], run, expected))

    def end_one(self):
        first = min(self.under_way, key=lambda entry: entry[0])
        self.under_way.remove(first)
        self.now = first[0]

    def finish(self, truth):
        self.start_all(truth)
        while self.under_way:
            self.end_one()
            self.start_all(truth)
        return self.now


def lengths(generator, widths, most_seconds):
    """Unequal, and none so long that it alone decides."""
    return [
        Waiting(f"run_{index}", width, min(generator.lognormvariate(6, 1), most_seconds))
        for index, width in enumerate(widths)
    ]


def attainable(runs, total):
    """A bound that also knows that runs over half the GPUs follow each other."""
    full = sum(run.seconds for run in runs if run.gpu_count == total)
    others = max((run.seconds for run in runs if run.gpu_count < total), default=0)
    halves = sum(run.seconds for run in runs if run.gpu_count * 2 == total) / 2
    wide = sum(run.seconds for run in runs if run.gpu_count * 2 > total)
    return max(shortest_makespan_seconds(runs, total, total), full + others, wide + halves)


def test_the_catalog_of_60_rows_takes_at_most_a_twentieth_longer_than_the_bound():
    generator = random.Random(7)
    for _ in range(100):
        runs = lengths(generator, CATALOG_WIDTHS, 3000)
        bound = max(
            max(run.seconds for run in runs),
            sum(run.seconds * run.gpu_count for run in runs) / GPUS,
        )
        assert makespan_seconds(runs, GPUS, GPUS) <= 1.05 * bound


def test_any_mixture_comes_near_what_can_be_reached():
    generator = random.Random(11)
    ratios = []
    for _ in range(200):
        widths = generator.choices(
            (1, 2, 3, 4, 5, 8), (5, 1, 1, 1, 1, 1), k=generator.randint(20, 90)
        )
        runs = lengths(generator, widths, 20000)
        ratios.append(makespan_seconds(runs, GPUS, GPUS) / attainable(runs, GPUS))
    assert statistics.mean(ratios) < 1.03
    assert max(ratios) < 1.3


def test_a_long_narrow_run_does_not_wait_for_wide_ones():
    generator = random.Random(3)
    for _ in range(50):
        widths = generator.choices((1, 2, 4), k=40)
        runs = [*lengths(generator, widths, 1000), Waiting("long", 1, 4000.0)]
        assert makespan_seconds(runs, GPUS, GPUS) <= 1.05 * shortest_makespan_seconds(
            runs, GPUS, GPUS
        )


def test_runs_that_are_not_as_long_as_expected_cost_little():
    generator = random.Random(5)
    ratios = []
    for _ in range(100):
        expected = lengths(generator, CATALOG_WIDTHS, 3000)
        runs = [
            Waiting(run.run_id, run.gpu_count, None if generator.random() < 0.1 else run.seconds)
            for run in expected
        ]
        truth = {run.run_id: run.seconds * generator.lognormvariate(0, 0.5) for run in expected}
        clock = SweepClock(GPUS, GPUS, runs)
        actual = [Waiting(run.run_id, run.gpu_count, truth[run.run_id]) for run in expected]
        ratios.append(clock.finish(truth) / attainable(actual, GPUS))
        assert len(clock.started) == len(expected)
    assert statistics.mean(ratios) < 1.1


def test_the_clock_of_the_forecast_is_that_of_the_sweep():
    runs = lengths(random.Random(2), CATALOG_WIDTHS, 3000)
    truth = {run.run_id: run.seconds for run in runs}
    for parallel in (1, 3, 8):
        sweep = SweepClock(GPUS, parallel, list(runs)).finish(truth)
        assert makespan_seconds(runs, GPUS, parallel) == pytest.approx(sweep)
    assert makespan_seconds(runs, GPUS, 1) == pytest.approx(sum(truth.values()))


def test_more_runs_than_are_placed_one_by_one_have_the_bound():
    runs = lengths(random.Random(4), (1,) * (MOST_PLACED + 1), 3000)
    bound = shortest_makespan_seconds(runs, GPUS, GPUS)
    assert makespan_seconds(runs, GPUS, GPUS) == bound
    assert makespan_seconds(runs[1:], GPUS, GPUS) == pytest.approx(bound, rel=0.02)


def test_a_wide_run_that_comes_back_gets_the_next_gpus():
    """A stream of narrow runs must not hold it up beyond those that already run."""
    runs = [Waiting(f"narrow_{index}", 1, 100.0 - index) for index in range(80)]
    clock = SweepClock(GPUS, GPUS, list(runs))
    truth = {run.run_id: run.seconds for run in runs} | {"wide": 10.0}
    clock.start_all(truth)
    clock.end_one()
    clock.waiting.append(Waiting("wide", 8, 10.0))
    latest = max(ends_at for ends_at, _, _ in clock.under_way)
    clock.finish(truth)
    assert clock.started["wide"] == latest


def test_what_ends_before_the_wide_run_can_start_fills_the_gap():
    running = [Placed(4, 100.0)]
    room = Room(8, 4, running, 8)
    wide = Waiting("wide", 8, 500.0)
    assert next_run([wide, Waiting("long", 1, 101.0)], room, 0.0) is None
    assert next_run([wide, Waiting("short", 1, 99.0)], room, 0.0) == 1
    five = Waiting("five", 5, 500.0)
    assert next_run([five, Waiting("beside", 3, 300.0)], room, 0.0) == 1


def test_a_run_over_its_time_is_taken_to_end_at_any_moment():
    wide, narrow = Waiting("wide", 8, 50.0), Waiting("narrow", 1, 1.0)
    for ends_at in (5.0, None):
        room = Room(8, 4, [Placed(4, ends_at)], 8)
        assert next_run([wide, narrow], room, 10.0) is None


def test_gpus_that_others_hold_are_not_waited_for():
    wide, narrow = Waiting("wide", 8, 50.0), Waiting("narrow", 1, 1.0)
    assert next_run([wide, narrow], Room(8, 7, [], 8), 0.0) == 1


def test_one_at_a_time_a_run_held_up_by_others_is_next_when_they_have_left():
    waiting = [Waiting("wide", 2, 50.0), *(Waiting(f"n{index}", 1, 9.0) for index in range(4))]
    taken = []
    for free in (1, 1, 2, 1, 1):
        index = next_run(waiting, Room(2, free, [], 1), 0.0)
        taken.append(waiting.pop(index).run_id)
    assert taken == ["n0", "n1", "wide", "n2", "n3"]


def test_a_run_waits_for_its_time():
    waiting = [Waiting("again", 1, 50.0, not_before=30.0)]
    room = Room(8, 8, [], 8)
    assert next_run(waiting, room, 29.9) is None
    assert next_run(waiting, room, 30.0) == 0


def test_when_gpus_leave_service_the_rest_goes_on_and_what_cannot_is_told():
    waiting = [Waiting("wide", 8, 50.0), Waiting("four", 4, 5.0), Waiting("narrow", 1, 1.0)]
    room = Room(7, 7, [], 8)
    assert list(never_fitting(waiting, 7)) == [0]
    assert next_run(waiting, room, 0.0) == 1
    assert next_run(waiting[:1], room, 0.0) is None


def test_no_more_runs_at_a_time_than_asked_for():
    waiting = [Waiting("a", 1, 1.0), Waiting("b", 1, 9.0)]
    assert next_run(waiting, Room(8, 7, [Placed(1, 5.0)], 1), 0.0) is None
    assert next_run(waiting, Room(8, 8, [], 1), 0.0) == 0, "one at a time keeps the order"
    assert next_run(waiting, Room(8, 8, [], 2), 0.0) == 1, "several: the longest first"


def test_runs_without_gpus_are_placed_too():
    runs = [Waiting(f"run_{index}", 0, 10.0) for index in range(6)]
    assert makespan_seconds(runs, 0, 1) == 60.0
    assert makespan_seconds(runs, 0, 3) == 20.0
