"""What becomes of a driver that is missing or broken, for each of those who ask it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import simulated_driver

ROOT = Path(__file__).parents[2]
PROBE = """
import json, sys
if "hidden" in sys.argv:
    sys.modules["pynvml"] = None
from orchestrator.engines.slurm.given_gpus import driver_gpus
from orchestrator.errors import HostError
from orchestrator.gpu_occupants import occupants
from orchestrator.gpus import Gpu, find_gpus

def answer(ask):
    try:
        return ask()
    except HostError as error:
        return str(error)

gpu = Gpu(0, sys.argv[1], "NVIDIA H100", None, simulated=False)
print(json.dumps([
    answer(lambda: [gpu.uuid for gpu in find_gpus()]),
    answer(lambda: [uuid for uuid in occupants([gpu]) if uuid == gpu.uuid]),
    answer(lambda: [gpu.uuid for gpu in driver_gpus([0])]),
]))
"""


@pytest.mark.parametrize(
    ("fault", "argument", "found", "given"),
    [
        ("no_driver", "", [], "the node's NVIDIA driver does not answer: "),
        ("", "hidden", [], "does not answer: the package nvidia-ml-py is not installed"),
        ("lost_after:0", "", "the NVIDIA driver of this machine does not answer", "GPU is lost"),
    ],
)
def test_without_a_driver_there_are_no_gpus_and_none_that_slurm_can_have_given(
    tmp_path: Path, fault: str, argument: str, found: object, given: str
) -> None:
    gpus, occupied, told = _answers(tmp_path, argument, fault=fault)
    assert gpus == found if isinstance(found, list) else str(found) in gpus
    assert occupied == []
    assert given in told


def test_all_three_see_the_same_gpu(tmp_path: Path) -> None:
    uuid = simulated_driver.uuid(0)
    assert _answers(tmp_path, "", processes="4242") == [[uuid], [uuid], [uuid]]


def _answers(folder: Path, argument: str, **behaviour: object) -> list[object]:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc) to build the simulated driver with")
    driver = simulated_driver.build(folder)
    given = {name: value for name, value in behaviour.items() if value}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, simulated_driver.uuid(0), argument],
        env=simulated_driver.environment(driver, **given) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[object] = json.loads(done.stdout)
    return answers
