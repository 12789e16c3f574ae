"""What goes wrong on the simulated driver when it is told to, and what else it answers."""

import itertools
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support import simulated_driver
from tests.support.driver_programs import ask, start

pytestmark = pytest.mark.wall_clock


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


FAULTS = """
answer = [
    [
        refused(counter, index),
        milliwatts(185, index),
        milliwatts(186, index),
        refused(pynvml.nvmlDeviceGetPowerUsage, devices[index]),
    ]
    for index in range(2)
]
"""
NOT_SUPPORTED, UNKNOWN = {"error": 3}, {"error": 999}
STEADY = [350_000, 350_000, 350_000]


def test_power_may_be_missing(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=2, fault="no_power", fault_gpu=1)
    (joules_left, *left), (joules_right, *right) = ask(environment, FAULTS)
    assert left == STEADY
    assert right == [NOT_SUPPORTED] * 3
    assert joules_left == joules_right > 0


def test_power_may_be_no_number_from_a_time_on(driver: Path) -> None:
    faults = {gpu: f"nan_power:{seconds}" for gpu, seconds in enumerate((0, 3600))}
    for fault in faults.values():
        environment = simulated_driver.environment(driver, gpus=2, fault=fault)
        for energy, average, instant, usage in ask(environment, FAULTS):
            assert energy > 0
            if fault == faults[1]:
                assert [average, instant, usage] == STEADY
            else:
                assert math.isnan(average)
                assert math.isnan(instant)
                assert usage == UNKNOWN


def test_several_things_may_go_wrong(driver: Path) -> None:
    environment = simulated_driver.environment(
        driver, gpus=2, fault="no_energy;nan_power:3600;no_power", fault_gpu=0
    )
    (energy, *power), (other_energy, *other_power) = ask(environment, FAULTS)
    assert [energy, *power] == [NOT_SUPPORTED] * 4
    assert other_energy > 0
    assert other_power == STEADY


WAITS = """
import time

handle = devices[0]
pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
answer = []
for _ in range(90):
    asked_at = time.monotonic()
    joules = pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    answer.append([asked_at, time.monotonic() - asked_at])
asked_at = time.monotonic()
for _ in range(90):
    pynvml.nvmlDeviceGetTemperature(handle, 0)
answer.append([asked_at, time.monotonic() - asked_at])
"""


def test_answers_about_the_counter_may_be_slow(driver: Path) -> None:
    environment = simulated_driver.environment(driver, counter_ms="2:30:15")
    *answers, (_, others_seconds) = ask(environment, WAITS)
    slow = [number for number, (_, seconds) in enumerate(answers) if seconds >= 0.03]
    assert min(seconds for _, seconds in answers) >= 0.002
    assert 3 <= len(slow) < 45
    assert len({b - a for a, b in itertools.pairwise(slow)}) > 1, "they come at random"
    assert others_seconds < 90 * 0.002


def test_nobody_is_answered_while_the_driver_stalls(driver: Path) -> None:
    """From 20 ms before each step of the counter on, for 50 ms."""
    environment = simulated_driver.environment(driver, counter_ms=1, stall_ms="20:50")
    *answers, _ = ask(environment, WAITS)
    for asked_at, seconds in answers:
        assert seconds >= 0.05 - (asked_at + 0.02) % 0.1 - 1e-6
    assert max(seconds for _, seconds in answers) >= 0.04


TROUBLES = """
def limits(device):
    return [
        read(device) / 1000
        for read in (
            pynvml.nvmlDeviceGetEnforcedPowerLimit,
            pynvml.nvmlDeviceGetPowerManagementLimit,
            pynvml.nvmlDeviceGetPowerManagementDefaultLimit,
        )
    ]

answer = [
    [
        [p.pid for p in pynvml.nvmlDeviceGetComputeRunningProcesses(device)],
        len(pynvml.nvmlDeviceGetGraphicsRunningProcesses(device)),
        pynvml.nvmlDeviceGetCurrentClocksEventReasons(device),
        pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(device),
        limits(device),
    ]
    for device in devices
]
"""
UNTROUBLED = [[], 0, 0, 0, [700, 700, 700]]
TROUBLED = [[4242], 0, 0x40, 0x40, [500, 500, 700]]


@pytest.mark.parametrize(
    ("span", "faulty", "expected"),
    [
        ("0:3600", {}, [TROUBLED, TROUBLED]),
        ("0", {"fault_gpu": 1}, [UNTROUBLED, TROUBLED]),
        ("3600:7200", {}, [UNTROUBLED, UNTROUBLED]),
    ],
)
def test_troubles_come_at_their_time_to_their_device(
    driver: Path, span: str, faulty: dict[str, object], expected: list[Any]
) -> None:
    begin = span.split(":")[0]
    environment = simulated_driver.environment(
        driver, gpus=2, foreign=span, throttle=span, limit_change=f"{begin}:500", **faulty
    )
    assert ask(environment, TROUBLES) == expected


def test_troubles_end(driver: Path) -> None:
    environment = simulated_driver.environment(driver, foreign="0:0.2", throttle="0:0.2")
    assert ask(environment, f"time.sleep(0.21)\n{TROUBLES}") == [UNTROUBLED]


def test_a_foreign_process_is_described_like_any(driver: Path) -> None:
    program = """
(process,) = pynvml.nvmlDeviceGetComputeRunningProcesses_v3(devices[0])
answer = [process.pid, process.usedGpuMemory, process.gpuInstanceId, process.computeInstanceId]
"""
    told = ask(simulated_driver.environment(driver, foreign="0"), program)
    assert told == [4242, 2**30, 2**32 - 1, 2**32 - 1]


def test_seconds_count_from_the_first_process_that_shares_the_state(driver: Path) -> None:
    """A later one finds the limit changed as soon as it starts."""
    environment = simulated_driver.environment(driver, limit_change="0.3:500")
    ask(environment, "time.sleep(0.31); answer = 0")
    assert ask(environment, TROUBLES)[0][4] == [500, 500, 700]
    again = simulated_driver.environment(driver, limit_change="0.3:500")
    assert again["AIES_SIM_STATE"] != environment["AIES_SIM_STATE"]
    assert simulated_driver.environment(driver, state="/x")["AIES_SIM_STATE"] == "/x"


CELSIUS = "answer = pynvml.nvmlDeviceGetTemperature(devices[0], 0)"


@pytest.mark.parametrize(
    ("celsius", "expected"), [(None, 45), ("61", 61), ("30:90:0.000001", 90), ("30:90:1e9", 30)]
)
def test_the_temperature_stays_or_goes_on_its_course(
    driver: Path, celsius: str | None, expected: int
) -> None:
    told = {} if celsius is None else {"celsius": celsius}
    assert ask(simulated_driver.environment(driver, **told), CELSIUS) == expected


def test_the_temperature_rises_steadily(driver: Path) -> None:
    """100 degrees a second since zero, which lies between the start and the first reading."""
    program = """
started = time.monotonic()
answer = []
for _ in range(5):
    time.sleep(0.05)
    answer.append(timed(pynvml.nvmlDeviceGetTemperature, devices[0], 0))
"""
    readings = ask(simulated_driver.environment(driver, celsius="0:6000:60"), program)
    for (before, celsius, after), (later, higher, latest) in itertools.pairwise(readings):
        assert 100 * (later - after) - 1 <= higher - celsius <= 100 * (latest - before) + 1


def test_a_device_at_rest_says_so(driver: Path) -> None:
    program = """
def told():
    rates = pynvml.nvmlDeviceGetUtilizationRates(devices[0])
    return [rates.gpu, pynvml.nvmlDeviceGetCurrentClocksEventReasons(devices[0])]
answer = [told()]
for on in (True, False):
    simulated_driver.work(on)
    answer.append(told())
"""
    told = ask(simulated_driver.environment(driver, shape="work:100:600"), program)
    assert told == [[0, 1], [100, 0], [0, 1]]


def test_the_device_answers_what_else_a_report_wants(driver: Path) -> None:
    program = """
device = devices[0]
answer = [
    pynvml.nvmlDeviceGetEccMode(device),
    pynvml.nvmlDeviceGetPersistenceMode(device),
    [pynvml.nvmlDeviceGetMaxClockInfo(device, clock) for clock in range(4)],
    pynvml.nvmlDeviceGetPowerManagementLimitConstraints(device),
    pynvml.nvmlDeviceGetTemperatureV(device, 0),
]
"""
    told = ask(simulated_driver.environment(driver), program)
    assert told == [[1, 1], 1, [1980, 1980, 2619, 1545], [200_000, 700_000], 45]


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"shape": "sawtooth:1:2:3"}, "AIES_SIM_SHAPE"),
        ({"shape": "square:100:700"}, "AIES_SIM_SHAPE"),
        ({"shape": "ramp:100:700:0"}, "period"),
        ({"fault": "no_power;no_such"}, "AIES_SIM_FAULT"),
        ({"limit_change": "5"}, "AIES_SIM_LIMIT_CHANGE"),
        ({"celsius": "30:40"}, "AIES_SIM_CELSIUS"),
        ({"step_ms": 20, "jitter_ms": 20}, "AIES_SIM_JITTER_MS"),
        ({"state": "/nowhere/state"}, "AIES_SIM_STATE"),
    ],
)
def test_nonsense_is_refused_at_once(driver: Path, behaviour: dict[str, object], said: str) -> None:
    process = start(simulated_driver.environment(driver, **behaviour), "answer = 0")
    _, complained = process.communicate()
    assert process.returncode != 0
    assert said in complained
