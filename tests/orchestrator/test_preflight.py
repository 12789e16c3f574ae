"""What is said of GPUs that no official run can come from."""

from dataclasses import replace

import pytest

from orchestrator.engines.process import ProcessEngine
from orchestrator.gpus import Gpu
from orchestrator.preflight import host_warnings
from orchestrator.run_planner import Plan
from tests.support.settings import settings

H100 = Gpu(
    index=0,
    uuid="GPU-0",
    name="NVIDIA H100 80GB HBM3",
    memory_bytes=85_520_809_984,
    simulated=False,
    power_limit_watts=700.0,
    default_power_limit_watts=700.0,
)


def warnings(tmp_path, *gpus):
    asked = settings("--engine", "process", "--output-dir", str(tmp_path))
    found = host_warnings(Plan(runs=(), skipped=()), asked, ProcessEngine(tmp_path), gpus)
    return [str(problem) for problem in found if "official hardware" in str(problem)]


def test_an_h100_at_its_own_power_limit_needs_no_word(tmp_path):
    assert warnings(tmp_path, H100) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "NVIDIA H200", "memory_bytes": 150_754_820_096}, "150.8 GB"),
        ({"name": "NVIDIA H100 NVL", "memory_bytes": 100_485_038_080}, "100.5 GB"),
        ({"power_limit_watts": 500.0}, "asked a limit of 700 W vs found 500 W"),
        ({"memory_bytes": None}, "unknown"),
        ({"default_power_limit_watts": None}, "a default that is not known"),
    ],
)
def test_other_hardware_is_named_with_what_is_different(tmp_path, change, said):
    other = replace(H100, index=3, **change)
    (warning,) = warnings(tmp_path, H100, other)
    assert "GPU 3" in warning
    assert said in warning
    assert "none of them is official" in warning


def test_simulated_gpus_and_those_of_other_machines_are_not_judged(tmp_path):
    simulated = replace(H100, name="SIMULATED GPU 0", memory_bytes=None, simulated=True)
    elsewhere = replace(H100, name="", memory_bytes=None)
    assert warnings(tmp_path, simulated, elsewhere) == []
