"""The simulated driver keeps its word: every reading is checked against formulas of its own.

A reading cannot be timed exactly, so programs note the clock before and after it, and the reading
must be right for a time between the two.
"""

import itertools
import math
import shutil
import time
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support import simulated_driver
from tests.support.driver_programs import ask, finish, start

pytestmark = pytest.mark.wall_clock

MILLIJOULE = 0.001


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def joules(shape: str, seconds: float) -> float:
    """The integral of a shape since the monotonic clock began, exactly until it is rounded."""
    kind, *numbers = shape.split(":")
    at = Fraction(seconds)
    if kind == "constant":
        return float(350 * at)
    low, high, period = (Fraction(number) for number in numbers)
    periods, within = divmod(at, period)
    if kind == "square":
        high_seconds = periods * period / 2 + max(Fraction(0), within - period / 2)
        return float(low * at + (high - low) * high_seconds)
    rises = periods * period / 2 + within**2 / (2 * period)
    return float(low * at + (high - low) * rises)


def steps_between(before: float, after: float, step: float) -> list[float]:
    """The times of the last step at any time between the two."""
    return [n * step for n in range(math.floor(before / step), math.floor(after / step) + 1)]


SHAPES = ["constant", "square:100:700:0.37", "ramp:90:650:0.5"]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_counter_is_the_exact_integral_of_the_shape(driver: Path, shape: str) -> None:
    readings = ask(
        simulated_driver.environment(driver, shape=shape, step_ms=0),
        "answer = []\nfor _ in range(40): answer.append(timed(counter)); time.sleep(0.011)",
    )
    assert len(readings) == 40
    for before, value, after in readings:
        assert joules(shape, before) - MILLIJOULE <= value <= joules(shape, after)


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_accumulates_over_months_of_the_clock(driver: Path, shape: str) -> None:
    """What a window of 10 ms takes, 100 days after the start of the machine."""
    at = 8_640_000.123
    program = f"""
at = {at}
answer = [simulated_driver.joules_until(at + 0.01 * n) for n in range(100)]
"""
    told = ask(simulated_driver.environment(driver, shape=shape), program)
    for n, value in enumerate(told):
        expected = joules(shape, at + 0.01 * n) - joules(shape, at)
        assert value - told[0] == pytest.approx(expected, abs=MILLIJOULE / 100)


def test_the_counter_holds_the_joules_of_its_last_step(driver: Path) -> None:
    shape, step = "square:100:700:0.37", 0.1
    readings = ask(
        simulated_driver.environment(driver, shape=shape, step_ms=100),
        "answer = []\nfor _ in range(60): answer.append(timed(counter)); time.sleep(0.007)",
    )
    for before, value, after in readings:
        steps = [joules(shape, at) for at in steps_between(before, after, step)]
        assert any(held - MILLIJOULE <= value <= held for held in steps)
    assert len({value for _, value, _ in readings}) > 3


def test_each_device_has_its_shape_and_the_last_one_repeats(driver: Path) -> None:
    shapes = ["square:100:700:0.37", "constant"]
    environment = simulated_driver.environment(
        driver, gpus=3, shape=",".join(shapes), watts="1,350", step_ms=0
    )
    readings = ask(environment, "answer = [timed(counter, index) for index in range(3)]")
    for shape, (before, value, after) in zip([*shapes, shapes[-1]], readings, strict=True):
        assert joules(shape, before) - MILLIJOULE <= value <= joules(shape, after)


WORK_HISTORY = """
import random
draw = random.Random(7)
marks = []
for n in range(60):
    marks.append(timed(simulated_driver.work, n % 2 == 0))
    time.sleep(draw.uniform(0, 0.01))
until = time.monotonic()
"""


def bounds_of_busy_seconds(marks: list[list[float]], until: float) -> tuple[float, float]:
    """Between the shortest and the longest that the work may have been on before `until`."""
    least = most = 0.0
    for on, off in zip(marks[::2], marks[1::2], strict=True):
        least += max(0.0, min(off[0], until) - on[2])
        most += max(0.0, min(off[2], until) - on[0])
    return least, most


def test_work_counts_from_when_it_is_switched_until_it_is_switched_back(driver: Path) -> None:
    """At any time of a history, not only at its end; switching on twice changes nothing."""
    program = f"""
simulated_driver.work(False)
begun = time.monotonic()
{WORK_HISTORY}
simulated_driver.work(False)
times = [begun + (until - begun) * n / 50 for n in range(51)]
answer = [marks, times, [simulated_driver.joules_until(at) for at in times]]
"""
    marks, times, told = ask(
        simulated_driver.environment(driver, shape="work:100:600", step_ms=0), program
    )
    for at, value in zip(times, told, strict=True):
        least, most = bounds_of_busy_seconds(marks, at)
        assert 500 * least - MILLIJOULE <= value - 100 * at <= 500 * most + MILLIJOULE
    assert told[-1] - told[0] > 100 * (times[-1] - times[0]) + 1


def test_the_counter_tells_of_work_only_up_to_its_last_step(driver: Path) -> None:
    program = """
import math
answer = []
for n in range(60):
    simulated_driver.work(n % 2 == 0)
    before, value, after = timed(counter)
    steps = range(math.floor(before / 0.05), math.floor(after / 0.05) + 1)
    answer.append([value, [simulated_driver.joules_until(step * 0.05) for step in steps]])
    time.sleep(0.007)
"""
    for value, held in ask(
        simulated_driver.environment(driver, shape="work:100:600", step_ms=50), program
    ):
        assert any(until - MILLIJOULE <= value <= until for until in held)


def test_other_processes_see_the_work_of_one(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=2, shape="work:100:600", step_ms=0)
    there = "until = {}; answer = [simulated_driver.joules_until(until, n) for n in range(2)]"
    until, *worker = ask(
        environment,
        f"""
{WORK_HISTORY}
answer = [until, *(simulated_driver.joules_until(until, n) for n in range(2))]
""",
    )
    assert ask(environment, there.format(until)) == worker
    assert worker[0] > worker[1] == pytest.approx(100 * until)
    alone = simulated_driver.environment(driver, gpus=2, shape="work:100:600")
    assert ask(alone, there.format(until)) == pytest.approx([100 * until] * 2)


def test_processes_that_switch_at_the_same_time_never_tear_the_counter(driver: Path) -> None:
    environment = simulated_driver.environment(driver, shape="work:100:600", step_ms=0)
    switch = """
for n in range(4000): simulated_driver.work(n % 2 == 0)
answer = simulated_driver.joules_until(time.monotonic())
"""
    watch = """
answer = []
end = time.monotonic() + 0.3
while time.monotonic() < end: answer.append(timed(counter))
"""
    switchers = [start(environment, switch) for _ in range(2)]
    readings = finish(start(environment, watch))
    assert all(finish(switcher) > 0 for switcher in switchers)
    for (before, value, _), (_, later, after) in itertools.pairwise(readings):
        assert -MILLIJOULE <= later - value <= 600 * (after - before) + 2 * MILLIJOULE


def test_old_changes_are_forgotten_but_not_what_they_drew(driver: Path) -> None:
    program = """
before = time.monotonic()
simulated_driver.work(True)
time.sleep(0.05)
for n in range(9001): simulated_driver.work(n % 2 != 0)
answer = [before, time.monotonic()]
answer.append(simulated_driver.joules_until(answer[1]))
"""
    environment = simulated_driver.environment(driver, shape="work:100:600")
    before, after, value = ask(environment, program)
    assert 500 * 0.05 <= value - 100 * after <= 500 * (after - before)
    late = start(environment, f"answer = simulated_driver.joules_until({before})")
    assert "changed too often" in late.communicate()[1]
    assert late.returncode != 0


POWER = """
usage = lambda: pynvml.nvmlDeviceGetPowerUsage(devices[0])
answer = []
for _ in range(30):
    answer.append([timed(milliwatts, 186), timed(milliwatts, 185), timed(usage)])
    time.sleep(0.013)
"""


@pytest.mark.parametrize("scale", [1, 0.9])
def test_power_readings_are_means_that_are_renewed_in_steps(driver: Path, scale: float) -> None:
    shape = "square:100:700:0.37"
    environment = simulated_driver.environment(driver, shape=shape, power_scale=scale)
    readings = ask(environment, POWER)
    for row in readings:
        for mean_seconds, (before, value, after) in zip((0.025, 1, 1), row, strict=True):
            means = [
                (joules(shape, at) - joules(shape, at - mean_seconds)) / mean_seconds * scale
                for at in steps_between(before, after, 0.1)
            ]
            assert any(value / 1000 == pytest.approx(mean, abs=0.001) for mean in means)
    instant = {row[0][1] for row in readings}
    assert {100_000 * scale, 700_000 * scale} & instant


def test_power_follows_work(driver: Path) -> None:
    program = """
simulated_driver.work(True)
time.sleep(0.15)
answer = [milliwatts(186), milliwatts(185)]
simulated_driver.work(False)
time.sleep(0.15)
answer.append(milliwatts(186))
"""
    busy, average, idle = ask(
        simulated_driver.environment(driver, shape="work:100:600", power_step_ms=0), program
    )
    assert [busy, idle] == [600_000, 100_000]
    assert 175_000 <= average <= 600_000


WATCH_STEPS = """
answer = []
while time.monotonic() < {}: answer.append(timed(counter)); time.sleep(0.0005)
"""


def watch_steps() -> str:
    """All that are started with it see the same steps at the end, the first alone some before."""
    return WATCH_STEPS.format(time.monotonic() + 1)


def test_steps_come_late_by_the_same_in_all_processes(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=2, watts=1000, step_ms=5, jitter_ms=4)
    program = watch_steps()
    watchers = [start(environment, program) for _ in range(2)]
    late: list[dict[int, float]] = []
    for watcher in watchers:
        readings = finish(watcher)
        assert all(value / 1000 <= after for _, value, after in readings)
        steps = {value / 1000 for _, value, _ in readings}
        # The counter is rounded down, by up to a microsecond at 1000 W.
        numbers = {at: math.floor((at + 2e-6) / 0.005) for at in steps}
        late.append({number: at - number * 0.005 for at, number in numbers.items()})
        assert len(steps) == len(late[-1])
    common = late[0].keys() & late[1].keys()
    assert len(common) > 10
    assert all(late[0][step] == late[1][step] for step in common)
    seen = (late[0] | late[1]).values()
    assert -2e-6 <= min(seen) < 0.001
    assert 0.003 < max(seen) <= 0.004 + 2e-6


def test_steps_can_be_seen_later_than_they_were(driver: Path) -> None:
    environment = simulated_driver.environment(driver, watts=1000, step_ms=5, delay_ms=4)
    readings = ask(environment, watch_steps())
    behind = 0
    for before, value, after in readings:
        # The step itself is where it belongs.
        assert value / 1000 == pytest.approx(round(value / 5) * 0.005, abs=2e-6)
        assert before - 0.009 - 2e-6 <= value / 1000 <= after
        behind += value / 1000 < math.floor(before / 0.005) * 0.005 - 1e-4
    assert 0 < behind < len(readings)
