"""Windows by a driver that answers slowly, or at times not at all while its counter steps."""

import itertools
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmark_core.faults import MeterFault
from benchmark_core.meters.counter_gauge import SHARP_PATIENCE_SECONDS, CounterGauge
from tests.support import simulated_driver

ROOT = Path(__file__).parents[2]
STEP_SECONDS = 0.1
USUAL_SECONDS = 0.003
IDLE_WATTS, BUSY_WATTS = 100, 600
WINDOW_SECONDS = 0.83
# An edge waits for its patience, and for the answer that it waits for by then.
LONGEST_WAIT_SECONDS = SHARP_PATIENCE_SECONDS + 0.05

# Windows of work beside the sampling process: the true joules of each, and its reading.
PROBE = """
import json, sys, time
from pathlib import Path
from benchmark_core.meters.nvml import NvmlMeter
from tests.support import simulated_driver

meter = NvmlMeter((simulated_driver.uuid(0),), lambda: None, Path(sys.argv[1]))
meter.start()
windows = []
for number in range(3):
    time.sleep(0.037)
    meter.approach()
    meter.open("window")
    simulated_driver.work(True)
    opened = time.monotonic()
    time.sleep(0.33)
    simulated_driver.work(False)
    closed = time.monotonic()
    meter.close()
    reading = meter.read()
    joules = simulated_driver.joules_until(closed) - simulated_driver.joules_until(opened)
    windows.append([joules, reading.gpu_joules, reading.gpu_doubt_joules])
meter.stop()
print(json.dumps(windows))
"""


class SlowDriver:
    """A GPU that works at times, and a clock that moves when the driver is asked or slept on.

    `answer_seconds` tells, of a time, how long an answer takes that is asked for then. The counter
    is read in the middle of it.
    """

    def __init__(self, answer_seconds: Callable[[float], float]) -> None:
        self.now = 5.0
        self.busy_seconds = [(0.0, 0.0)]
        self._answer_seconds = answer_seconds

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def joules_until(self, seconds: float) -> float:
        busy = sum(max(0.0, min(seconds, end) - begin) for begin, end in self.busy_seconds)
        return IDLE_WATTS * seconds + (BUSY_WATTS - IDLE_WATTS) * busy

    def read_counter(self, _: object) -> int:
        seconds = self._answer_seconds(self.now)
        looked_at = self.now + seconds / 2
        self.now += seconds
        return int(1000 * self.joules_until(looked_at // STEP_SECONDS * STEP_SECONDS))


def now_and_then(slow_seconds: float) -> Callable[[float], float]:
    """One answer in thirty takes so long."""
    chance = random.Random(7)
    return lambda _: slow_seconds if chance.random() < 1 / 30 else USUAL_SECONDS


def but_once(lucky_seconds: float) -> Callable[[float], float]:
    """The first answer took so long, and no other does."""
    answers = itertools.chain([lucky_seconds], itertools.repeat(USUAL_SECONDS))
    return lambda _: next(answers)


def at_each_step(stall_seconds: float) -> Callable[[float], float]:
    """The driver answers nobody for so long, from halfway before each step of the counter on."""

    def answer_seconds(asked_at: float) -> float:
        since = (asked_at + USUAL_SECONDS + stall_seconds / 2) % STEP_SECONDS
        return USUAL_SECONDS + max(0.0, stall_seconds - since)

    return answer_seconds


def gauge_on(driver: SlowDriver, monkeypatch: pytest.MonkeyPatch) -> CounterGauge:
    import pynvml

    monkeypatch.setattr(pynvml, "nvmlDeviceGetTotalEnergyConsumption", driver.read_counter)
    clock = SimpleNamespace(monotonic=driver.monotonic, sleep=driver.sleep)
    monkeypatch.setattr("benchmark_core.meters.counter_gauge.time", clock)
    return CounterGauge({"GPU-1": "GPU-1"}, None)


@pytest.mark.parametrize(
    ("answer_seconds", "usual_wait_seconds"),
    [
        (lambda _: USUAL_SECONDS, 0.2),
        (but_once(0.0001), 0.2),
        (now_and_then(0.016), 0.2),
        (now_and_then(0.025), 0.22),
        (at_each_step(0.016), LONGEST_WAIT_SECONDS),
        (at_each_step(0.018), LONGEST_WAIT_SECONDS),
        (at_each_step(0.025), LONGEST_WAIT_SECONDS),
    ],
    ids=[
        "steady",
        "lucky",
        "some 16 ms",
        "some 25 ms",
        "steps 16 ms",
        "steps 18 ms",
        "steps 25 ms",
    ],
)
def test_edges_close_soon_and_the_energy_is_true_within_its_doubt(
    answer_seconds: Callable[[float], float],
    usual_wait_seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = SlowDriver(answer_seconds)
    gauge = gauge_on(driver, monkeypatch)
    waits = []
    for number in range(60):
        driver.sleep(0.0137 * number % STEP_SECONDS)
        asked_at = driver.now
        gauge.approach()
        opened_at = driver.now
        gauge.open(opened_at)
        closed_at = opened_at + WINDOW_SECONDS
        driver.busy_seconds = [*driver.busy_seconds, (opened_at, closed_at)]
        driver.now = closed_at
        reading = gauge.read(closed_at)
        waits += [opened_at - asked_at, driver.now - closed_at]
        assert reading.gpu_joules is not None
        assert reading.gpu_doubt_joules is not None
        error = abs(reading.gpu_joules - BUSY_WATTS * WINDOW_SECONDS)
        assert error <= reading.gpu_doubt_joules + 0.01
        assert reading.gpu_doubt_joules < 0.03 * reading.gpu_joules
    assert max(waits) <= LONGEST_WAIT_SECONDS
    assert sum(waits) / len(waits) <= usual_wait_seconds


def test_a_driver_that_tells_no_step_from_the_next_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gauge = gauge_on(SlowDriver(lambda _: 3.0), monkeypatch)
    with pytest.raises(MeterFault, match="no two steps of the energy counters") as fault:
        gauge.approach()
    assert fault.value.reason == "edges_not_found"


@pytest.mark.wall_clock
@pytest.mark.parametrize(
    "waits", [{"counter_ms": "3:25:30"}, {"counter_ms": 2.5, "stall_ms": "12:18"}]
)
def test_windows_are_true_beside_the_sampling_process(
    waits: dict[str, Any], tmp_path: Path
) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    library = simulated_driver.build(tmp_path / "driver")
    shape = f"work:{IDLE_WATTS}:{BUSY_WATTS}"
    environment = simulated_driver.environment(library, shape=shape, **waits)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, tmp_path / "trace.csv"],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    for true_joules, joules, doubt_joules in json.loads(done.stdout):
        # Between the edges and the work lie instants in which a busy machine stops the process.
        assert joules == pytest.approx(true_joules, abs=doubt_joules + 0.005 * BUSY_WATTS)
