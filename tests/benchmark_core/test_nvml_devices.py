"""Which GPUs are a run's own, when nobody told it: what CUDA would see."""

import shutil
from pathlib import Path

import pytest

from tests.support import driver_programs, simulated_driver
from tests.support.simulated_driver import uuid

PROGRAM = """
import os
from benchmark_core.faults import MeterFault
from benchmark_core.meters import nvml_devices

nvml_devices.load_driver()
try:
    answer = {"uuids": nvml_devices.visible_uuids(os.environ, COUNT)}
except MeterFault as fault:
    answer = {"fault": fault.message, "remedy": fault.remedy}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def ask(driver: Path, count: int, visible: str | None) -> dict[str, object]:
    environment = simulated_driver.environment(driver, gpus=4)
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    answer: dict[str, object] = driver_programs.ask(
        environment, PROGRAM.replace("COUNT", str(count))
    )
    return answer


@pytest.mark.parametrize(
    ("visible", "count", "found"),
    [
        (None, 1, [0]),
        (None, 3, [0, 1, 2]),
        ("2", 1, [2]),
        ("3,1", 2, [3, 1]),
        ("3,1", 1, [3]),
        (uuid(2), 1, [2]),
        (f" {uuid(2)} , {uuid(0)}", 2, [2, 0]),
        (uuid(1)[:-1] + "1", 1, [1]),
        ("", 1, []),
        ("1,9,2", 3, [1]),
        ("GPU-5151", 1, []),
    ],
)
def test_the_variable_is_read_as_cuda_reads_it(
    driver: Path, visible: str | None, count: int, found: list[int]
) -> None:
    """An ambiguous or unknown entry ends the list, as it does for CUDA."""
    assert ask(driver, count, visible) == {"uuids": [uuid(index) for index in found]}


def test_mig_instances_are_refused_with_the_reason(driver: Path) -> None:
    answer = ask(driver, 1, "MIG-8d0b7a1c-0000-0000-0000-000000000000")
    assert "covers all instances together" in str(answer["fault"])
    assert "MIG mode off" in str(answer["remedy"])
