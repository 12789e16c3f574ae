"""The arithmetic of edges on counters whose every joule is known, without a real clock."""

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import SimpleNamespace

import pytest

from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_edges import (
    LEAST_POWER_SECONDS,
    Course,
    SteppingCounter,
)
from benchmark_core.meters.edge_rules import LONGEST_GAP_SECONDS, summed
from benchmark_core.meters.nvml import NvmlMeter
from benchmark_core.report.energy import Reading

POLL_SECONDS = 0.0002
READ_SECONDS = 0.00001
# Where the window of these tests lies; counters step at whole multiples of 0.1 s.
OPENED, CLOSED = 1.02, 1.31


def joules_until(seconds: float) -> float:
    """100 W before the window, 500 W within, 80 W after."""
    before, within, after = min(seconds, OPENED), min(seconds, CLOSED) - OPENED, seconds - CLOSED
    return 100 * before + 500 * max(within, 0) + 80 * max(after, 0)


def stepping(step_seconds: float) -> Callable[[float], int]:
    """The counter at a time, in millijoules."""
    return lambda seconds: int(
        1000 * joules_until(int(seconds / step_seconds + 1e-9) * step_seconds)
    )


def polls(begin: float, end: float) -> list[float]:
    return [begin + n * POLL_SECONDS for n in range(int((end - begin) / POLL_SECONDS))]


def show(counter: SteppingCounter, value: Callable[[float], int], times: Iterable[float]) -> None:
    for asked_at in times:
        counter.see(value(asked_at + READ_SECONDS / 2), asked_at, asked_at + READ_SECONDS)


def watched(value: Callable[[float], int], times: Iterable[float]) -> SteppingCounter:
    counter = SteppingCounter("GPU-1")
    counter.watch()
    show(counter, value, times)
    return counter


def millijoules(course: Course | None, seconds: float) -> float:
    assert course is not None
    return course.millijoules_at(seconds)


@pytest.mark.parametrize("step_seconds", [0.1, 0.02, 0.001, 0.00001])
def test_the_power_outside_a_window_does_not_leak_into_it(step_seconds: float) -> None:
    counter = watched(stepping(step_seconds), polls(0.75, OPENED))
    opened = millijoules(counter.course_until_now(False), OPENED)
    counter.watch()
    show(counter, stepping(step_seconds), polls(CLOSED, 1.55))
    closed = millijoules(counter.course_from_start(False), CLOSED)
    assert closed - opened == pytest.approx(500_000 * (CLOSED - OPENED), rel=0.002)


def test_the_steps_next_to_the_edge_decide() -> None:
    """300 W until 0.7 s, 100 W to 1.2 s, then 50 W: only 100 W is near to both edges."""

    def changing(seconds: float) -> int:
        steps = int(seconds * 10 + 1e-9)
        watts = [300] * 7 + [100] * 5 + [50] * 8
        return sum(watts[:steps]) * 100

    opened = watched(changing, polls(0.45, 0.95)).course_until_now(False)
    assert millijoules(opened, 0.95) == pytest.approx(changing(0.9) + 5000, abs=50)
    closed = watched(changing, polls(0.95, 1.65)).course_from_start(False)
    assert millijoules(closed, 0.95) == pytest.approx(changing(0.9) + 5000, abs=50)


def test_a_step_is_placed_in_the_middle_of_what_is_known_of_it() -> None:
    counter = SteppingCounter("GPU-1")
    counter.see(1000, 1.000, 1.001)
    counter.see(2000, 1.002, 1.007)
    counter.see(3000, 1.100, 1.104)
    course = counter.course_from_start(True)
    assert course is None, "a step known to within 0.1 s is no edge"
    counter.see(4000, 1.106, 1.108)
    counter.see(5000, 1.150, 1.152)
    counter.see(6000, 1.154, 1.156)
    course = counter.course_from_start(True)
    assert course is not None
    assert course.step.at_seconds == pytest.approx(1.0035)
    assert course.step.doubt_seconds == pytest.approx(0.0035)


def test_one_step_gives_no_course() -> None:
    counter = watched(stepping(0.1), polls(0.95, 1.05))
    assert counter.course_until_now(True) is None
    assert counter.course_from_start(True) is None


def test_a_continuous_counter_waits_until_its_power_is_no_noise() -> None:
    def noisy(seconds: float) -> int:
        """350 W, in lumps of 50 mJ that come with every second poll or so."""
        return int(350_000 * seconds / 50) * 50

    counter = watched(noisy, polls(0.5, 0.5 + LEAST_POWER_SECONDS / 2))
    assert counter.course_until_now(True) is None
    show(counter, noisy, polls(0.5 + LEAST_POWER_SECONDS / 2, 0.54))
    for course in (counter.course_until_now(False), counter.course_from_start(False)):
        assert course is not None
        assert course.milliwatts == pytest.approx(350_000, rel=0.02)


def test_a_step_between_distant_readings_is_passed_over() -> None:
    """The process slept from 1.395 to 1.435 s, and the step at 1.4 s is known that badly."""
    times = [t for t in polls(CLOSED, 1.65) if not 1.395 < t < 1.435]
    counter = watched(stepping(0.1), times)
    at_edge = 1000 * joules_until(CLOSED)
    assert millijoules(counter.course_from_start(False), CLOSED) == pytest.approx(at_edge, abs=100)


def test_steps_between_distant_readings_do_when_there_are_no_others() -> None:
    counter = watched(stepping(0.1), [CLOSED + n * 0.01 for n in range(30)])
    assert counter.course_from_start(False) is None
    assert counter.course_until_now(False) is None
    at_edge = 1000 * joules_until(CLOSED)
    found = millijoules(counter.course_from_start(True), CLOSED)
    assert found == pytest.approx(at_edge, abs=80 * 10)
    assert counter.course_until_now(True) is not None


@pytest.mark.parametrize(("in_turn", "sharp"), [(1, False), (8, True)])
def test_a_driver_that_answers_slowly_sets_what_is_sharp(in_turn: int, sharp: bool) -> None:
    """Each answer takes 1 ms, so with eight counters in turn one is seen every 8 ms."""
    counter = SteppingCounter("GPU-1", in_turn)
    for n in range(40):
        asked_at = CLOSED + n * 0.008
        counter.see(stepping(0.1)(asked_at), asked_at, asked_at + 0.001)
    assert (counter.course_from_start(False) is not None) is sharp


def test_the_doubt_of_a_course_grows_away_from_its_step() -> None:
    """Steps at 1.4 and 1.5 s are known to 5 ms each, so the time between them is 90 ms or more."""
    course = watched(stepping(0.1), [1.395 + n * 0.01 for n in range(20)]).course_from_start(True)
    assert course is not None
    at_step = course.doubt_millijoules_at(course.step.at_seconds)
    assert at_step == pytest.approx(8000 / 0.09 * 0.005, rel=0.01)
    earlier = course.doubt_millijoules_at(course.step.at_seconds - 0.1)
    assert earlier == pytest.approx(at_step + 8000 / 0.09 * 0.1 - 8000, rel=0.02)


def test_what_was_lost_while_nobody_watched_is_noticed() -> None:
    counter = watched(stepping(0.1), polls(0.95, 1.05))
    counter.watch()
    with pytest.raises(MeterFault, match="GPU-1 went backwards by 1 J"):
        counter.see(stepping(0.1)(1.05) - 1000, 5.0, 5.001)


def test_a_counter_may_stand_still_between_windows_but_not_in_one() -> None:
    counter = watched(lambda _: 7000, [0.0, 0.5])
    counter.watch()
    show(counter, lambda _: 7000, [3.0, 3.9])
    with pytest.raises(MeterFault, match=r"stood still for 1\.1 s"):
        counter.see(7000, 4.1, 4.2)


def test_the_energy_of_a_window_is_the_sum_over_its_devices() -> None:
    reading = summed({"first": 2.5, "second": 60}, 0.1)
    assert reading.gpu_joules_by_device == {"first": 2.5, "second": 60}
    assert reading.gpu_joules == 62.5
    assert reading.gpu_doubt_joules == 0.1


@pytest.mark.parametrize("moved", [0, -0.25])
def test_a_window_too_short_for_one_device_is_measured_on_none(moved: float) -> None:
    assert summed({"first": moved, "second": 60}, 0.1) == Reading()


class Machine:
    """Two GPUs whose power a test sets, and a clock that moves when it is read or slept on.

    The counter of `fast` is renewed ten times as often as that of `slow`.
    """

    def __init__(self) -> None:
        self.now = 0.85
        self.steps = {"fast": 0.01, "slow": 0.1}
        self._draws = {gpu: [(0.0, 0.0)] for gpu in self.steps}

    def monotonic(self) -> float:
        self.now += READ_SECONDS
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def draw(self, gpu: str, watts: float, at_seconds: float) -> None:
        self._draws[gpu].append((at_seconds, watts))

    def millijoules(self, gpu: str) -> int:
        until = int(self.now / self.steps[gpu] + 1e-9) * self.steps[gpu]
        spans = pairwise([*self._draws[gpu], (math.inf, 0.0)])
        return int(
            sum(1000 * w * max(0, min(end, until) - begin) for (begin, w), (end, _) in spans)
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    import pynvml

    machine = Machine()
    monkeypatch.setattr("benchmark_core.meters.nvml.time", machine)
    monkeypatch.setattr("benchmark_core.meters.counter_gauge.time", machine)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", str)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", str)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", machine.millijoules)
    answers = {
        "nvmlInit": None,
        "nvmlShutdown": None,
        "nvmlDeviceGetMigMode": (pynvml.NVML_DEVICE_MIG_DISABLE, pynvml.NVML_DEVICE_MIG_DISABLE),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=1),
        "nvmlDeviceGetEnforcedPowerLimit": 1,
        "nvmlDeviceGetPowerManagementDefaultLimit": 1,
        "nvmlSystemGetCudaDriverVersion": 13000,
        "nvmlDeviceGetEccMode": (1, 1),
        "nvmlDeviceGetPersistenceMode": 1,
        "nvmlDeviceGetName": "a GPU",
        "nvmlSystemGetDriverVersion": "1",
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, lambda *_, answer=answer: answer)
    return machine


@pytest.fixture
def meter(machine: Machine) -> NvmlMeter:
    meter = NvmlMeter(tuple(machine.steps), lambda: None)
    meter.start()
    return meter


def test_each_edge_follows_the_power_on_its_own_side(machine: Machine, meter: NvmlMeter) -> None:
    """While the slow counter is waited for, the power changes far from the edges of the window.

    Other meters open and close in the 20 and 30 ms beside it.
    """
    machine.draw("fast", 300, 0.0)
    machine.draw("fast", 100, 0.95)
    machine.draw("slow", 60, 0.0)
    meter.approach()
    machine.sleep(0.02)
    meter.open("window")
    opened = machine.now
    for gpu in machine.steps:
        machine.draw(gpu, 500, opened)
    machine.sleep(0.293)
    closed = machine.now
    machine.draw("fast", 80, closed)
    machine.draw("fast", 30, closed + 0.1)
    machine.draw("slow", 90, closed)
    meter.close()
    machine.sleep(0.03)
    joules = meter.read().gpu_joules_by_device
    assert joules == pytest.approx(dict.fromkeys(machine.steps, 500 * (closed - opened)), abs=0.2)


@pytest.mark.parametrize("side", ["before", "after"])
def test_an_edge_far_from_the_watched_steps_is_a_fault(
    machine: Machine, meter: NvmlMeter, side: str
) -> None:
    for gpu in machine.steps:
        machine.draw(gpu, 100, 0.0)
    late = {side: LONGEST_GAP_SECONDS + 0.1}
    meter.approach()
    machine.sleep(late.get("before", 0))
    with pytest.raises(MeterFault, match=rf"1\.1 s {side} a GPU energy window"):
        meter.open("window")
        machine.sleep(0.2)
        meter.close()
        machine.sleep(late.get("after", 0))
        meter.read()


def test_the_steps_of_a_window_come_in_order(machine: Machine, meter: NvmlMeter) -> None:
    for gpu in machine.steps:
        machine.draw(gpu, 100, 0.0)
    with pytest.raises(MeterFault, match="without an approach"):
        meter.open("window")
    meter.approach()
    with pytest.raises(MeterFault, match="closed that was never open"):
        meter.close()
    meter.open("window")
    with pytest.raises(MeterFault, match="read that was never closed"):
        meter.read()
    with pytest.raises(MeterFault, match="without an approach"):
        meter.open("window")
