"""The real bindings on the simulated driver, whose joules are known beforehand."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import simulated_driver
from tests.support.simulated_driver import uuid

ROOT = Path(__file__).parents[2]
STEP_SECONDS = 0.1

# Runs windows of `windows` seconds, the first of them `pause` seconds after the start; where `until`
# is given, a window ends at so many seconds after the start instead.
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
        answer["stage"] = "open"
        meter.open("window")
        opened = time.monotonic()
        if plan["until"]:
            seconds = max(0, started + plan["until"] - opened)
        time.sleep(seconds)
        answer["stage"] = "close"
        closed = time.monotonic()
        reading = meter.close()
        answer["windows"].append({"seconds": closed - opened, **reading.model_dump()})
except MeterFault as fault:
    answer["fault"] = fault.message
    answer["remedy"] = fault.remedy
finally:
    meter.stop()
    meter.stop()
print(json.dumps(answer))
"""


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
) -> dict[str, Any]:
    plan = json.dumps({"uuids": uuids, "windows": windows, "pause": pause, "until": until})
    done = subprocess.run(
        [sys.executable, "-c", PROBE, plan],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_joules_are_the_known_watts_times_the_duration(driver: Path) -> None:
    environment = simulated_driver.environment(driver, watts=350)
    answer = measure(environment, [uuid(0)], [0.55, 0.37])
    for window in answer["windows"]:
        step_joules = 350 * STEP_SECONDS
        assert window["gpu_joules"] >= 350 * window["least"] - step_joules
        assert window["gpu_joules"] <= 350 * window["most"] + step_joules
        assert window["gpu_joules_by_device"] == {uuid(0): window["gpu_joules"]}
        assert window["cpu_joules"] is None
    assert answer["synchronised"] == 4


def test_a_counter_without_steps_is_exact(driver: Path) -> None:
    environment = simulated_driver.environment(driver, watts=350, step_ms=0)
    (window,) = measure(environment, [uuid(0)], [0.2])["windows"]
    assert 350 * window["least"] - 0.01 <= window["gpu_joules"] <= 350 * window["most"] + 0.01


def test_only_the_devices_of_the_run_count(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=3, watts="350,100,600", step_ms=0)
    answer = measure(environment, [uuid(1)], [0.2])
    (window,) = answer["windows"]
    assert list(window["gpu_joules_by_device"]) == [uuid(1)]
    assert window["gpu_joules"] <= 100 * window["most"] + 0.01
    assert [gpu["uuid"] for gpu in answer["gpus"]] == [uuid(1)]


def test_several_devices_are_summed(driver: Path) -> None:
    environment = simulated_driver.environment(driver, gpus=2, watts="350,100", step_ms=0)
    (window,) = measure(environment, [uuid(0), uuid(1)], [0.2])["windows"]
    devices = window["gpu_joules_by_device"]
    assert window["gpu_joules"] == pytest.approx(sum(devices.values()))
    assert 100 * window["least"] - 0.01 <= devices[uuid(1)] <= 100 * window["most"] + 0.01
    assert 350 * window["least"] - 0.01 <= devices[uuid(0)] <= 350 * window["most"] + 0.01


def test_the_devices_are_described_and_known_as_simulated(driver: Path) -> None:
    answer = measure(simulated_driver.environment(driver), [uuid(0)], [])
    assert answer["gpus"] == [
        {
            "uuid": uuid(0),
            "name": "SIMULATED NVIDIA H100 80GB HBM3",
            "memory_bytes": 80 * 2**30,
            "power_limit_watts": 700.0,
            "driver_version": "999.00.01",
        }
    ]
    assert answer["sources"]["gpu"]["kind"] == "simulated"
    assert answer["sources"]["gpu"]["meter"] == "nvml"
    assert answer["sources"]["cpu"] is None


def test_a_window_within_one_step_is_not_measured_rather_than_zero(driver: Path) -> None:
    environment = simulated_driver.environment(driver, step_ms=3_600_000)
    (window,) = measure(environment, [uuid(0)], [0.05])["windows"]
    assert window["gpu_joules"] is None
    assert window["gpu_joules_by_device"] is None


def test_one_unmoved_counter_leaves_the_sum_unmeasured(driver: Path) -> None:
    environment = simulated_driver.environment(
        driver, gpus=2, step_ms=0, fault="stuck_after:0", fault_gpu=1
    )
    (window,) = measure(environment, [uuid(0), uuid(1)], [0.05])["windows"]
    assert window["gpu_joules"] is None


@pytest.mark.parametrize(
    ("behaviour", "windows", "said"),
    [
        ({"fault": "no_driver"}, [], "Driver Not Loaded"),
        ({"fault": "no_energy"}, [], "has no energy counter"),
        ({"fault": "no_value:0"}, [], "holds no value"),
        ({"fault": "no_value:0.3"}, [0.5], "holds no value"),
        ({"fault": "reset_after:0.8"}, [1.2], "went backwards"),
        ({"fault": "lost_after:0.3"}, [0.5], "GPU is lost"),
        ({"fault": "stuck_after:0"}, [1.1], "stood still"),
        ({"fault": "stuck_after:0", "fault_gpu": 1}, [1.1], "stood still"),
        ({"mig": 1}, [], "MIG mode"),
    ],
)
def test_every_fault_of_the_driver_ends_in_a_meter_fault(
    driver: Path, behaviour: dict[str, object], windows: list[float], said: str
) -> None:
    environment = simulated_driver.environment(driver, gpus=2, step_ms=1, **behaviour)
    answer = measure(environment, [uuid(0), uuid(1)], windows)
    assert said in answer["fault"]
    assert answer["remedy"]
    assert answer["windows"] == []


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
