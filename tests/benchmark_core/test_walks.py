"""The samples of a pass, one by one and several at a time."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Barrier, Event
from typing import Any

import pytest

from benchmark_core.backends.base import SampleResult, TriedSample, Unusable
from benchmark_core.backends.walks import in_flight, one_by_one, threads
from benchmark_core.faults import MemoryFault, ServerFault
from benchmark_core.kinds import MeasuredPass

STEP = MeasuredPass("forward")
Walk = Callable[..., Iterator[TriedSample]]


def several(run: Any, prepared: Any, step: MeasuredPass) -> Iterator[TriedSample]:
    return in_flight(run, prepared, step, 3, lambda: None)


def result(sample: Any, step: MeasuredPass) -> SampleResult:
    if isinstance(sample, Exception):
        raise sample
    return SampleResult(sample, 1, "stop")


@pytest.mark.parametrize("walk", [one_by_one, several])
def test_a_bad_sample_fails_alone(walk: Walk) -> None:
    samples = [
        7,
        Unusable("no picture"),
        ValueError("odd"),
        MemoryFault("too large", "Free it."),
        9,
    ]
    found = sorted(walk(result, samples, STEP))
    assert [tried.number for tried in found] == [1, 2, 3, 4, 5]
    assert [tried.result and tried.result.prompt_tokens for tried in found] == [
        *(7, None, None, None, 9),
    ]
    errors = ["", "no picture", "ValueError: odd", "too large", ""]
    assert [tried.error for tried in found] == errors
    assert [tried.memory_remedy for tried in found] == [None, None, None, "Free it.", None]
    assert all(tried.started_at <= tried.ended_at for tried in found)


@pytest.mark.parametrize("walk", [one_by_one, several])
def test_what_ends_the_run_ends_the_pass(walk: Walk) -> None:
    with pytest.raises(ServerFault):
        list(walk(result, [7, ServerFault("gone", "Start it."), *range(50)], STEP))


def test_one_by_one_each_begins_where_the_last_ended() -> None:
    found = list(one_by_one(result, [1, 2, 3], STEP))
    for earlier, later in pairwise(found):
        assert later.started_at == earlier.ended_at


def test_so_many_are_under_way_at_a_time_and_come_as_they_end() -> None:
    together, first_may_end = Barrier(3), Event()

    def run(sample: int, step: MeasuredPass) -> SampleResult:
        together.wait(30)
        if sample == 1:
            first_may_end.wait(30)
        return SampleResult(sample, 1, "stop")

    walk = in_flight(run, [1, 2, 3], STEP, 3, lambda: None)
    early = [next(walk), next(walk)]
    first_may_end.set()
    (late,) = walk
    assert {tried.number for tried in early} == {2, 3}
    assert late.number == 1
    assert late.started_at < min(tried.ended_at for tried in early)


def test_the_others_are_told_to_end_and_none_is_begun() -> None:
    """The one that ends the run waits for the other, which would never end by itself."""
    begun, told = [], Event()
    other = Event()

    def run(sample: int, step: MeasuredPass) -> SampleResult:
        begun.append(sample)
        if sample == 1:
            other.wait(30)
            raise ServerFault("gone", "Start it.")
        other.set()
        assert told.wait(30)
        raise ServerFault("told", "None.")

    with pytest.raises(ServerFault, match="gone"):
        list(in_flight(run, list(range(1, 50)), STEP, 2, told.set))
    assert sorted(begun) == [1, 2]


def test_a_reader_that_leaves_ends_them_too() -> None:
    told = Event()

    def run(sample: int, step: MeasuredPass) -> SampleResult:
        if sample > 1:
            assert told.wait(30)
        return SampleResult(sample, 1, "stop")

    walk = in_flight(run, [1, 2, 3, 4], STEP, 2, told.set)
    assert next(walk).number == 1
    walk.close()
    assert told.is_set()


def test_a_signal_waits_for_nothing_that_is_under_way() -> None:
    told, release = Event(), Event()
    with pytest.raises(KeyboardInterrupt), threads(1, told.set) as pool:
        under_way = pool.submit(release.wait, 60)
        waiting = pool.submit(release.wait, 60)
        raise KeyboardInterrupt
    assert not under_way.done()
    release.set()
    assert told.is_set()
    assert waiting.cancelled()


def test_one_bad_sample_gives_nothing_up() -> None:
    """As in a warm-up, which then takes the next one."""
    told = Event()
    with pytest.raises(ValueError), threads(1, told.set) as pool:
        pool.submit(result, ValueError("odd"), STEP).result()
    assert not told.is_set()


def test_a_sample_has_its_own_time() -> None:
    def run(sample: float, step: MeasuredPass) -> SampleResult:
        time.sleep(sample)
        return SampleResult(1, 1, "stop")

    found = sorted(in_flight(run, [0.3, 0.3], STEP, 2, lambda: None))
    assert all(tried.ended_at - tried.started_at >= 0.3 for tried in found)
    # One after the other, the second would have begun where the first ended.
    assert found[1].started_at < found[0].ended_at
