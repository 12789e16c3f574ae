"""Which GPUs a direct run takes, on a driver whose devices are known."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support import driver_programs, simulated_driver
from tests.support.simulated_driver import uuid

PROGRAM = """
import os
from benchmark_core.direct.visible_gpus import choose_gpus
from benchmark_core.faults import MeterFault

try:
    uuids, note = choose_gpus(NAMED, os.environ)
    answer = {"uuids": list(uuids), "note": note}
except MeterFault as fault:
    answer = {"fault": fault.message, "remedy": fault.remedy}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


def choose(
    driver: Path,
    named: tuple[str, ...] | None,
    visible: str | None,
    gpus: int = 8,
    **behaviour: Any,
) -> dict[str, Any]:
    environment = simulated_driver.environment(driver, gpus=gpus, **behaviour)
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    return dict(driver_programs.ask(environment, PROGRAM.replace("NAMED", repr(named))))


@pytest.mark.parametrize(
    ("named", "visible", "found"),
    [
        (None, None, [0]),
        (None, "3,1", [3]),
        (None, uuid(5), [5]),
        (("0",), "3,1", [3]),
        (("1",), "3,1", [1]),
        (("2",), None, [2]),
        (("2", "0"), None, [2, 0]),
        ((uuid(4),), None, [4]),
        ((uuid(1),), "3,1", [1]),
    ],
)
def test_the_first_visible_gpu_or_the_named_ones(
    driver: Path, named: tuple[str, ...] | None, visible: str | None, found: list[int]
) -> None:
    assert choose(driver, named, visible)["uuids"] == [uuid(index) for index in found]


def test_the_choice_among_several_is_said(driver: Path) -> None:
    note = choose(driver, None, None)["note"]
    assert note.startswith("8 GPUs are visible; the first is used")
    assert choose(driver, None, None, gpus=1)["note"] == ""
    assert choose(driver, ("3",), None)["note"] == ""


@pytest.mark.parametrize(
    ("named", "visible", "said"),
    [
        (("8",), None, "there is no visible GPU 8"),
        (("1",), "3", "there is no visible GPU 1"),
        ((uuid(1),), "3", f"there is no visible GPU {uuid(1)}"),
        (("GPU-5151",), None, "there is no visible GPU GPU-5151"),
        (("1", uuid(1)), None, f"names GPU {uuid(1)} twice"),
        (None, "", "no GPU is visible"),
        (None, "99", "no GPU is visible"),
        (None, "MIG-1", "covers all instances together"),
    ],
)
def test_what_is_not_there_is_refused(
    driver: Path, named: tuple[str, ...] | None, visible: str | None, said: str
) -> None:
    answer = choose(driver, named, visible)
    assert said in answer["fault"]
    assert answer["remedy"]
