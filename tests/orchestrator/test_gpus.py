import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BatchRunnerError, HostError, UsageError
from orchestrator.gpus import Gpu, check_form, choose_gpus
from tests.support import simulated_driver

ROOT = Path(__file__).parents[2]
PRESENT = [
    Gpu(index=i, uuid=f"GPU-0000-{i}", name="NVIDIA H100", memory_bytes=2**36, simulated=False)
    for i in range(3)
]

PROBE = """
import dataclasses, json
from orchestrator.errors import HostError
from orchestrator.gpus import find_gpus
try:
    print(json.dumps([dataclasses.asdict(gpu) for gpu in find_gpus()]))
except HostError as error:
    print(json.dumps(str(error)))
"""


def find(environment: dict[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    return simulated_driver.build(tmp_path_factory.mktemp("driver"))


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("all", [0, 1, 2]),
        ("0", [0]),
        ("2,0", [2, 0]),
        (" 1 , 2 ", [1, 2]),
        ("GPU-0000-1", [1]),
        ("gpu-0000-1,0", [1, 0]),
    ],
)
def test_the_flag_names_gpus_in_the_order_wanted(text: str, indices: list[int]) -> None:
    assert [gpu.index for gpu in choose_gpus(text, PRESENT)] == indices


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no GPU is named"),
        ("0,,1", "empty entry"),
        (",", "empty entry"),
        ("0,0", "twice"),
        ("1,GPU-0000-1", "twice"),
        ("-1", "GPU-0000-2"),
        ("3", "GPU-0000-2"),
        ("0,all", "'all'"),
        ("GPU-ffff", "GPU-0000-2"),
        ("0.5", "'0.5'"),
        ("simulated:0", "1 to"),
        ("simulated:-2", "1 to"),
        ("simulated:", "1 to"),
        ("simulated:two", "1 to"),
        ("simulated:1000000000", "1 to"),
        ("simulated:" + "9" * 5000, "1 to"),
    ],
)
def test_a_wrong_flag_is_refused_with_what_exists(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_gpus(text, PRESENT)
    assert said in str(caught.value)
    assert str(caught.value).startswith("--gpus: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no GPU is named"),
        (" ", "no GPU is named"),
        ("0,", "empty entry"),
        ("all,0", "stands alone"),
        ("nonsense", "neither an index nor a UUID"),
        ("99999", "neither an index nor a UUID"),
        ("1" * 5000, "neither an index nor a UUID"),
        ("01", "neither an index nor a UUID"),
        ("\u0663", "neither an index nor a UUID"),
        ("GPU-", "neither an index nor a UUID"),
        ("GPU-xyz", "neither an index nor a UUID"),
        ("0,0", "twice"),
        ("GPU-ab,gpu-AB", "twice"),
    ],
)
def test_a_malformed_flag_is_refused_before_anybody_looks_for_gpus(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose_gpus(text, [])
    with pytest.raises(UsageError, match=said):
        check_form(text)


@pytest.mark.parametrize("text", ["all", "0", "1023", "7,0", "GPU-0000-0", "MIG-0", "simulated:8"])
def test_a_well_formed_flag_needs_no_gpu_to_pass(text: str) -> None:
    check_form(text)


@pytest.mark.parametrize("text", ["all", "0", "1023", "GPU-0000-0"])
def test_without_any_gpu_the_host_is_not_ready(text: str) -> None:
    with pytest.raises(HostError, match="shows no NVIDIA GPU"):
        choose_gpus(text, [])


@pytest.mark.parametrize("text", ["all", "1", "MIG-1234"])
def test_gpus_in_mig_mode_are_refused_by_name(text: str) -> None:
    present = [PRESENT[0], replace(PRESENT[1], mig=True)]
    with pytest.raises(HostError, match="MIG") as caught:
        choose_gpus(text, present)
    assert "MIG-1234" in str(caught.value) or "GPU-0000-1" in str(caught.value)


def test_mig_mode_of_a_gpu_that_is_not_chosen_does_not_matter() -> None:
    present = [PRESENT[0], replace(PRESENT[1], mig=True)]
    assert [gpu.index for gpu in choose_gpus("0", present)] == [0]


def test_simulated_gpus_need_no_driver_and_are_the_same_every_time() -> None:
    gpus = choose_gpus("simulated:8", [])
    assert gpus == choose_gpus("simulated:8", PRESENT)
    assert gpus[:2] == choose_gpus("simulated:2", [])
    assert [gpu.name for gpu in gpus[:2]] == ["SIMULATED GPU 0", "SIMULATED GPU 1"]
    assert len({gpu.uuid for gpu in gpus}) == 8
    assert all(gpu.simulated for gpu in gpus)


def test_the_driver_tells_which_gpus_there_are(driver: Path) -> None:
    gpus = find(simulated_driver.environment(driver, gpus=2))
    assert [(gpu["index"], gpu["uuid"]) for gpu in gpus] == [
        (0, simulated_driver.uuid(0)),
        (1, simulated_driver.uuid(1)),
    ]
    assert gpus[0]["name"] == "SIMULATED NVIDIA H100 80GB HBM3"
    assert gpus[0]["memory_bytes"] == 80 * 2**30
    assert gpus[0]["simulated"] is True
    assert gpus[0]["mig"] is False


def test_mig_mode_is_seen(driver: Path) -> None:
    assert [gpu["mig"] for gpu in find(simulated_driver.environment(driver, mig=1))] == [True]


@pytest.mark.parametrize("mode", ["ecc", "persistence"])
def test_modes_that_change_what_a_gpu_draws_are_seen(driver: Path, mode: str) -> None:
    (usual,) = find(simulated_driver.environment(driver))
    (other,) = find(simulated_driver.environment(driver, **{mode: 0}))
    assert (usual[mode], other) == (True, usual | {mode: False})


def test_a_driver_that_lacks_what_only_describes_a_gpu_still_tells_which_there_are(
    driver: Path, tmp_path: Path
) -> None:
    lacking = {
        "nvmlDeviceGetMemoryInfo": "memory_bytes",
        "nvmlDeviceGetEnforcedPowerLimit": "power_limit_watts",
        "nvmlDeviceGetPowerManagementDefaultLimit": "default_power_limit_watts",
    }
    (whole,) = find(simulated_driver.environment(driver))
    older = simulated_driver.build(tmp_path / "older", lacking=list(lacking))
    (gpu,) = find(simulated_driver.environment(older))
    assert None not in [whole[field] for field in lacking.values()]
    assert gpu == whole | dict.fromkeys(lacking.values())


def test_a_driver_that_is_not_loaded_means_no_gpus(driver: Path) -> None:
    assert find(simulated_driver.environment(driver, fault="no_driver")) == []


def test_no_driver_library_means_no_gpus(tmp_path: Path) -> None:
    (tmp_path / simulated_driver.LIBRARY).write_bytes(b"")
    assert find(dict(os.environ) | {"LD_LIBRARY_PATH": str(tmp_path)}) == []


def test_a_driver_that_breaks_is_a_host_error(driver: Path) -> None:
    said = find(simulated_driver.environment(driver, fault="lost_after:0"))
    assert "GPU is lost" in said


def test_both_kinds_of_refusal_are_errors_of_the_runner() -> None:
    assert issubclass(UsageError, BatchRunnerError)
    assert (UsageError.exit_code, HostError.exit_code) == (2, 3)
