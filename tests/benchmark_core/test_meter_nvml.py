"""The real bindings on the simulated driver, whose joules are known beforehand."""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import simulated_driver
from tests.support.simulated_driver import uuid

pytestmark = pytest.mark.wall_clock

ROOT = Path(__file__).parents[2]
# What the edges of a window may be off by, together: at worst, and in most windows.
WORST_EDGE_SECONDS = 0.005
USUAL_EDGE_SECONDS = 0.0005

# Runs windows of `windows` seconds, the first of them `pause` seconds after the start. Where
# `until` is given, a window ends at so many seconds after the start instead. `between` seconds pass
# after the approach and before the reading, as if another meter opened and closed there.
PROBE = """
import json, sys, time
from benchmark_core.faults import MeterFault
from benchmark_core.meters.nvml import NvmlMeter

plan = json.loads(sys.argv[1])
answer = {"windows": [], "synchronised": 0}

def synchronise():
    answer["synchronised"] += 1

meter = NvmlMeter(tuple(plan["uuids"]), synchronise)
try:
    answer["stage"] = "start"
    meter.start()
    started = time.monotonic()
    answer["gpus"] = [gpu.model_dump() for gpu in meter.gpus()]
    answer["sources"] = meter.sources().model_dump()
    time.sleep(plan["pause"])
    for seconds in plan["windows"]:
        answer["stage"] = "approach"
        meter.approach()
        time.sleep(plan["between"])
        answer["stage"] = "open"
        meter.open("window")
        opened = time.monotonic()
        if plan["until"]:
            seconds = max(0, started + plan["until"] - opened)
        time.sleep(seconds)
        answer["stage"] = "close"
        closed = time.monotonic()
        meter.close()
        time.sleep(plan["between"])
        answer["stage"] = "read"
        reading = meter.read()
        answer["windows"].append({"seconds": closed - opened, **reading.model_dump()})
except MeterFault as fault:
    answer["fault"] = fault.message
    answer["remedy"] = fault.remedy
finally:
    meter.stop()
    meter.stop()
print(json.dumps(answer))
"""


LATE_FAULTS = [
    ("no_value", "holds no value"),
    ("reset_after", "went backwards"),
    ("stuck_after", "stood still"),
    ("lost_after", "GPU is lost"),
]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def measure(
    environment: dict[str, str],
    uuids: list[str],
    windows: list[float],
    pause: float = 0,
    until: float | None = None,
    between: float = 0,
) -> dict[str, Any]:
    plan = json.dumps(
        {
            "uuids": uuids,
            "windows": windows,
            "pause": pause,
            "until": until,
            "between": between,
        }
    )
    done = subprocess.run(
        [sys.executable, "-c", PROBE, plan],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def assert_fault(answer: dict[str, Any], stage: str, said: str) -> None:
    assert said in answer["fault"]
    assert answer["remedy"]
    assert answer["stage"] == stage
    assert answer["windows"] == []


def assert_measured(joules: float, watts: float, seconds: float) -> None:
    """With room for a machine that stops the process for milliseconds at an edge.

    An edge that is not aligned is wrong by up to a step, 100 ms.
    """
    assert joules == pytest.approx(watts * seconds, rel=0.03, abs=watts * WORST_EDGE_SECONDS)


def test_windows_shorter_and_longer_than_the_steps_are_exact(driver: Path) -> None:
    """Devices with different steps, so that the edges lie anywhere between those of one of them."""
    environment = simulated_driver.environment(driver, gpus=2, watts="350,600", step_ms="100,73")
    lengths = [0.002] * 5 + [0.005] * 5 + [0.05] * 5 + [0.23] * 4 + [0.97] * 2
    windows = measure(environment, [uuid(0), uuid(1)], lengths)["windows"]
    assert len(windows) == len(lengths)
    late_seconds = []
    for window in windows:
        for device, watts in ((uuid(0), 350), (uuid(1), 600)):
            joules = window["gpu_joules_by_device"][device]
            assert_measured(joules, watts, window["seconds"])
            late_seconds.append(abs(joules / watts - window["seconds"]))
    assert statistics.median(late_seconds) < USUAL_EDGE_SECONDS


def test_a_slow_driver_with_many_gpus_still_gives_the_energy(driver: Path) -> None:
    """A round through eight counters takes 9 ms, so at worst a window is wrong by that, and by the
    same error of the power over the 0.1 s from its end to the next step: 18 ms for each GPU.
    """
    environment = simulated_driver.environment(driver, gpus=8, watts=350, latency_ms=1)
    devices = [uuid(number) for number in range(8)]
    short, long = measure(environment, devices, [0.3, 0.6])["windows"]
    assert short["gpu_joules"] == pytest.approx(8 * 350 * short["seconds"], abs=8 * 350 * 0.018)
    assert set(long["gpu_joules_by_device"]) == set(devices)
    for joules in long["gpu_joules_by_device"].values():
        assert joules == pytest.approx(350 * long["seconds"], abs=350 * 0.018)


@pytest.mark.parametrize("step_ms", [0, 1, 20, 100])
def test_any_step_of_the_counter_will_do(driver: Path, step_ms: int) -> None:
    environment = simulated_driver.environment(driver, watts=350, step_ms=step_ms)
    answer = measure(environment, [uuid(0)], [0.005, 0.005, 0.05, 0.13])
    for window in answer["windows"]:
        assert_measured(window["gpu_joules"], 350, window["seconds"])
        assert window["gpu_joules_by_device"] == {uuid(0): window["gpu_joules"]}
        assert window["cpu_joules"] is None
    assert len(answer["windows"]) == 4
    assert answer["synchronised"] == 12


def test_what_other_meters_take_beside_the_window_is_not_in_it(driver: Path) -> None:
    environment = simulated_driver.environment(driver, watts=350)
    windows = measure(environment, [uuid(0)], [0.05] * 3, between=0.25)["windows"]
    assert len(windows) == 3
    for window in windows:
        assert_measured(window["gpu_joules"], 350, window["seconds"])


def test_only_the_devices_of_the_run_count(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=3, watts="350,100,600", step_ms=0)
    answer = measure(environment, [uuid(1)], [0.2])
    (window,) = answer["windows"]
    assert list(window["gpu_joules_by_device"]) == [uuid(1)]
    assert_measured(window["gpu_joules"], 100, window["seconds"])
    assert [gpu["uuid"] for gpu in answer["gpus"]] == [uuid(1)]


def test_several_devices_are_summed(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=2, watts="350,100", step_ms=0)
    (window,) = measure(environment, [uuid(0), uuid(1)], [0.2])["windows"]
    devices = window["gpu_joules_by_device"]
    assert window["gpu_joules"] == pytest.approx(sum(devices.values()))
    assert_measured(devices[uuid(0)], 350, window["seconds"])
    assert_measured(devices[uuid(1)], 100, window["seconds"])


def test_the_devices_are_described_and_known_as_simulated(driver: Path) -> None:
    answer = measure(simulated_driver.environment(driver), [uuid(0)], [])
    assert answer["gpus"] == [
        {
            "uuid": uuid(0),
            "uuid_sha256": hashlib.sha256(uuid(0).encode()).hexdigest(),
            "name": "SIMULATED NVIDIA H100 80GB HBM3",
            "memory_bytes": 80 * 2**30,
            "power_limit_watts": 700.0,
            "default_power_limit_watts": 700.0,
            "driver_version": "999.00.01",
            "cuda_version": "13.0",
            "ecc": True,
            "persistence": True,
        }
    ]
    assert answer["sources"]["gpu"]["kind"] == "simulated"
    assert answer["sources"]["gpu"]["meter"] == "nvml"
    assert "aligned to its steps" in answer["sources"]["gpu"]["method"]
    assert answer["sources"]["cpu"] is None


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"fault": "no_driver"}, "Driver Not Loaded"),
        ({"fault": "no_energy"}, "has no energy counter"),
        ({"fault": "no_value:0"}, "holds no value"),
        ({"mig": 1}, "MIG mode"),
    ],
)
def test_a_driver_without_counters_is_refused_at_the_start(
    driver: Path, behaviour: dict[str, object], said: str
) -> None:
    environment = simulated_driver.environment(driver, gpus=2, **behaviour)
    assert_fault(measure(environment, [uuid(0), uuid(1)], [0.05]), "start", said)


@pytest.mark.parametrize("faulty", [{}, {"fault_gpu": 1}], ids=["all", "second"])
@pytest.mark.parametrize(("fault", "said"), LATE_FAULTS)
def test_a_fault_before_a_window_opens(
    driver: Path, faulty: dict[str, object], fault: str, said: str
) -> None:
    """Two steps of 200 ms last longer than the 0.1 s until the fault."""
    environment = simulated_driver.environment(
        driver, gpus=2, step_ms="50,200", fault=f"{fault}:0.1", **faulty
    )
    assert_fault(measure(environment, [uuid(0), uuid(1)], [0.05]), "approach", said)


@pytest.mark.parametrize(("fault", "said"), LATE_FAULTS)
def test_a_fault_after_a_window_ended(driver: Path, fault: str, said: str) -> None:
    """The window ends 0.1 s before the fault, and the second step after it comes later."""
    environment = simulated_driver.environment(driver, step_ms=200, fault=f"{fault}:1.1")
    assert_fault(measure(environment, [uuid(0)], [0.05], until=1.0), "read", said)


def test_a_reset_between_windows_is_found(driver: Path) -> None:
    environment = simulated_driver.environment(driver, step_ms=1, fault="reset_after:0.2")
    answer = measure(environment, [uuid(0)], [0.05], pause=0.4)
    assert_fault(answer, "approach", "went backwards")


def test_a_counter_that_never_steps_is_dead(driver: Path) -> None:
    environment = simulated_driver.environment(driver, step_ms=3_600_000)
    assert_fault(measure(environment, [uuid(0)], [0.05]), "approach", "stood still")


def test_faults_of_other_devices_do_not_matter(driver: Path) -> None:
    environment = simulated_driver.environment(
        driver, gpus=2, step_ms=0, fault="no_energy", fault_gpu=1
    )
    answer = measure(environment, [uuid(0)], [0.05])
    assert "fault" not in answer
    assert answer["windows"][0]["gpu_joules"] > 0


def test_an_unknown_device_is_refused_with_those_there_are(driver: Path) -> None:
    answer = measure(simulated_driver.environment(driver, gpus=2), ["GPU-unknown"], [])
    assert "GPU-unknown" in answer["fault"]
    assert uuid(0) in answer["fault"]
    assert uuid(1) in answer["fault"]


@pytest.mark.parametrize("uuids", [[], [uuid(0), uuid(0)]])
def test_the_devices_must_be_named_once_each(driver: Path, uuids: list[str]) -> None:
    answer = measure(simulated_driver.environment(driver), uuids, [])
    assert "UUID" in answer["fault"]


def test_without_a_driver_library_there_is_no_meter(tmp_path: Path) -> None:
    broken = tmp_path / simulated_driver.LIBRARY
    broken.write_bytes(b"")
    environment = dict(os.environ) | {"LD_LIBRARY_PATH": str(tmp_path)}
    answer = measure(environment, [uuid(0)], [])
    assert "driver does not answer" in answer["fault"]
    assert "driver" in answer["remedy"]
